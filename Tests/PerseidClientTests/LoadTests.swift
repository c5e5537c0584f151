import Broker
import Edge
import Foundation
import PerseidClient
import Testing

/// Many messages, and loops that do not come for them.
@Suite struct LoadTests {
    /// A history that keeps all that a test publishes.
    private static func keepAll(_ configuration: inout EdgeConfiguration) {
        configuration.limits.historyCountMax = 200_000
        configuration.limits.readCountMax = 200_000
        configuration.limits.embeddedBytesMax = 1 << 30
    }

    /// Publishes numbers, many under way at a time.
    private static func publish(_ count: Int, to channel: String, by client: PerseidClient, padding: String = "")
        async throws
    {
        for start in stride(from: 0, to: count, by: 5_000) {
            let sent = try (start..<min(start + 5_000, count)).map {
                try client.send(channel, .text("\($0)\(padding)"))
            }
            for publication in sent { if let error = try await publication.answer.error { throw error } }
        }
    }

    @Test(
        "100,000 messages come in order, each once",
        arguments: [(Transport.webSocket, 100_000), (.eventStream, 10_000), (.jsonStream, 10_000), (.longPoll, 10_000)]
    )
    func many(_ transport: Transport, _ count: Int) async throws {
        try await withNode(Self.keepAll) { node in
            let client = try PerseidClient(node.url, options: options(transport))
            let room = Listener(client.subscribe("a"))
            try await room.opened()
            async let publishing: Void = Self.publish(count, to: "a", by: client)
            for number in 0..<count {
                let text = try await room.message().text
                guard text == "\(number)" else { throw TestFailure("\(text ?? "nothing") in the place of \(number)") }
            }
            try await publishing
            client.close()
        }
    }

    @Test(
        "what a loop does not take stays in the node, and comes once the loop takes it",
        arguments: [Transport.webSocket, .jsonStream, .longPoll]
    )
    func slowLoop(_ transport: Transport) async throws {
        try await withNode(Self.keepAll) { node in
            let reader = try PerseidClient(node.url, options: options(transport) { $0.waitingBytesMax = 65_536 })
            let publisher = try PerseidClient(node.url)
            let room = Listener(reader.subscribe("a"))
            try await room.opened()
            let padding = String(repeating: "x", count: 5_000)
            let before = node.metrics.bytesSent.value
            try await Self.publish(8_000, to: "a", by: publisher, padding: padding)
            try await Task.sleep(for: .milliseconds(500))
            // 40 MB were published. What was sent waits in the systems' buffers, but for 64 KiB.
            let sent = node.metrics.bytesSent.value - before
            #expect(sent < 20_000_000, "\(sent) bytes")
            for number in 0..<8_000 {
                let text = try await room.message().text ?? ""
                guard text.dropLast(5_000) == "\(number)" else {
                    throw TestFailure("\(text.prefix(20)) in the place of \(number)")
                }
            }
            reader.close()
            publisher.close()
        }
    }

    @Test("a subscription's cursor is where its loop is, and another client goes on there with any transport")
    func cursor() async throws {
        try await withNode(Self.keepAll) { node in
            var cursor = ""
            var next = 0
            let publisher = try PerseidClient(node.url)
            for transport in Transport.allCases + Transport.allCases {
                let client = try PerseidClient(node.url, options: options(transport))
                let subscription = client.subscribe(["a", "b"], cursor: cursor)
                let room = Listener(subscription)
                if cursor.isEmpty {
                    try await room.opened()
                    try await room.opened()
                    try await Self.publish(1_000, to: "a", by: publisher)
                }
                for number in next..<next + 100 { #expect(try await room.message().text == "\(number)") }
                next += 100
                cursor = subscription.cursor
                #expect(cursor.contains("a@") && cursor.contains("b@"))
                client.close()
            }
        }
    }

    @Test("a gap is told where the history is gone, with the place one had", arguments: Transport.allCases)
    func gap(_ transport: Transport) async throws {
        try await withNode({ $0.limits.historyCountMax = 10 }) { node in
            let client = try PerseidClient(node.url, options: options(transport))
            let first = try await client.publish("a", "first")
            for number in 0..<50 { try await client.publish("a", .text("\(number)")) }
            let room = Listener(client.subscribe("a", since: first))
            var gap: Gap?
            while gap == nil {
                let event = try await room.next()
                if case .gap(let told)? = event { gap = told }
                if case .message? = event { throw TestFailure("a message came before the gap") }
                if event == nil { throw TestFailure("it ended") }
            }
            #expect(gap?.from == first)
            let texts = try await room.texts(10)
            #expect(texts == (40..<50).map { "\($0)" })
            client.close()
        }
    }

    @Test("history comes by pages, presence says who is there")
    func questions() async throws {
        try await withNode {
            $0.presence = [ChannelPattern("**")!]
        } _: { node in
            let client = try PerseidClient(node.url)
            let first = try await client.publish("room/ü", .json(Array("{\"n\":1}".utf8)))
            try await client.publish("room/ü", .bytes([0, 255]))
            let all = try await client.history("room/ü")
            #expect(all.messages.map(\.payload) == [.json(Array("{\"n\":1}".utf8)), .bytes([0, 255])])
            #expect(all.messages.allSatisfy { $0.channel == "room/ü" } && !all.hasMore)
            let rest = try await client.history("room/ü", since: first, limit: 1)
            #expect(rest.messages.count == 1 && rest.isRecovered == true && rest.position == all.position)
            let room = Listener(client.subscribe("room/ü"))
            try await room.opened()
            let presence = try await client.presence("room/ü")
            #expect(presence.count == 1 && presence.members.first?.node == "n1")
            #expect(presence.members.first?.transport == "websocket")
            await #expect(throws: PerseidError.self) { try await client.history("a//b") }
            client.close()
        }
    }
}
