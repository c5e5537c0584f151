import Broker
import Edge
import Foundation
import Hub
import TestRandomness
import Testing
import Wire

/// Readers that do not keep up, over real sockets (invariants I5 and I6).
///
/// A narrow reader's sockets hold some tens of kilobytes on their way; with a window of 64 KiB the node's policy decides
/// after that.
@Suite("Slow readers")
struct SlowReaderTests {
    static let window = 65_536

    /// Payloads that say which they are and are large enough to fill sockets soon.
    static func bodies(_ numbers: Range<Int>, count: Int = 1_000) -> [[UInt8]] {
        numbers.map { Array("\($0) ".utf8) + [UInt8](repeating: 46, count: count) }
    }

    static func number(_ text: String?) -> Int { Int((text ?? "").prefix { $0 != " " }) ?? -1 }

    private func withSlowNode(
        _ policy: SlowReaderPolicy,
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode) throws -> Void
    ) throws {
        try withNode { configuration in
            configuration.slowReader = policy
            configuration.limits.windowBytesMax = Self.window
            configuration.limits.historyCountMax = 5_000
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    /// Publishes until a metric says that the policy was applied; returns how many were published.
    private func publishUntil(
        _ node: TestNode,
        _ channel: String = "a",
        from first: Int = 0,
        _ condition: () -> Bool,
        _ afterEach: (Range<Int>) throws -> Void = { _ in }
    ) throws -> Int {
        var next = first
        while !condition() {
            guard next < first + 3_000 else { throw TestFailure("3 MB and nobody is slow") }
            try node.publish(channel, Self.bodies(next..<next + 20))
            try afterEach(next..<next + 20)
            next += 20
        }
        return next
    }

    @Test("inside the window a reader that stops for a while misses nothing", arguments: SlowReaderPolicy.allCases)
    func insideWindow(policy: SlowReaderPolicy) throws {
        try withSlowNode(policy, { $0.limits.windowBytesMax = 4 << 20 }) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            let stream = try node.eventStream("?channel=a", receiveBytes: 8_192)
            let fast = try node.webSocket("?channel=a")
            try socket.begin()
            try stream.begin()
            try fast.begin()
            var last = 0
            for _ in 0..<3 {
                let first = last
                // The kernel gives a connection that reads well more room each time.
                last = try publishUntil(node, from: first) {
                    node.metrics.hub.laggards.value == 2
                } _: { numbers in
                    // The fast one is not held up by the slow ones.
                    for number in numbers {
                        let message = try fast.next("message")
                        #expect(Self.number(message.data) == number)
                    }
                }
                for number in first..<last {
                    #expect(Self.number(try socket.next("message").data) == number)
                    #expect(Self.number(try stream.next().message.data) == number)
                }
                try eventually("nobody is behind") { node.metrics.hub.laggards.value == 0 }
            }
            #expect(
                node.metrics.hub.disconnects.value + node.metrics.hub.skips.value + node.metrics.hub.latests.value == 0
            )
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value <= 2 * FanoutLog.idleBytesMax }
        }
    }

    @Test("disconnect: the rest of the frame, bye 4008, close 4008; the cursor brings the rest")
    func disconnects() throws {
        try withSlowNode(.disconnect) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            try socket.begin()
            let count = try publishUntil(node) { node.metrics.hub.disconnects.value == 1 }
            try eventually("it is no subscriber any more") { node.metrics.hub.subscriptions.value == 0 }
            var next = 0
            var cursor = ""
            while true {
                let message = try socket.next()
                guard message.type == "message" else {
                    #expect(message.type == "bye")
                    #expect(message.code == 4_008)
                    #expect(message["reconnect"] as? Bool == true)
                    break
                }
                #expect(Self.number(message.data) == next)
                next += 1
                cursor = message.position ?? ""
            }
            let close = try socket.nextClose()
            #expect(close.code == 4_008)
            #expect(close.reason == "too slow")
            #expect(try socket.nextFrame() == nil)
            #expect(!socket.client.isReset)
            #expect(next > 0 && next < count)
            let resumed = try node.webSocket("?channel=a&cursor=a@\(cursor)")
            #expect(try resumed.begin()[0].isRecovered == true)
            while next < count {
                #expect(Self.number(try resumed.next("message").data) == next)
                next += 1
            }
            socket.close()
            try eventually("the slow one is gone") { node.metrics.webSocketConnections.value == 1 }
            try eventually("it is counted") { node.metrics.hub.laggards.value == 0 }
        }
    }

    @Test("disconnect on an event stream of several channels: bye, the end, and Last-Event-ID brings the rest")
    func disconnectsStreams() throws {
        try withSlowNode(.skip) { node in
            // A log of several channels has no single gap to tell, so its readers are closed whatever the policy says.
            let stream = try node.eventStream("?channel=a&channel=b", receiveBytes: 8_192)
            try stream.begin(2)
            let count = try publishUntil(node) { node.metrics.hub.disconnects.value == 1 }
            var next = 0
            var id = ""
            while let event = try stream.nextOrEnd() {
                if event.name == "bye" {
                    #expect(try event.message.code == 4_008)
                    continue
                }
                #expect(event.name == "")
                #expect(Self.number(try event.message.data) == next)
                next += 1
                id = event.id
            }
            #expect(!stream.client.isReset)
            #expect(stream.text.hasSuffix("}\n\n"))
            #expect(next > 0 && next < count)
            let resumed = try node.eventStream("?channel=a&channel=b", fields: [("Last-Event-ID", id)])
            #expect(try resumed.begin(2).allSatisfy { $0.isRecovered == true })
            while next < count {
                #expect(Self.number(try resumed.next().message.data) == next)
                next += 1
            }
        }
    }

    /// Publishes until nothing moves to the readers any more: all their sockets are full, and what they miss is far
    /// more than the window. Returns the positions.
    private func publishUntilStuck(_ node: TestNode) throws -> [String] {
        var published: [String] = []
        var sent = -1
        while sent != node.bytesSentToReaders {
            guard published.count < 5_000 else { throw TestFailure("5 MB and nobody is slow") }
            sent = node.bytesSentToReaders
            published += try node.publish("a", Self.bodies(published.count..<published.count + 150))
            try settle(node)
        }
        return published
    }

    private func settle(_ node: TestNode) throws {
        var last = -1
        var since = monotonicMilliseconds
        try eventually("nothing moves") {
            let sent = node.bytesSentToReaders
            if sent != last { (last, since) = (sent, monotonicMilliseconds) }
            guard monotonicMilliseconds - since > 200 else { return false }
            // The node had its turns meanwhile, and not only others.
            try node.takeTurns()
            return node.bytesSentToReaders == sent
        }
    }

    /// Reads on until a position is reached; every step must be the next publication, or a gap that begins where the
    /// reader stands. Returns the last gap, and what its event's id was.
    private func follow(
        _ published: [String],
        to end: String,
        _ next: () throws -> (Message, String)
    ) throws -> (gap: Message?, id: String) {
        let index = Dictionary(uniqueKeysWithValues: published.enumerated().map { ($1, $0) })
        var last = -1
        var gap: (Message?, String) = (nil, "")
        while last < 0 || published[last] != end {
            let (message, id) = try next()
            if message.type == "gap" {
                #expect(message.channel == "a")
                #expect((index[message.from ?? ""] ?? -1) == last)
                gap = (message, id)
                last = index[message.to ?? ""] ?? -2
            } else {
                #expect(message.type == "message")
                #expect(message.position == published[last + 1])
                #expect(Self.number(message.data) == last + 1)
                last += 1
                if !id.isEmpty { #expect(id == "a@\(published[last])") }
            }
        }
        return gap
    }

    @Test("skip: the frame under way, a gap up to the newest, then only what is published later")
    func skips() throws {
        try withSlowNode(.skip) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            let stream = try node.eventStream("?channel=a", receiveBytes: 8_192)
            try socket.begin()
            try stream.begin()
            var published = try publishUntilStuck(node)
            try eventually("it is counted") { node.metrics.hub.skips.value >= 2 }
            published += try node.publish("a", Self.bodies(published.count..<published.count + 2))
            let newest = published[published.count - 1]
            let told = try follow(published, to: newest) { (try socket.next(), "") }
            #expect(told.gap?.to == newest)
            let streamed = try follow(published, to: newest) {
                let event = try stream.nextOrEnd()
                return (try Message(event?.data ?? ""), event?.id ?? "")
            }
            #expect(streamed.gap?.to == newest)
            #expect(streamed.id == "a@\(newest)")
            try eventually("both caught up") { node.metrics.hub.laggards.value == 0 }
            let later = try node.publish("a", Self.bodies(9_000..<9_010))
            for (number, position) in later.enumerated() {
                let message = try socket.next("message")
                #expect(Self.number(message.data) == 9_000 + number && message.position == position)
                let event = try stream.next()
                #expect(Self.number(try event.message.data) == 9_000 + number)
            }
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value <= 2 * FanoutLog.idleBytesMax }
        }
    }

    @Test(
        "who is told what it missed while it falls out of the window is told the gap behind that, and reads on",
        arguments: [SlowReaderPolicy.skip, .latest]
    )
    func skipsBehindReplay(policy: SlowReaderPolicy) throws {
        let change: (inout EdgeConfiguration) -> Void = {
            // It is subscribed while it is told: all of it is one part.
            $0.limits.replayBytesMax = 16 << 20
            $0.limits.readBytesMax = 16 << 20
        }
        try withSlowNode(policy, change) { node in
            let first = try node.publish("a", Self.bodies(0..<1))[0]
            // More than any kernel takes at once.
            for first in [1, 1_001, 2_001, 3_001] {
                try node.publish("a", Self.bodies(first..<first + 1_000, count: 2_000))
            }
            let socket = try node.webSocket("?channel=a&cursor=a@\(first)", receiveBytes: 8_192)
            try socket.next("welcome")
            #expect(try socket.next("subscribed").isRecovered == true)
            _ = try publishUntil(node, from: 4_001) {
                node.metrics.hub.skips.value + node.metrics.hub.latests.value > 0
            }
            let newest = try node.publish("a", Self.bodies(8_000..<8_001))[0]
            var last = (number: 0, position: first)
            while true {
                let message = try socket.next()
                if message.type == "gap" {
                    #expect(message.from == last.position)
                    break
                }
                #expect(Self.number(message.data) == last.number + 1)
                last = (last.number + 1, try #require(message.position))
            }
            #expect(last.number >= 4_000)
            if policy == .latest { #expect(try socket.next("message").position == newest) }
            try eventually("it caught up") { node.metrics.hub.laggards.value == 0 }
            let later = try node.publish("a", Self.bodies(9_000..<9_010))
            for position in later { #expect(try socket.next("message").position == position) }
        }
    }

    @Test("latest: the frame under way, a gap, then exactly the newest, then what is published later")
    func latests() throws {
        try withSlowNode(.latest) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            let stream = try node.eventStream("?channel=a", receiveBytes: 8_192)
            try socket.begin()
            try stream.begin()
            var published = try publishUntilStuck(node)
            try eventually("it is counted") { node.metrics.hub.latests.value >= 2 }
            published += try node.publish("a", Self.bodies(published.count..<published.count + 2))
            let newest = published[published.count - 1]
            let beforeNewest = published[published.count - 2]
            let told = try follow(published, to: newest) { (try socket.next(), "") }
            #expect(told.gap?.to == beforeNewest)
            let streamed = try follow(published, to: newest) {
                let event = try stream.nextOrEnd()
                return (try Message(event?.data ?? ""), event?.id ?? "")
            }
            #expect(streamed.gap?.to == beforeNewest)
            // A stream that breaks here must resume with the newest, not behind it.
            #expect(streamed.id == "a@\(beforeNewest)")
            try eventually("both caught up") { node.metrics.hub.laggards.value == 0 }
            try node.publish("a", Self.bodies(9_000..<9_010))
            for number in 9_000..<9_010 {
                let message = try socket.next("message")
                #expect(Self.number(message.data) == number)
                let event = try stream.next()
                #expect(Self.number(try event.message.data) == number)
            }
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value <= 2 * FanoutLog.idleBytesMax }
        }
    }

    @Test(
        "a reader that skips again and again is told each gap, and what it gets is in order",
        arguments: [
            SlowReaderPolicy.skip, .latest,
        ]
    )
    func skipsRepeatedly(policy: SlowReaderPolicy) throws {
        try withSlowNode(policy) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            try socket.begin()
            var published: [String] = []
            var generator = SeededGenerator(seed: 4)
            for _ in 0..<12 {
                let first = published.count
                published += try node.publish("a", Self.bodies(first..<first + 200))
                for _ in 0..<Int.random(in: 0...20, using: &generator) { _ = socket.client.receiveNow(upTo: 8_192) }
            }
            let told = try follow(published, to: published[published.count - 1]) { (try socket.next(), "") }
            #expect(told.gap != nil)
        }
    }

    @Test("the policy of a channel's pattern decides, with its own window")
    func policiesByPattern() throws {
        try withSlowNode(
            .disconnect,
            { configuration in
                configuration.policies = [
                    ChannelPolicy(pattern: ChannelPattern("ticker/**")!, slowReader: .latest, windowBytesMax: 16_384)
                ]
            }
        ) { node in
            let ticker = try node.webSocket("?channel=ticker%2Fx", receiveBytes: 8_192)
            try ticker.begin()
            _ = try publishUntil(node, "ticker/x") { node.metrics.hub.latests.value == 1 }
            #expect(node.metrics.hub.disconnects.value == 0)
            let news = try node.webSocket("?channel=news", receiveBytes: 8_192)
            try news.begin()
            _ = try publishUntil(node, "news") { node.metrics.hub.disconnects.value == 1 }
        }
    }

    @Test("several channels on one slow connection: each in order, nothing lost inside the window")
    func severalChannels() throws {
        try withSlowNode(.disconnect, { $0.limits.windowBytesMax = 1 << 20 }) { node in
            let names = ["a", "b", "c", "d"]
            let socket = try node.webSocket("?channel=a&channel=b&channel=c&channel=d", receiveBytes: 8_192)
            try socket.begin(4)
            var generator = SeededGenerator(seed: 5)
            var published = [Int](repeating: 0, count: 4)
            var received = [Int](repeating: 0, count: 4)
            func take(_ message: Message) {
                let channel = names.firstIndex(of: message.channel ?? "") ?? 0
                #expect(message.type == "message")
                #expect(Self.number(message.data) == received[channel])
                received[channel] += 1
            }
            for round in 0..<80 {
                let channel = Int.random(in: 0..<4, using: &generator)
                let count = Int.random(in: 1...20, using: &generator)
                let size = Int.random(in: 0...2_000, using: &generator)
                try node.publish(
                    names[channel],
                    Self.bodies(published[channel]..<published[channel] + count, count: size)
                )
                published[channel] += count
                if round % 3 == 0 { try socket.send(#"{"type":"ping","id":\#(round)}"#) }
                for _ in 0..<Int.random(in: 0...3, using: &generator) { socket.client.receiveNow(upTo: 20_000) }
            }
            while received != published {
                let message = try socket.next()
                if message.type != "pong" { take(message) }
            }
            #expect(node.metrics.hub.disconnects.value == 0)
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value <= 4 * FanoutLog.idleBytesMax }
        }
    }

    @Test("one slow channel of a connection is skipped while its others lose nothing")
    func mixedPolicies() throws {
        try withSlowNode(
            .disconnect,
            { configuration in
                configuration.limits.windowBytesMax = 1 << 20
                configuration.policies = [
                    ChannelPolicy(pattern: ChannelPattern("noise")!, slowReader: .skip, windowBytesMax: 16_384)
                ]
            }
        ) { node in
            let socket = try node.webSocket("?channel=noise&channel=news", receiveBytes: 8_192)
            try socket.begin(2)
            var noise = 0
            for number in 0..<60 {
                try node.publish("news", Self.bodies(number..<number + 1))
                try node.publish("noise", Self.bodies(noise..<noise + 10))
                noise += 10
            }
            try eventually("it is counted") { node.metrics.hub.skips.value > 0 }
            try node.publish("news", "60 the last")
            var news = 0
            var lastNoise = -1
            while news <= 60 {
                let message = try socket.next()
                if message.channel == "news" {
                    #expect(Self.number(message.data) == news)
                    news += 1
                } else if message.type == "message" {
                    #expect(Self.number(message.data) > lastNoise)
                    lastNoise = Self.number(message.data)
                } else {
                    #expect(message.type == "gap")
                }
            }
            #expect(node.metrics.hub.disconnects.value == 0)
        }
    }

    @Test("unsubscribing in the middle of a frame ends that frame and nothing after it")
    func unsubscribesInMidFrame() throws {
        try withSlowNode(.disconnect, { $0.limits.windowBytesMax = 1 << 20 }) { node in
            let socket = try node.webSocket("?channel=a&channel=b", receiveBytes: 8_192)
            try socket.begin(2)
            try node.publish("a", Self.bodies(0..<20, count: 30_000))
            try eventually("it is behind") { node.metrics.hub.laggards.value == 1 }
            try socket.send(#"{"type":"unsubscribe","id":1,"channel":"a"}"#)
            try eventually("one channel is left") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("b", "b0")
            var next = 0
            var message = try socket.next()
            while message.type == "message" {
                #expect(message.channel == "a" && Self.number(message.data) == next)
                next += 1
                message = try socket.next()
            }
            #expect(next > 0 && next < 20)
            #expect(message.type == "unsubscribed")
            #expect(try socket.next("message").data == "b0")
        }
    }

    @Test("closing a blocked WebSocket sends the rest of the frame, then the close frame")
    func closesInMidFrame() throws {
        try withSlowNode(.disconnect, { $0.limits.windowBytesMax = 1 << 20 }) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 8_192)
            try socket.begin()
            try node.publish("a", Self.bodies(0..<20, count: 30_000))
            try eventually("it is behind") { node.metrics.hub.laggards.value == 1 }
            try socket.sendClose(1_000)
            try eventually("it reads no more channels") { node.metrics.hub.subscriptions.value == 0 }
            var next = 0
            while let frame = try socket.nextFrame() {
                if case .text(let text) = frame {
                    #expect(Self.number(try Message(text).data) == next)
                    next += 1
                } else {
                    #expect(frame == .close(1_000, ""))
                }
            }
            #expect(next > 0 && next < 20)
        }
    }

    @Test("a client that asks and asks and does not read is closed")
    func pendingReplies() throws {
        try withSlowNode(
            .disconnect,
            { configuration in
                configuration.limits.outboxBytesMax = 32_768
                configuration.limits.messageBytesMax = 8_192
            }
        ) { node in
            let socket = try node.webSocket(receiveBytes: 4_096)
            try socket.next("welcome")
            do {
                // Far more than the kernel ever takes for one connection (tcp_wmem: 4 MiB).
                for _ in 0..<200_000 where node.metrics.hub.disconnects.value == 0 {
                    try socket.send(.ping, [UInt8](repeating: 1, count: 125))
                }
            } catch {
                // The node closed while it was sent to.
            }
            try eventually("it is closed") { node.metrics.webSocketConnections.value == 0 }
            try eventually("it is counted") { node.metrics.hub.disconnects.value == 1 }
            try eventually("it is counted") { node.metrics.hub.laggards.value == 0 }
        }
    }

    @Test("a reader that reads nothing at all for the time of a stall is closed")
    func stalls() throws {
        try withSlowNode(
            .disconnect,
            { configuration in
                configuration.limits.windowBytesMax = 1 << 20
                // As long as a busy machine takes to publish all of it.
                configuration.limits.stallMilliseconds = 4_000
                configuration.limits.heartbeatMilliseconds = 2_000
            }
        ) { node in
            let socket = try node.webSocket("?channel=a", receiveBytes: 4_096)
            try socket.begin()
            try node.publish("a", Self.bodies(0..<300))
            try eventually("it is behind") { node.metrics.hub.laggards.value == 1 }
            try eventually("it is closed") { node.metrics.webSocketConnections.value == 0 }
            try eventually("it is counted") { node.metrics.timeouts.value == 1 }
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value == 0 }
        }
    }

    @Test("fifty readers that stall at random get everything in order, each once", arguments: [1, 2] as [UInt64])
    func randomStalls(seed: UInt64) throws {
        try withSlowNode(.disconnect, { $0.limits.windowBytesMax = 4 << 20 }) { node in
            var generator = SeededGenerator(seed: seed)
            let readers = try (0..<50).map { index in
                try RawReader(node.webSocket("?channel=a&channel=b&format=raw", receiveBytes: 4_096 << (index % 4)))
            }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == 100 }
            let total = 600
            var published = 0
            while published < total {
                let count = Int.random(in: 1...30, using: &generator)
                let last = min(published + count, total)
                let size = Int.random(in: 10...1_500, using: &generator)
                try node.publish(
                    "a",
                    (published..<last).map { RawReader.payload(channel: 97, number: $0, count: size) }
                )
                try node.publish(
                    "b",
                    (published..<last).map { RawReader.payload(channel: 98, number: $0, count: size / 4) }
                )
                published = last
                for reader in readers where Bool.random(using: &generator) {
                    reader.read(upTo: Int.random(in: 1...30_000, using: &generator))
                }
            }
            try eventually("everyone has everything") {
                for reader in readers { reader.read(upTo: 1 << 20) }
                return readers.allSatisfy { $0.counts == [total, total] }
            }
            #expect(readers.allSatisfy { $0.isInOrder })
            #expect(node.metrics.hub.disconnects.value == 0)
            try eventually("it is counted") { node.metrics.hub.laggards.value == 0 }
            try eventually("it is counted") { node.metrics.hub.deliveries.value == 50 * 2 * total }
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value <= 2 * FanoutLog.idleBytesMax }
        }
    }

    @Test("a thousand stopped readers on one channel cost one window, not a thousand")
    func thousandStopped() async {
        // In a process of its own, whose memory nobody else uses.
        await #expect(processExitsWith: .success) { try SlowReaderTests().stopThousand() }
    }

    private func stopThousand() throws {
        try withSlowNode(
            .disconnect,
            { configuration in
                configuration.limits.windowBytesMax = 1 << 20
                configuration.limits.historyCountMax = 10
                configuration.limits.tailBytesMax = 10_000
            }
        ) { node in
            let count = 1_000
            let sockets = try (0..<count).map { _ in
                try node.webSocket("?channel=a&format=raw", receiveBytes: 4_096)
            }
            try eventually("all are subscribed") { node.metrics.hub.subscriptions.value == count }
            let before = residentBytes()
            // 900 KiB: inside the window, far more than the sockets hold.
            try node.publish("a", Self.bodies(0..<900, count: 1_000))
            try eventually("all are behind") { node.metrics.hub.laggards.value == count }
            try eventually("the gauge tells") { node.metrics.hub.logBytes.value > 700_000 }
            #expect(node.metrics.hub.logBytes.value <= 4 << 20)
            #expect(residentBytes() - before < 64 << 20)
            #expect(node.metrics.hub.disconnects.value == 0)
            // Past the window all of them go, each with a copy of nothing but its place in a shared frame.
            try node.publish("a", Self.bodies(900..<1_300, count: 1_000))
            try eventually("all are let go") { node.metrics.hub.disconnects.value == count }
            #expect(residentBytes() - before < 64 << 20)
            try eventually("the memory is given back") { node.metrics.hub.logBytes.value == 0 }
            for socket in sockets { socket.close() }
            try eventually("all are gone") { node.metrics.webSocketConnections.value == 0 }
            try eventually("it is counted") { node.metrics.hub.laggards.value == 0 }
        }
    }

    /// Bytes of this process in memory.
    private func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(getpagesize())
    }
}

/// A raw WebSocket whose payloads begin with a channel's letter and a number, read as fast as bytes can be looked at.
final class RawReader {
    private let client: TestClient
    private var bytes: [UInt8] = []
    private var start = 0

    /// Payloads of channels `a` and `b` so far.
    private(set) var counts = [0, 0]
    private(set) var isInOrder = true

    /// Set by what is no payload: a close frame.
    private(set) var closeCode: Int?

    init(_ socket: WebSocketClient) { client = socket.client }

    var isEnded: Bool { client.isEnded || client.isReset }

    static func payload(channel: UInt8, number: Int, count: Int) -> [UInt8] {
        [channel, UInt8(number >> 21 & 127), UInt8(number >> 14 & 127), UInt8(number >> 7 & 127), UInt8(number & 127)]
            + [UInt8](repeating: 46, count: count)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes.startIndex
        return Int(bytes[first]) << 21 | Int(bytes[first + 1]) << 14 | Int(bytes[first + 2]) << 7
            | Int(bytes[first + 3])
    }

    func read(upTo count: Int) {
        var left = count
        while left > 0, client.receiveNow(upTo: min(left, 65_536)) {
            let new = client.takeAll()
            left -= new.count
            bytes += new
        }
        while let payload = nextPayload() {
            guard let first = payload.first else { continue }
            let channel = Int(first) - 97
            guard channel == 0 || channel == 1 else {
                isInOrder = false
                continue
            }
            if Self.number(payload.dropFirst()) != counts[channel] { isInOrder = false }
            counts[channel] += 1
        }
    }

    private func nextPayload() -> ArraySlice<UInt8>? {
        guard bytes.count >= start + 2 else { return compact() }
        var header = 2
        var count = Int(bytes[start + 1])
        if count == 126 {
            header = 4
            guard bytes.count >= start + 4 else { return compact() }
            count = Int(bytes[start + 2]) << 8 | Int(bytes[start + 3])
        }
        guard bytes.count >= start + header + count else { return compact() }
        let opcode = bytes[start] & 15
        let payload = bytes[start + header..<start + header + count]
        start += header + count
        if opcode == 8 {
            closeCode = Int(payload.first ?? 0) << 8 | Int(payload.dropFirst().first ?? 0)
            return []
        }
        return opcode == 9 ? [] : payload
    }

    private func compact() -> ArraySlice<UInt8>? {
        bytes.removeFirst(start)
        start = 0
        return nil
    }
}
