import Backplane
import Broker
import Foundation
import Reactor
import TestRandomness
import Testing
import Wire

@testable import Edge
@testable import Hub

/// Clients that do anything in any order; what holds for all of them must hold for each.
@Suite("Random clients")
struct RandomClientTests {
    /// The channels of the test and what was published in each so far.
    private final class Channels {
        let names = ["calm", "skip/a", "skip/b", "latest/a", "other"]
        private(set) var counts: [String: Int] = [:]
        private var indices: [String: [String: Int]] = [:]

        func publish(_ node: TestNode, _ name: String, count: Int, size: Int) throws {
            let first = counts[name, default: 0]
            let positions = try node.publish(name, SlowReaderTests.bodies(first..<first + count, count: size))
            for (offset, position) in positions.enumerated() { indices[name, default: [:]][position] = first + offset }
            counts[name] = first + count
        }

        /// Which publication of a channel has a position; −1 before the first.
        func index(_ name: String, _ position: String?) -> Int? {
            position == "0-0" ? -1 : indices[name]?[position ?? ""]
        }
    }

    /// A WebSocket that checks invariants I6 and I7 of whatever it gets.
    private final class Checker {
        let socket: WebSocketClient
        private var last: [String: Int] = [:]
        private(set) var positions: [String: String] = [:]
        private(set) var isOver = false
        private var nextID = 0

        init(_ socket: WebSocketClient) { self.socket = socket }

        func has(_ channel: String) -> Bool { last[channel] != nil }

        func last(_ channel: String) -> Int? { last[channel] }

        func send(_ type: String, _ channel: String? = nil, since: String? = nil) throws {
            nextID += 1
            var command = #"{"type":"\#(type)","id":\#(nextID)"#
            if let channel { command += #","channel":"\#(channel)""# }
            if let since { command += #","since":"\#(since)""# }
            try socket.send(command + "}")
        }

        func take(upTo count: Int, _ channels: Channels) throws {
            socket.client.receiveNow(upTo: count)
            for frame in socket.decodedFrames() {
                switch frame {
                case .text(let text): try take(Message(text), channels)
                case .close(let code, _):
                    #expect(code == 4_008)
                    isOver = true
                case .ping, .pong([]): break
                default: throw TestFailure("unexpected \(frame)")
                }
            }
            if socket.client.isEnded || socket.client.isReset { isOver = true }
        }

        private func take(_ message: Message, _ channels: Channels) throws {
            let channel = message.channel ?? ""
            switch message.type {
            case "subscribed":
                #expect(last[channel] == nil)
                last[channel] = channels.index(channel, message.position)
                #expect(last[channel] != nil, "\(message)")
                positions[channel] = message.position
            case "unsubscribed":
                #expect(last.removeValue(forKey: channel) != nil)
                positions[channel] = nil
            case "message":
                #expect(SlowReaderTests.number(message.data) == channels.index(channel, message.position))
                #expect(last[channel].map { $0 + 1 } == channels.index(channel, message.position), "\(channel)")
                last[channel] = channels.index(channel, message.position)
                positions[channel] = message.position
            case "gap":
                #expect(channel.contains("/"))
                #expect(last[channel] == channels.index(channel, message.from), "\(message)")
                last[channel] = channels.index(channel, message.to)
                positions[channel] = message.to
            case "bye": #expect(message.code == 4_008)
            case "error": #expect([404, 409].contains(message.code))
            case "welcome", "pong": break
            default: throw TestFailure("unexpected \(message)")
            }
        }
    }

    @Test(
        "per channel each gets publications in order, once, and is told of every gap",
        arguments: [1, 2, 3] as [UInt64]
    )
    func anything(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        try withNode(hasUplinkThread: seed == 2) { configuration in
            configuration.reactorCount = seed == 3 ? 2 : 1
            configuration.limits.windowBytesMax = 32_768
            configuration.limits.historyCountMax = 100_000
            configuration.limits.tailBytesMax = 20_000
            configuration.limits.lingerMilliseconds = 50
            configuration.policies = [
                ChannelPolicy(pattern: ChannelPattern("skip/**")!, slowReader: .skip),
                ChannelPolicy(pattern: ChannelPattern("latest/**")!, slowReader: .latest),
            ]
        } _: { node in
            let channels = Channels()
            var clients: [Checker] = []
            for _ in 0..<250 {
                if clients.count < 20 {
                    let narrow = Bool.random(using: &generator) ? Int32(8_192) : nil
                    let name = channels.names.randomElement(using: &generator)!
                    clients.append(Checker(try node.webSocket("?channel=\(name)", receiveBytes: narrow)))
                }
                let name = channels.names.randomElement(using: &generator)!
                try channels.publish(
                    node,
                    name,
                    count: Int.random(in: 1...12, using: &generator),
                    size: Int.random(in: 1...3_000, using: &generator)
                )
                for client in clients where Int.random(in: 0..<3, using: &generator) == 0 {
                    try client.take(upTo: Int.random(in: 1...20_000, using: &generator), channels)
                }
                try act(on: clients.randomElement(using: &generator)!, channels, &generator)
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    let client = clients.remove(at: Int.random(in: 0..<clients.count, using: &generator))
                    Bool.random(using: &generator) ? client.socket.close() : client.socket.client.reset()
                }
                clients.removeAll { $0.isOver }
            }
            try eventually("everyone stands at the head of each of its channels") {
                for client in clients { try client.take(upTo: 1 << 20, channels) }
                return clients.allSatisfy { client in
                    client.isOver
                        || channels.names.allSatisfy {
                            !client.has($0) || client.last($0) == (channels.counts[$0] ?? 0) - 1
                        }
                }
            }
            let metrics = node.node.status.reactors
            // Which of the policies are met depends on how the kernel buffers; directed tests ask for each.
            #expect(metrics.contains { $0.hub.disconnects.value + $0.hub.skips.value + $0.hub.latests.value > 0 })
            for client in clients { client.socket.close() }
            try eventually("nothing is left") {
                node.node.status.reactors.allSatisfy {
                    $0.webSocketConnections.value == 0 && $0.hub.subscriptions.value == 0 && $0.hub.laggards.value == 0
                        && $0.hub.logBytes.value == 0 && $0.hub.topics.value == 0
                }
            }
        }
    }

    private func act(on client: Checker, _ channels: Channels, _ generator: inout SeededGenerator) throws {
        guard !client.isOver else { return }
        let name = channels.names.randomElement(using: &generator)!
        do {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1, 2: try client.send("subscribe", name)
            case 3: try client.send("subscribe", name, since: client.positions.values.sorted().first)
            case 4: try client.send("unsubscribe", name)
            default: try client.send("ping")
            }
        } catch is TestFailure {
            // It was closed as too slow in the meantime.
        }
    }

    @Test("garbage harms nobody", arguments: [1, 2] as [UInt64])
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        try withNode { node in
            let witness = try node.webSocket("?channel=a")
            try witness.begin()
            let pieces: [[UInt8]] = [
                "GET /ws?channel=a HTTP/1.1\r\n", "Host: localhost\r\n", "\r\n",
                "POST /channels/a HTTP/1.1\r\nHost: localhost\r\n",
                "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "Content-Length: 3\r\n\r\nabc",
                "\n", "\0",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n",
                "HEAD / HTTP/1.1\r\n",
                "GET /sse?channel=a&cursor=a@0-0 HTTP/1.1\r\nHost: localhost\r\n\r\n", "Expect: 100-continue\r\n",
            ].map { Array($0.utf8) }
            for _ in 0..<400 {
                let client = try node.connect()
                do {
                    for _ in 0..<Int.random(in: 1...8, using: &generator) {
                        let isPiece = Int.random(in: 0..<5, using: &generator) > 0
                        let noise = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                            UInt8.random(in: 0...255, using: &generator)
                        }
                        try client.send(isPiece ? pieces.randomElement(using: &generator)! : noise)
                        if Bool.random(using: &generator) { client.receiveNow() }
                    }
                } catch is TestFailure {
                    // Refused and closed in the meantime.
                }
                Bool.random(using: &generator) ? client.close() : client.reset()
            }
            try eventually("all are gone") {
                node.metrics.httpConnections.value == 0 && node.metrics.webSocketConnections.value == 1
                    && node.metrics.eventStreamConnections.value == 0
            }
            try node.publish("a", "the end")
            while try witness.next("message").data != "the end" {}
        }
    }

    @Test("a channel that is opened twice asks for what came between")
    func opensTwice() throws {
        // Let go of and asked for again at once: the first answer may come after the second question.
        var configuration = EdgeConfiguration()
        configuration.port = 0
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: [EdgeMetrics()])
        let uplink = try Inbox<UplinkCommand>()
        let edge = try EdgeReactor(
            configuration: configuration,
            number: 0,
            inbox: Inbox<UplinkReport>(),
            uplink: uplink,
            tokens: Inbox(),
            hooks: Inbox(),
            node: status,
            metrics: status.reactors[0]
        )
        let name = ChannelName("a")!
        let (before, after) = (Position(milliseconds: 1, sequence: 0), Position(milliseconds: 2, sequence: 0))
        let topic = edge.hub.topic(for: name)
        edge.receive(.opened(name, head: before))
        #expect(topic.isOpen && topic.last == before && !topic.isCatchingUp)
        _ = edge.hub.feed(for: [topic], encoding: Encoding(.webSocket, .perseid, isChunked: false), .any)
        edge.receive(.opened(name, head: after))
        #expect(topic.isCatchingUp)
        let missed = Publication(position: after, previous: before, payload: Payload(kind: .text, bytes: [65]))
        edge.receive(.recovered(name, HistoryPage(since: before, publications: [missed], head: after)))
        #expect(!topic.isCatchingUp && topic.last == after)
        #expect(topic.feeds[0].lastPosition == after)
    }
}
