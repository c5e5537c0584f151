import Broker
import Edge
import Foundation
import Hub
import Testing

/// What a client missed, when it is much and the client reads slowly.
@Suite("Replays")
struct ReplayTests {
    private static let channels = ["a", "b", "c"]

    /// Of each channel: more than an outbox may hold.
    private static let count = 1_500

    private func withHistory(
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode) throws -> Void
    ) throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 2 * Self.count
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    private func publish(_ node: TestNode, _ numbers: Range<Int>) throws {
        for channel in Self.channels { try node.publish(channel, SlowReaderTests.bodies(numbers)) }
    }

    /// A session that knows all channels, left without a word, and what its client missed since.
    private func leave(_ node: TestNode) throws -> (token: String, cursor: String) {
        let socket = try node.webSocket("?channel=a&channel=b&channel=c")
        let token = try #require(try socket.next("welcome")["session"] as? String)
        let positions = try Self.channels.map { _ in try socket.next("subscribed") }
        socket.client.reset()
        try eventually("it is gone") { node.metrics.webSocketConnections.value == 0 }
        try publish(node, 0..<Self.count)
        return (token, positions.map { "\($0.channel ?? "")@\($0.position ?? "")" }.sorted().joined(separator: ","))
    }

    /// Reads messages until each channel has its last one; each must follow the one before.
    private func readAll(_ next: () throws -> Message, upTo count: Int = Self.count) throws {
        var expected = Dictionary(uniqueKeysWithValues: Self.channels.map { ($0, 0) })
        while expected.values.contains(where: { $0 < count }) {
            let message = try next()
            guard message.type == "message" else {
                #expect(message.type == "subscribed" && message.isRecovered == true)
                continue
            }
            let channel = try #require(message.channel)
            #expect(SlowReaderTests.number(message.data) == expected[channel])
            expected[channel, default: 0] += 1
        }
    }

    @Test("much of several channels comes over one connection, at the pace of the client", arguments: [true, false])
    func webSocket(hasCursor: Bool) throws {
        try withHistory { node in
            let (token, cursor) = try leave(node)
            let query = hasCursor ? "?session=\(token)&cursor=\(cursor)" : "?session=\(token)"
            let socket = try node.webSocket(query, receiveBytes: 8_192)
            try socket.next("welcome")
            let first = try socket.next("subscribed")
            #expect(first.isRecovered == true)
            // What is published meanwhile comes behind what was missed.
            try publish(node, Self.count..<Self.count + 100)
            try readAll({ try socket.next() }, upTo: Self.count + 100)
            #expect(node.metrics.hub.disconnects.value == 0)
            try eventually("nothing waits") { node.metrics.hub.laggards.value == 0 }
        }
    }

    @Test("an event stream that is cut again and again in the middle of it misses and repeats nothing")
    func eventStream() throws {
        try withHistory { node in
            var (_, cursor) = try leave(node)
            var stream = try node.eventStream("?channel=a&channel=b&channel=c&cursor=\(cursor)", receiveBytes: 8_192)
            var sinceCut = 0
            try readAll {
                if sinceCut == 700 {
                    sinceCut = 0
                    stream.client.reset()
                    let query = "?channel=a&channel=b&channel=c&cursor=\(cursor)"
                    stream = try node.eventStream(query, receiveBytes: 8_192)
                }
                while true {
                    let event = try #require(try stream.nextOrEnd())
                    guard event.name.isEmpty else { continue }
                    cursor = event.id
                    sinceCut += 1
                    return try event.message
                }
            }
            #expect(node.metrics.hub.disconnects.value == 0)
        }
    }

    @Test("who unsubscribes in the middle of it is told no more")
    func unsubscribes() throws {
        try withHistory { node in
            let (_, cursor) = try leave(node)
            let socket = try node.webSocket("?channel=a&cursor=\(cursor)", receiveBytes: 8_192)
            try socket.begin()
            #expect(SlowReaderTests.number(try socket.next("message").data) == 0)
            try socket.send(#"{"type":"unsubscribe","channel":"a"}"#)
            var told = 1
            while try socket.next().type == "message" { told += 1 }
            #expect(told < Self.count)
            try node.publish("a", "x")
            try socket.send(#"{"type":"ping"}"#)
            try socket.next("pong")
            try eventually("nothing waits") { node.metrics.hub.laggards.value == 0 }
        }
    }

    @Test("a checkpoint in the middle of it is behind nothing that the client has not got")
    func checkpoint() throws {
        try withHistory {
            $0.limits.checkpointMilliseconds = 250
        } _: { node in
            let (token, _) = try leave(node)
            var next = 0
            while next < Self.count {
                let socket = try node.webSocket("?session=\(token)", receiveBytes: 8_192)
                try socket.next("welcome")
                let before = node.metrics.hub.checkpoints.value
                let repeated = try readOn(socket, &next)
                #expect(repeated, "it began behind what the client has")
                try eventually("the client's progress is noted") {
                    let isDone = next >= Self.count
                    if !isDone, node.metrics.hub.checkpoints.value == before { _ = try readOn(socket, &next, upTo: 1) }
                    return isDone || node.metrics.hub.checkpoints.value > before
                }
                socket.client.reset()
                try eventually("it is gone") { node.metrics.webSocketConnections.value == 0 }
            }
        }
    }

    /// Reads some of channel `a`; says whether it goes on where the client stands, or repeats.
    private func readOn(_ socket: WebSocketClient, _ next: inout Int, upTo count: Int = 300) throws -> Bool {
        var left = count
        while left > 0, next < Self.count {
            let message = try socket.next()
            guard message.type == "message", message.channel == "a" else { continue }
            let number = SlowReaderTests.number(message.data)
            guard number <= next else { return false }
            next = max(next, number + 1)
            left -= 1
        }
        return true
    }

    @Test("a poll takes no more than it may; the next one goes on")
    func polls() throws {
        try withHistory { node in
            var (_, cursor) = try leave(node)
            var answers: [HTTPAnswer] = []
            var waiting: [Message] = []
            try readAll {
                while waiting.isEmpty {
                    let query = "channel=a&channel=b&channel=c&session=none&cursor=\(cursor)"
                    let answer = try node.ask("GET", "/poll?\(query)")
                    answers.append(answer)
                    #expect(try answer.json["recovered"] as? Bool == true)
                    cursor = try #require(try answer.json["cursor"] as? String)
                    let publications = try #require(try answer.json["publications"] as? [[String: Any]])
                    waiting = try publications.map { try Message($0) }
                }
                return waiting.removeFirst()
            }
            #expect(answers.count > 4)
            #expect(answers.allSatisfy { $0.body.count < 1_300_000 })
            try eventually("it is counted") { node.metrics.hub.pollsDivided.value >= 4 }
        }
    }
}
