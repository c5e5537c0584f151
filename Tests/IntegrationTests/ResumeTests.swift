import Broker
import Foundation
import Testing
import Text

/// Who comes back gets what it missed, on any node and any transport, or is told that it cannot.
@Suite struct ResumeTests {
    @Test("an event stream goes on at another node with Last-Event-ID")
    func streamElsewhere() async throws {
        try await Cluster.with { cluster in
            let first = try stream("/sse?channel=news", on: cluster, 0)
            try await first.opened()
            let seen = try await cluster.redis.publish("seen", to: "news")
            try await first.reach(seen, in: "news")
            let cursor = try first.cursors()[0]
            #expect(cursor == "news@\(seen)")
            try await first.close()

            for number in 0..<5 { _ = try await cluster.redis.publish("missed-\(number)", to: "news") }
            let second = try stream("/sse?channel=news", on: cluster, 1, from: cursor)
            try await second.opened()
            let last = try await cluster.redis.publish("live", to: "news")
            try await second.reach(last, in: "news")
            let received = try second.received()[0]
            try #require(received.first { $0.type == "subscribed" }?.recovered == true)
            try #require(received.first { $0.type == "subscribed" }?.position == seen)
            let payloads = received.filter { $0.type == "message" }.compactMap(\.data)
            try #require(payloads == (0..<5).map { "missed-\($0)" } + ["live"])
            try await Verifier("news", on: cluster.redis).checkChains([received])
        }
    }

    @Test("a WebSocket goes on at another node with a cursor, and with the command")
    func socketElsewhere() async throws {
        try await Cluster.with { cluster in
            let first = try await socket("/ws?channel=chat%2Froom", on: cluster, 0)
            try await first.opened()
            let seen = try await cluster.redis.publish("seen", to: "chat/room")
            try await first.reach(seen, in: "chat/room")
            try await first.close()

            for number in 0..<5 { _ = try await cluster.redis.publish("missed-\(number)", to: "chat/room") }
            let byQuery = try await socket("/ws?channel=chat%2Froom&cursor=chat%252Froom@\(seen)", on: cluster, 1)
            let byCommand = try await socket("/ws", on: cluster, 2)
            try await eventually("it is welcome", isTrue: { try !byCommand.received()[0].isEmpty })
            try byCommand.send(#"{"type":"subscribe","id":1,"channel":"chat/room","since":"\#(seen)"}"#)
            for client in [byQuery, byCommand] {
                try await client.opened()
                let received = try client.received()[0]
                try #require(received.first { $0.type == "subscribed" }?.recovered == true)
            }
            let last = try await cluster.redis.publish("live", to: "chat/room")
            for client in [byQuery, byCommand] {
                try await client.reach(last, in: "chat/room")
                let payloads = try client.messages()[0].compactMap(\.data)
                try #require(payloads == (0..<5).map { "missed-\($0)" } + ["live"])
                try await Verifier("chat/room", on: cluster.redis).checkChains(try client.received())
            }
        }
    }

    @Test("a cursor of several channels brings each what it missed")
    func severalChannels() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            var cursor = Cursor()
            for channel in ["a", "b/c", "ü"] {
                cursor.positions[ChannelName(channel)!] = try await cluster.redis.publish("seen", to: channel)
            }
            for channel in ["a", "ü"] { _ = try await cluster.redis.publish("missed", to: channel) }

            let target = "channel=a&channel=b%2Fc&channel=%C3%BC"
            let stream = try stream("/sse?\(target)", on: cluster, 0, from: cursor.text)
            let socket = try await socket("/ws?\(target)&cursor=\(PercentCoding.encode(cursor.text))", on: cluster, 1)
            for client in [stream, socket] as [any Listeners] { try await client.opened(channels: 3) }
            for channel in ["a", "b/c", "ü"] {
                let last = try await cluster.redis.publish("live-on-\(channel)", to: channel)
                for client in [stream, socket] as [any Listeners] {
                    try await client.reach(last, in: channel)
                    let received = try client.received()[0].filter { $0.channel == channel }
                    try #require(received[0].recovered == true)
                    let payloads = received.compactMap(\.data)
                    try #require(payloads.first == (channel == "b/c" ? "live-on-b/c" : "missed"))
                    try await Verifier(channel, on: cluster.redis).checkChains([received])
                }
            }
            // The stream's cursor stands for all of its channels.
            let heads = try #require(Cursor(try stream.cursors()[0]))
            try #require(heads.positions.count == 3)
            for (channel, position) in heads.positions {
                try #require(try await cluster.redis.head(of: channel.text) == position)
            }
        }
    }

    @Test("a cursor that is too old, or of another past, is told so")
    func tooOld() async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_LIMITS_HISTORY_COUNT_MAX": "3"]) { cluster in
            let node = cluster.nodes[0]
            var positions: [String] = []
            for number in 0..<10 {
                let answer = try await node.ask("POST", "/channels/short", body: "\(number)")
                positions.append(try #require(answer.json["position"] as? String))
            }
            let ages = ["short@\(positions[1])", "short@1-0", "short@99999999999999-0"]
            let stream = try StreamClient(
                ages.map {
                    StreamClient.Stream(port: cluster.nodes[1].port, target: "/sse?channel=short", lastEventID: $0)
                },
                in: cluster.scratch
            )
            try await stream.opened()
            for received in try stream.received() {
                try #require(received.first { $0.type == "subscribed" }?.recovered == false)
            }
            let last = try await cluster.redis.publish("live", to: "short")
            try await stream.reach(last, in: "short")
            let payloads = try stream.messages().map { $0.compactMap(\.data) }
            try #require(payloads == [["7", "8", "9", "live"], ["7", "8", "9", "live"], ["live"]])
            try await Verifier("short", on: cluster.redis).checkChains(try stream.received())
        }
    }

    @Test("who missed nothing resumes, however short the history")
    func idle() async throws {
        let environment = ["PERSEID_LIMITS_HISTORY_MILLISECONDS": "300"]
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let answer = try await cluster.nodes[0].ask("POST", "/channels/idle", body: "only")
            let position = try #require(answer.json["position"] as? String)
            try await eventually(
                "the history is over",
                isTrue: {
                    try await cluster.redis.command("EXISTS", RedisServer.key("idle")) == "0"
                }
            )
            let client = try stream("/sse?channel=idle", on: cluster, 1, from: "idle@\(position)")
            try await client.opened()
            let subscribed = try #require(try client.received()[0].first { $0.type == "subscribed" })
            try #require(subscribed.recovered == true)
            try #require(subscribed.position == Position(position))
            try #require(try client.messages()[0].isEmpty)
        }
    }

    @Test("a hundred clients of a hundred channels come back to a node at once")
    func stampede() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let port = cluster.nodes[0].port
            let positions = try await onThread {
                let connection = try HTTPConnection(port: port)
                return try (0..<100).map { number in
                    let answers = try ["seen", "missed"].map {
                        try connection.request("POST", "/channels/of-\(number)", body: $0)
                    }
                    return try #require(answers[0].json["position"] as? String)
                }
            }
            let clients = try StreamClient(
                positions.enumerated().map { number, position in
                    StreamClient.Stream(
                        port: cluster.nodes[1].port,
                        target: "/sse?channel=of-\(number)",
                        lastEventID: "of-\(number)@\(position)"
                    )
                },
                in: cluster.scratch
            )
            try await clients.opened()
            try await eventually(
                "each has what it missed",
                isTrue: {
                    try clients.messages().allSatisfy { $0.map(\.data) == ["missed"] }
                }
            )
            try #require(clients.ended() == [])
        }
    }

    private func stream(_ target: String, on cluster: Cluster, _ node: Int, from cursor: String? = nil) throws
        -> StreamClient
    {
        try StreamClient(
            [StreamClient.Stream(port: cluster.nodes[node].port, target: target, lastEventID: cursor)],
            in: cluster.scratch
        )
    }

    private func socket(_ target: String, on cluster: Cluster, _ node: Int) async throws -> WebSocketClient {
        try await WebSocketClient([(cluster.nodes[node].port, target)], in: cluster.scratch)
    }
}
