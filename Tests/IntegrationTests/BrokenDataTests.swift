import Broker
import Foundation
import Testing

/// What others wrote into Redis' keys, where a node reads them.
@Suite(.serialized) struct BrokenDataTests {
    private static let greatest = "18446744073709551615-18446744073709551615"

    /// Answers that take long by design are short.
    private static let environment = [
        "PERSEID_PRESENCE": "**", "PERSEID_LIMITS_POLL_MILLISECONDS": "500", "PERSEID_LIMITS_OPEN_MILLISECONDS": "500",
    ]

    /// Commands that leave garbage in one kind of a channel's keys each; `KEY` stands for its key.
    private static let garbage: [[String]] = [
        ["SET", "KEY:head", "garbage"],
        ["SET", "KEY:head", "-5--7"],
        ["SET", "KEY:head", greatest],
        ["HSET", "KEY:head", "a", "b"],
        ["SET", "KEY", "not a stream"],
        ["XADD", "KEY", greatest, "v", "nothing", "p", "x"],
        ["XADD", "KEY", "1-1", "odd", "fields"],
        ["HSET", "KEY:counts", "x", "-5 99999999999999"],
        ["HSET", "KEY:counts", "x", "99999999999999999999 99999999999999"],
        ["HSET", "KEY:counts", "x", "garbage"],
        ["SET", "KEY:counts", "not a hash"],
        ["SET", "KEY:once:key", "garbage"],
        ["HSET", "KEY:once:key", "a", "b"],
        ["ZADD", "KEY:presence", "-1", "\"}", "5", "ffff", "inf", "0123456789abcdef"],
        ["HSET", "KEY:members", "ffff", "garbage", "0123456789abcdef", "a websocket -5"],
        ["SET", "KEY:presence", "not a set"],
        ["SET", "KEY:members", "not a hash"],
    ]

    @Test("garbage in a channel's keys stops no node and no other channel, and each kind is told once")
    func channels() async throws {
        try await Cluster.with(nodes: 1, environment: Self.environment) { cluster in
            let node = cluster.nodes[0]
            for (number, command) in Self.garbage.enumerated() {
                let key = RedisServer.key("bad\(number)")
                try await cluster.redis.command(command.map { $0.replacing("KEY", with: key) })
            }
            let began = ContinuousClock.now
            let bad = Self.garbage.indices.map { "bad\($0)" }
            let sockets = try await WebSocketClient(
                [(node.port, "/ws?channel=good")]
                    + bad.flatMap {
                        [
                            (node.port, "/ws?channel=\($0)"), (node.port, "/ws?channel=\($0)&cursor=\($0)@1-0"),
                            (node.port, "/ws?channel=$presence/\($0)"),
                        ]
                    },
                in: cluster.scratch
            )
            for channel in bad {
                for target in ["", "/history", "/history?since=0-1", "/presence"] {
                    for _ in 0..<3 {
                        let answer = try await node.ask("GET", "/channels/\(channel)\(target)")
                        try #require([200, 503].contains(answer.status), "\(channel)\(target): \(answer)")
                    }
                }
                for fields in [[:], ["Idempotency-Key": "key"]] {
                    let answer = try await node.ask("POST", "/channels/\(channel)", fields: fields, body: "x")
                    try #require([200, 503].contains(answer.status), "\(channel): \(answer)")
                }
                let poll = try await node.ask("GET", "/poll?channel=\(channel)&cursor=\(channel)@1-0")
                try #require([200, 503].contains(poll.status), "\(channel): \(poll)")
            }
            let answer = try await node.ask("POST", "/channels/good", body: "heard")
            try #require(answer.status == 200)
            try await sockets.reachOne(try #require(Position(answer.json["position"] as? String ?? "")), 0)
            try #require(try await node.ask("GET", "/channels/good").status == 200)
            try #require(await node.readiness == 200)
            // Once a minute each.
            let most = 1 + Int((ContinuousClock.now - began) / .seconds(60))
            for kind in ["head", "counts", "idempotency"] {
                let count = node.log.components(separatedBy: "BROKEN \(kind)").count - 1
                try #require((1...most).contains(count), "\(kind) is told \(count) times")
            }
        }
    }

    @Test("garbage in a session's key stops no node, and no other session")
    func sessions() async throws {
        let garbage = [
            ["fence", "-5"], ["fence", "garbage"], ["fence", "1e400"], ["fence", "18446744073709551615"],
            ["fence", "9007199254740991"], ["node", "\n"], ["secret", ""], ["@news", "garbage"],
            ["@news", Self.greatest], ["@", "1-1"], ["@\u{1}", "1-1"],
        ]
        try await Cluster.with(nodes: 2, environment: Self.environment) { cluster in
            let (first, second) = (cluster.nodes[0], cluster.nodes[1])
            let sockets = try await WebSocketClient(
                garbage.map { _ in (first.port, "/ws?channel=news") },
                in: cluster.scratch
            )
            try await sockets.opened()
            let began = ContinuousClock.now
            let tokens = try sockets.received().map { $0.first?.session ?? "" }
            for (token, field) in zip(tokens, garbage) {
                try await cluster.redis.command(["HSET", "perseid:session:{\(token.prefix(32))}"] + field)
                for node in [second, first] {
                    let answer = try await node.ask("GET", "/poll?session=\(token)&channel=news&cursor=news@0-0")
                    try #require([200, 401, 503].contains(answer.status), "\(field): \(answer)")
                }
            }
            let other = try await WebSocketClient([(second.port, "/ws?channel=news")], in: cluster.scratch)
            try await other.opened()
            let position = try await cluster.redis.publish("x", to: "news")
            try await other.reach(position, in: "news")
            for node in cluster.nodes { try #require(await node.readiness == 200) }
            let most = 1 + Int((ContinuousClock.now - began) / .seconds(60))
            try #require((1...most).contains(second.log.components(separatedBy: "BROKEN fence").count - 1))
        }
    }

    @Test("the greatest position as a cursor is answered like any other that nobody gave", arguments: [true, false])
    func greatestPosition(overRedis: Bool) async throws {
        try await Cluster.with(nodes: 0) { cluster in
            let url = overRedis ? cluster.redis.url : nil
            let node = try await PerseidNode(id: "a", redis: url, environment: Self.environment, in: cluster.scratch)
            try #require(try await node.ask("POST", "/channels/news", body: "x").status == 200)
            for position in [Self.greatest, "18446744073709551615-0", "0-18446744073709551615"] {
                let history = try await node.ask("GET", "/channels/news/history?since=\(position)")
                try #require(history.status == 200 && history.json["recovered"] as? Bool == false)
                let poll = try await node.ask("GET", "/poll?channel=news&cursor=news@\(position)")
                try #require(poll.status == 200 && poll.json["recovered"] as? Bool == false, "\(poll)")
                let sockets = try await WebSocketClient(
                    [(node.port, "/ws?channel=news&cursor=news@\(position)"), (node.port, "/ws")],
                    in: cluster.scratch
                )
                try await eventually(
                    "both are let in",
                    isTrue: { try sockets.received().allSatisfy { $0.contains { $0.type == "welcome" } } }
                )
                try sockets.send(#"{"type":"subscribe","channel":"news","since":"\#(position)"}"#, on: 1)
                try await sockets.opened()
                let streams = try StreamClient(
                    ["/sse", "/stream"].map {
                        .init(port: node.port, target: "\($0)?channel=news", lastEventID: "news@\(position)")
                    },
                    in: cluster.scratch
                )
                try await streams.opened()
                for received in try sockets.received() + streams.received() {
                    try #require(received.first { $0.type == "subscribed" }?.recovered == false)
                }
            }
            try #require(!node.log.contains("error"), "\(node.log)")
            try #require(try await node.stop() == .exited(0))
        }
    }
}
