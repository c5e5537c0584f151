import Broker
import CAllocations
import Foundation
import Hub
import Reactor
import Synchronization
import TestRandomness
import Testing
import Wire

@testable import Edge

@Suite("Fan-out")
struct FanoutTests {
    @Test("a connection is 104 bytes")
    func connectionSize() {
        #expect(MemoryLayout<Connection>.stride == 104)
        #expect(MemoryLayout<Client>.size == 33 && MemoryLayout<Encoding>.size == 3)
    }

    @Test("a connect of Bayeux that waits is 120 bytes")
    func heldConnectSize() throws {
        var generator = SystemRandomNumberGenerator()
        let token = SessionToken(using: &generator, isBayeux: true)
        let connect =
            #"{"channel":"/meta/connect","clientId":"\#(token.text)","connectionType":"long-polling","id":"7"}"#
        let messages = try Array(connect.utf8).withUnsafeBytes { try BayeuxBody.messages(in: $0, .json, countMax: 1) }
        guard case .connect(let request)? = messages.first?.request else {
            Issue.record("it is no connect")
            return
        }
        let key = SlabKey(token: 1)
        let exchange = Exchange(connection: key, form: [], origin: nil, callback: nil)
        let batch = BayeuxBatch(
            messages,
            from: .exchange(exchange),
            credentials: .none,
            isAffine: true,
            receivedMilliseconds: 0
        )
        let hold = BayeuxHold(
            batch,
            token,
            request,
            id: messages[0].id,
            notes: BayeuxNotes(),
            areNotesNew: false,
            acknowledged: []
        )
        #expect(hold.clientID == token.text && hold.id == "\"7\"")
        #expect(callocations_size(Unmanaged.passUnretained(hold).toOpaque()) <= 120)
    }

    @Test("a channel with ten members does not wait for one with three thousand")
    func fairness() throws {
        try withNode { node in
            let many = try (0..<3_000).map { _ in try node.webSocket("?channel=big&format=raw") }
            let few = try (0..<10).map { _ in try node.webSocket("?channel=small&format=raw") }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 3_010 }
            let client = try node.connect()
            let big = TestClient.request(
                "POST",
                "/channels/big",
                body: [UInt8](repeating: 97, count: 1_000),
                port: node.port
            )
            let small = TestClient.request("POST", "/channels/small", body: [98], port: node.port)
            var overtakings = 0
            var trials = 0
            // A test thread that is held up sees it less often, and looks more often; without taking turns it would never be seen.
            while trials < 8 || overtakings == 0 && trials < 100 {
                trials += 1
                try client.send(big + small)
                for socket in few { #expect(try socket.nextFrame() == .text("b")) }
                // More than those ten are missing, who may be counted a moment after their bytes arrived.
                if node.metrics.hub.deliveries.value < trials * 3_010 - few.count { overtakings += 1 }
                #expect(try client.readAnswer().status == 200)
                #expect(try client.readAnswer().status == 200)
                try eventually("everyone is sent to") { node.metrics.hub.deliveries.value == trials * 3_010 }
                for socket in many { socket.client.receiveNow() }
            }
            #expect(overtakings > 0)
            for socket in many { #expect(socket.framesNow().count == trials) }
        }
    }

    @Test(
        "members that come, leave and are reset while messages flow lose and double none",
        arguments: [1, 2],
        [true, false]
    )
    func churn(reactorCount: Int, hasUplinkThread: Bool) throws {
        try withNode(hasUplinkThread: hasUplinkThread) { configuration in
            configuration.reactorCount = reactorCount
            configuration.limits.windowBytesMax = 16 << 20
            configuration.limits.historyCountMax = 100_000
        } _: { node in
            var generator = SeededGenerator(seed: 7)
            let steady = try (0..<60).map { _ in try RawReader(node.webSocket("?channel=a&format=raw")) }
            try eventually("all are subscribed") {
                node.node.status.reactors.reduce(0) { $0 + $1.hub.subscriptions.value } == 60
            }
            let publisher = BackgroundPublisher(port: node.port, channel: "a") {
                RawReader.payload(channel: 97, number: $0, count: 20)
            }
            var guests: [Guest] = []
            for _ in 0..<60 {
                for _ in 0..<3 { guests.append(try Guest(node.webSocket("?channel=a"))) }
                for _ in 0..<2 where guests.count > 5 {
                    let guest = guests.remove(at: Int.random(in: 0..<guests.count, using: &generator))
                    try guest.check()
                    Bool.random(using: &generator) ? guest.socket.close() : guest.socket.client.reset()
                }
                for reader in steady { reader.read(upTo: 1 << 20) }
            }
            let count = try publisher.stop()
            try eventually("the steady have everything") {
                for reader in steady { reader.read(upTo: 1 << 20) }
                return steady.allSatisfy { $0.counts[0] >= count }
            }
            #expect(steady.allSatisfy { $0.isInOrder && $0.counts == [count, 0] })
            for guest in guests { try guest.check(upTo: count) }
            for guest in guests { guest.socket.close() }
            do {
                try eventually("only the steady are left") {
                    node.node.status.reactors.reduce(0) { $0 + $1.hub.subscriptions.value } == 60
                }
            } catch {
                for reactor in node.node.status.reactors {
                    let counts = [reactor.hub.subscriptions, reactor.webSocketConnections, reactor.hub.laggards].map(
                        \.value
                    )
                    Issue.record("subscriptions, connections, laggards: \(counts)")
                }
                throw error
            }
        }
    }

    /// A member that comes while messages flow: from where it was subscribed it must miss and repeat nothing.
    private final class Guest {
        let socket: WebSocketClient
        private var next: Int?

        init(_ socket: WebSocketClient) throws {
            self.socket = socket
            try socket.begin()
        }

        /// Checks what is there; with a count, waits for the last of so many.
        func check(upTo count: Int? = nil) throws {
            var isDone = false
            while !isDone {
                let frames = socket.framesNow()
                for case .text(let text) in frames {
                    let data = Array(try Message(text).data?.utf8 ?? "".utf8)
                    let number = Int(data[1]) << 21 | Int(data[2]) << 14 | Int(data[3]) << 7 | Int(data[4])
                    if let next { #expect(number == next) }
                    next = number + 1
                }
                isDone = count.map { (next ?? $0) >= $0 } ?? true
                if !isDone, frames.isEmpty { _ = try socket.client.receive { !socket.client.buffer.isEmpty } }
            }
            if let count, let next { #expect(next == count) }
        }
    }

    @Test("clients that reset their connections in the middle of a fan-out harm nobody")
    func resets() throws {
        try withNode { configuration in
            configuration.limits.windowBytesMax = 16 << 20
        } _: { node in
            var doomed = try (0..<400).map { _ in try node.webSocket("?channel=a&format=raw", receiveBytes: 4_096) }
            let steady = try (0..<20).map { _ in try RawReader(node.webSocket("?channel=a&format=raw")) }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 420 }
            var published = 0
            while !doomed.isEmpty {
                // Answered before the fan-out is through.
                try node.publish(
                    "a",
                    (published..<published + 5).map { RawReader.payload(channel: 97, number: $0, count: 2_000) }
                )
                published += 5
                for _ in 0..<8 { doomed.popLast()?.client.reset() }
                for reader in steady { reader.read(upTo: 1 << 20) }
            }
            try eventually("the steady have everything") {
                for reader in steady { reader.read(upTo: 1 << 20) }
                return steady.allSatisfy { $0.counts[0] == published }
            }
            #expect(steady.allSatisfy { $0.isInOrder })
            try eventually("the others are gone") { node.metrics.webSocketConnections.value == 20 }
            try eventually("it is counted") { node.metrics.hub.laggards.value == 0 }
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 20 }
        }
    }

    @Test("every transport and encoding of a channel gets the same messages")
    func encodings() throws {
        try withNode { node in
            let json = try node.webSocket("?channel=a")
            let raw = try node.webSocket("?channel=a&format=raw")
            let stream = try node.eventStream("?channel=a")
            let rawStream = try node.eventStream("?channel=a&format=raw")
            let several = try node.eventStream("?channel=a&channel=b")
            try json.begin()
            try stream.begin()
            try several.begin(2)
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 5 }
            try node.publish("a", (0..<50).map { Array("m\($0)".utf8) })
            for number in 0..<50 {
                #expect(try json.next("message").data == "m\(number)")
                #expect(try raw.nextFrame() == .text("m\(number)"))
                #expect(try stream.next().message.data == "m\(number)")
                #expect(try rawStream.next().data == "m\(number)")
                #expect(try several.next().message.data == "m\(number)")
            }
            // The last may be counted a moment after its bytes arrived.
            try eventually("all are counted") { node.metrics.hub.deliveries.value == 250 }
        }
    }

    @Test("a channel that loses its last member and gets another at once misses nothing")
    func reopens() throws {
        try withNode { configuration in
            configuration.limits.lingerMilliseconds = 1
        } _: { node in
            for round in 0..<100 {
                let hasty = try node.connect()
                try hasty.sendRequest("GET", "/ws?channel=a", WebSocketClient.handshake)
                hasty.reset()
                let socket = try node.webSocket("?channel=a")
                let position = try node.publish("a", "m\(round)")
                try socket.next("welcome")
                let subscribed = try socket.next("subscribed")
                if subscribed.position != position { #expect(try socket.next("message").data == "m\(round)") }
                socket.close()
            }
        }
    }

    @Test("intake waits for a log in the middle of a round, also while somebody is behind")
    func unsentBytes() {
        var table = SubscriptionTable()
        let log = FanoutLog(windowBytesMax: 1_000, policy: .skip)
        let slow = log.add(client: ClientSlot(number: 0), next: .none, to: &table)
        let fast = log.add(client: ClientSlot(number: 1), next: .none, to: &table)
        func append(_ count: Int) {
            [UInt8](repeating: 1, count: count).withUnsafeBytes {
                log.append($0, position: Position(milliseconds: log.end + 1, sequence: 0))
            }
        }
        func sendRound() {
            while let member = log.nextMember() {
                if member == fast {
                    table[fast].pointee.offset = log.end
                } else {
                    log.markBehind(table[slow])
                    log.keep(from: table[slow].pointee.offset)
                }
            }
        }
        append(900)
        #expect(log.unsentBytes == 900)
        sendRound()
        #expect(log.unsentBytes == 0)
        #expect(log.keptBytes == 900)
        append(5_000)
        #expect(log.unsentBytes == 5_000)
        _ = log.nextMember()
        append(100)
        #expect(log.unsentBytes == 5_100)
        sendRound()
        sendRound()
        #expect(log.unsentBytes == 0)
        log.remove(slow, from: &table)
        log.remove(fast, from: &table)
    }

    @Test("heartbeats of those who were sent to at the same moment are spread")
    func spreadsHeartbeats() throws {
        // A quarter of the heartbeat, less a tick at either end. Whoever looks may be late for the first: the best of three runs counts.
        var longest = 0.0
        for _ in 0..<3 where longest <= 400 { longest = max(longest, try heartbeatSpread()) }
        #expect(longest > 400)
    }

    /// Milliseconds from the first heartbeat of many to the last.
    private func heartbeatSpread() throws -> Double {
        var spread = 0.0
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 4_000
        } _: { node in
            let sockets = try (0..<200).map { _ in try node.webSocket("?channel=a&format=raw") }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 200 }
            try node.publish("a", "together")
            try eventually("everyone is sent to") { node.metrics.hub.deliveries.value == 200 }
            let sentBefore = node.metrics.bytesSent.value
            var first: Double?
            // A heartbeat is two bytes.
            try eventually("everyone has a heartbeat") {
                let heartbeats = (node.metrics.bytesSent.value - sentBefore) / 2
                if heartbeats > 0, first == nil { first = monotonicMilliseconds }
                return heartbeats >= 200
            }
            spread = monotonicMilliseconds - (first ?? 0)
            for socket in sockets {
                // A slow machine may have had them wait for the others.
                let frames = socket.framesNow()
                #expect(frames.filter { $0 != .pong([]) } == [.text("together")] && frames.contains(.pong([])))
            }
        }
        return spread
    }
}

/// What threads tell each other.
@Suite("Inbox")
struct InboxTests {
    /// Counts what it receives, on its reactor's thread.
    private final class Sink: ReactorHandler {
        let received: Atomic<Int>.Box
        init(_ received: Atomic<Int>.Box) { self.received = received }

        private(set) var isFinished = false
        func ready(token: UInt64, readiness: Readiness) {}
        func receive(_ message: Int) {
            if message < 0 { isFinished = true }
            received.value.add(1, ordering: .relaxed)
        }
        func tick(_ tick: Tick) {}
        func endOfTurn() -> Bool { false }
    }

    @Test("a message that comes while a batch is taken is not forgotten")
    func losesNothing() throws {
        let inbox = try Inbox<Int>()
        let received = Atomic<Int>.Box()
        try ReactorThread.start(name: "sink") {
            guard let reactor = try? Reactor(inbox: inbox) else { return }
            reactor.run(Sink(received))
        }
        var posted = 0
        for round in 0..<60_000 {
            for _ in 0..<1 + round % 3 {
                inbox.post(1)
                posted += 1
            }
            // Short bursts, so that most batches are taken while the next message is on its way.
            if round % 8 == 0 {
                try eventually("all of round \(round) came") { received.value.load(ordering: .relaxed) == posted }
            }
        }
        inbox.post(-1)
        try eventually("it ended") { received.value.load(ordering: .relaxed) == posted + 1 }
    }
}

extension Atomic where Value == Int {
    /// An atomic number that a class can share.
    fileprivate final class Box: Sendable {
        let value = Atomic<Int>(0)
    }
}
