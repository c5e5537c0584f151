import Broker
import Foundation
import Testing

/// Channels of which less is remembered, as rules say, and channels that are told to forget: in Redis and over several nodes.
@Suite struct HistoryRuleTests {
    private static let rules =
        "two/* subscribe=anyone publish=anyone history=anyone history-count=2 history-seconds=60, "
        + "none/* subscribe=anyone publish=anyone history=anyone history-count=0, "
        + "** subscribe=anyone publish=anyone history=anyone"
    private static let operators = ["PERSEID_API_KEYS": "an-operator-of-the-tests"]
    private static let authorization = ["Authorization": "Bearer an-operator-of-the-tests"]

    private func publish(_ node: PerseidNode, _ channel: String, _ body: String) async throws -> Position {
        let answer = try await node.ask("POST", "/channels/\(channel)", fields: Self.authorization, body: body)
        return try #require(Position(answer.json["position"] as? String ?? ""), "\(answer.body)")
    }

    private func clear(_ node: PerseidNode, _ channel: String) async throws -> Position {
        let answer = try await node.ask("DELETE", "/channels/\(channel)", fields: Self.authorization)
        return try #require(Position(answer.json["position"] as? String ?? ""), "\(answer.body)")
    }

    private func history(_ node: PerseidNode, _ channel: String) async throws -> [String] {
        let answer = try await node.ask("GET", "/channels/\(channel)/history", fields: Self.authorization)
        return (answer.json["publications"] as? [[String: Any]] ?? []).map { $0["data"] as? String ?? "?" }
    }

    /// Whether who comes back from a position by a poll is told that nothing is missing, and what.
    private func comeBack(_ node: PerseidNode, _ channel: String, _ position: Position) async throws -> (
        Bool?, [String]
    ) {
        let target = "/poll?wait=0&channel=\(channel)&cursor=\(channel.replacing("/", with: "%252F"))@\(position)"
        let answer = try await node.ask("GET", target, fields: Self.authorization)
        let publications = answer.json["publications"] as? [[String: Any]] ?? []
        return (answer.json["recovered"] as? Bool, publications.map { $0["data"] as? String ?? "?" })
    }

    @Test("Redis keeps as much as the rule says, at each node; a backend that says nothing goes by the library's own")
    func counts() async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_RULES": Self.rules]) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            let sockets = try await WebSocketClient(
                [(a.port, "/ws?session=none&channel=two/a&channel=none/a&channel=none/*")],
                in: cluster.scratch
            )
            try await sockets.opened(channels: 3)
            var (two, none): ([Position], [Position]) = ([], [])
            for number in 0..<5 {
                two.append(try await publish(number.isMultiple(of: 2) ? a : b, "two/a", "\(number)"))
                none.append(try await publish(number.isMultiple(of: 2) ? a : b, "none/a", "\(number)"))
            }
            try await sockets.reach(two[4], in: "two/a")
            try await sockets.reach(none[4], in: "none/a")
            for node in [a, b] {
                try #require(try await history(node, "two/a") == ["3", "4"])
                try #require(try await history(node, "none/a") == [])
                try #require(try await comeBack(node, "two/a", two[2]) == (true, ["3", "4"]))
                try #require(try await comeBack(node, "two/a", two[1]) == (false, ["3", "4"]))
                for position in none.dropLast() {
                    try #require(try await comeBack(node, "none/a", position) == (false, []))
                }
                try #require(try await comeBack(node, "none/a", none[4]) == (true, []))
            }
            let lapse = Int(try await cluster.redis.command("PTTL", RedisServer.key("two/a"))) ?? 0
            try #require((1...61_000).contains(lapse), "\(lapse)")
            try #require(try await cluster.redis.command("EXISTS", RedisServer.key("none/a")) == "0")
            // Each once, and no gap.
            let received = try sockets.received()[0]
            try #require(!received.contains { $0.type == "gap" })
            for channel in ["two/a", "none/a"] {
                try #require(received.filter { $0.channel == channel }.compactMap(\.data) == (0..<5).map(String.init))
            }
            // A rule is the nodes', and a backend says for itself how much it wants to be kept.
            let name = RedisServer.key("none/a")
            for _ in 0..<3 { try await cluster.redis.command("FCALL", "perseid_publish", "1", name, "backend") }
            try #require(try await history(b, "none/a").count == 3)
            let last = try await publish(a, "none/a", "of a node")
            try #require(try await history(b, "none/a") == [])
            try await sockets.reach(last, in: "none/a")
            try await sockets.close()
        }
    }

    @Test(
        "other rules after SIGHUP, while another node goes by the old ones: gaps are told, and nothing is in Redis for ever"
    )
    func change() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let file = cluster.scratch.directory.appending(path: "perseid.yaml")
            func write(_ count: String) throws {
                let rule = "{channels: \"**\", subscribe: anyone, publish: anyone, history: anyone\(count)}"
                try Data("rules:\n  - \(rule)\n".utf8).write(to: file)
            }
            try write("")
            let url = "redis://127.0.0.1:\(cluster.redis.port)"
            let changed = try await PerseidNode(
                id: "changed",
                redis: url,
                arguments: ["--config", file.path],
                in: cluster.scratch
            )
            let socket = try await WebSocketClient(
                [(changed.port, "/ws?session=none&channel=news")],
                in: cluster.scratch
            )
            try await socket.opened()
            var positions: [Position] = []
            for number in 0..<5 { positions.append(try await publish(changed, "news", "\(number)")) }
            try #require(try await history(changed, "news").count == 5)
            try write(", history-count: 2")
            changed.signal(SIGHUP)
            // Reactors are told of rules, each in its turn: what is published in the same moment may be by the old ones.
            func publishUntil(_ count: Int) async throws {
                try await eventually(
                    "the rule counts that remembers \(count)",
                    isTrue: {
                        positions.append(try await publish(changed, "news", "\(positions.count)"))
                        return try await history(changed, "news").count == count
                    }
                )
            }
            try await publishUntil(2)
            try await socket.reach(positions[positions.count - 1], in: "news")
            let newest = [positions.count - 2, positions.count - 1].map { "\($0)" }
            try #require(try await history(changed, "news") == newest)
            try #require(try await comeBack(changed, "news", positions[0]) == (false, newest))
            try write(", history-count: 0")
            changed.signal(SIGHUP)
            try await publishUntil(0)
            // One that keeps nothing and one that keeps a hundred, in turn, within one second and in others.
            for number in 0..<40 {
                let node = number.isMultiple(of: 2) ? changed : cluster.nodes[0]
                positions.append(try await publish(node, "news", "\(number)"))
                if node === changed {
                    try #require(try await cluster.redis.command("XLEN", RedisServer.key("news")) == "0")
                } else {
                    let lapse = Int(try await cluster.redis.command("PTTL", RedisServer.key("news"))) ?? 0
                    try #require(lapse > 0, "it would be there for ever")
                }
            }
            try await socket.reach(try #require(positions.last), in: "news")
            let received = try socket.received()[0]
            try #require(received.filter { $0.type == "message" }.compactMap(\.position) == positions)
            try #require(!received.contains { $0.type == "gap" })
            try await socket.close()
            try #require(try await changed.stop() == .exited(0))
        }
    }

    @Test(
        "a channel that is cleared at one node: readers at each hear of a gap, and none is told what was there",
        arguments: ["room/a", "room/*"]
    )
    func clears(name: String) async throws {
        let environment = Self.operators.merging(["PERSEID_RULES": Self.rules]) { $1 }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let sockets = try await WebSocketClient(
                cluster.nodes.map { ($0.port, "/ws?session=none&channel=\(name)") },
                in: cluster.scratch
            )
            try await sockets.opened()
            var positions: [Position] = []
            for number in 0..<3 { positions.append(try await publish(cluster.nodes[0], "room/a", "\(number)")) }
            try await sockets.reach(positions[2], in: "room/a")
            let end = try await clear(cluster.nodes[1], "room/a")
            try #require(end > positions[2])
            let next = try await publish(cluster.nodes[0], "room/a", "next")
            try await sockets.reach(next, in: "room/a")
            for received in try sockets.received() {
                let told = received.filter { $0.channel == "room/a" && $0.type != "subscribed" }
                try #require(told.map(\.type) == ["message", "message", "message", "gap", "message"])
            }
            for node in cluster.nodes {
                try #require(try await history(node, "room/a") == ["next"])
                for position in positions {
                    try #require(try await comeBack(node, "room/a", position) == (false, ["next"]))
                }
                try #require(try await comeBack(node, "room/a", end) == (true, ["next"]))
            }
            // By the function itself, as a backend may; and the stream that comes next does not stay for ever.
            let key = RedisServer.key("room/a")
            let again = try #require(Position(try await cluster.redis.command("FCALL", "perseid_clear", "1", key)))
            try #require(again > next)
            let last = try await publish(cluster.nodes[0], "room/a", "last")
            try #require((Int(try await cluster.redis.command("PTTL", key)) ?? 0) > 0)
            try await sockets.reach(last, in: "room/a")
            try #require(
                try await cluster.redis.command("FCALL", "perseid_clear", "1", RedisServer.key("never")) == "0-0"
            )
            for wrong in ["news", "perseid:{room/*}"] {
                let answer = try? await cluster.redis.command("FCALL", "perseid_clear", "1", wrong)
                try #require(answer == nil, "\(wrong)")
            }
            try await sockets.close()
        }
    }
}
