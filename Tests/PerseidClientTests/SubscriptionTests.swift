import Edge
import Foundation
import PerseidClient
import Testing

import class Broker.Counter

/// What subscriptions tell, by each transport, of a real node.
@Suite struct SubscriptionTests {
    @Test("what is published comes in order and once, bytes as bytes", arguments: Transport.allCases)
    func everyTransport(_ transport: Transport) async throws {
        try await withNode { node in
            let client = try PerseidClient(node.url, options: options(transport))
            let room = Listener(client.subscribe("room/1"))
            try #expect(await room.opened().channel == "room/1")
            var last = try await client.publish("room/1", "hällo\n\"you\"")
            #expect(try await room.message().text == "hällo\n\"you\"")
            for number in 0..<200 {
                let position = try await client.publish("room/1", .json(Array("{\"n\":\(number)}".utf8)))
                #expect(position > last)
                last = position
            }
            for number in 0..<200 {
                let message = try await room.message()
                #expect(message.channel == "room/1")
                #expect(String(decoding: message.bytes, as: UTF8.self) == "{\"n\":\(number)}")
                #expect(message.text == nil)
                if number == 199 { #expect(message.position == last) }
            }
            let bytes = (0..<3_000).map { UInt8(truncatingIfNeeded: $0) }
            try await client.publish("room/1", .bytes(bytes))
            let message = try await room.message()
            #expect(message.payload == .bytes(bytes) && message.bytes == bytes)
            let told = room.states.compactMap {
                if case .open(let transport, _, let url, _) = $0 { (transport, url) } else { nil }
            }
            #expect(told.count == 1 && told[0].0 == transport && told[0].1 == node.url)
            client.close()
            #expect(try await room.next() == nil)
        }
    }

    @Test("a client that wants to be told so often asks for it, by each transport", arguments: Transport.allCases)
    func paced(_ transport: Transport) async throws {
        try await withNode { node in
            var options = options(transport)
            options.maxRate = 5
            let client = try PerseidClient(node.url, options: options)
            let room = Listener(client.subscribe("room/1"))
            try await room.opened()
            let start = ContinuousClock.now
            for number in 0..<4 { try await client.publish("room/1", .text("\(number)")) }
            #expect(try await room.texts(4) == (0..<4).map { "\($0)" })
            // The last came after the first at the least, unless a machine took as long to publish them.
            if transport != .longPoll { #expect(start.duration(to: .now) >= .milliseconds(150)) }
            client.close()
            #expect(try await room.next() == nil)
        }
    }

    @Test("subscriptions share one connection, and each has what it asked for", arguments: Transport.allCases)
    func shared(_ transport: Transport) async throws {
        try await withNode { node in
            let client = try PerseidClient(node.url, options: options(transport))
            let first = Listener(client.subscribe("a"))
            try await first.opened()
            let one = try await client.publish("a", "1")
            try await client.publish("a", "2")
            #expect(try await first.texts(2) == ["1", "2"])
            let (both, again, older) = (
                Listener(client.subscribe("a", "b")), Listener(client.subscribe("a")),
                Listener(client.subscribe("a", since: one))
            )
            #expect(try await older.texts(1) == ["2"])
            for listener in [both, again] { try await listener.opened() }
            try await both.opened()
            let latest = Listener(client.subscribe("a", since: try await client.history("a").position ?? one))
            try #expect(await latest.opened().isRecovered == true)
            try await client.publish("b", "3")
            try await client.publish("a", "4")
            #expect(try await older.texts(1) == ["4"])
            #expect(try await first.texts(1) == ["4"])
            #expect(try await again.texts(1) == ["4"])
            #expect(try await latest.texts(1) == ["4"])
            #expect(try await Set(both.texts(2)) == ["3", "4"])
            if transport == .webSocket { #expect(node.metrics.webSocketConnections.value == 1) }
        }
    }
}

extension SubscriptionEvent? {
    static func == (event: SubscriptionEvent?, _: Never?) -> Bool { if case .none = event { true } else { false } }
}
