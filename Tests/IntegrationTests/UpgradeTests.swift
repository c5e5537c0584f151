import Backplane
import Broker
import Foundation
import Testing

/// Nodes of the previous release and of this one on the same Redis: what one has begun, the other goes on with, forth and back.
@Suite(
    .serialized,
    .enabled(if: PreviousRelease.program != nil, "PERSEID_PREVIOUS names no program; deploy/previous builds one")
)
struct UpgradeTests {
    @Test(
        "nodes are replaced one after the other, back, and again, amid all faults, and no client notices more than a reconnect"
    )
    func underFire() async throws {
        try await BenchScript(name: "chaos", scratch: try Scratch()).run(
            "--upgrade-from",
            PreviousRelease.program ?? "",
            "--perseid",
            PerseidNode.executable,
            "--minutes",
            "1",
            "--clients",
            "100",
            "--rate",
            "50",
            "--seed",
            "1",
            "--forbid-gaps",
            within: .seconds(1_200)
        )
    }

    @Test("a session goes from release to release with its cursor, each time whole")
    func sessions() async throws {
        try await PreviousRelease.besideThisOne { redis, nodes, scratch in
            let first = try await WebSocketClient([(nodes[0].port, "/ws?channel=news")], in: scratch)
            let token = try await eventually("a session is opened") { try first.received()[0].first?.session }
            var seen = try await redis.publish("first", to: "news")
            try await first.reach(seen, in: "news")
            try await first.close()
            let key = "perseid:session:{\(token.prefix(32))}"
            try await eventually(
                "its subscription is stored",
                isTrue: { try await !redis.command("HGET", key, "@news").isEmpty }
            )
            for (number, node) in [nodes[1], nodes[0], nodes[1]].enumerated() {
                let missed = try await redis.publish("missed-\(number)", to: "news")
                let target = "/ws?session=\(token)&cursor=news@\(seen)"
                let next = try await WebSocketClient([(node.port, target)], in: scratch)
                try await next.reach(missed, in: "news")
                let received = try next.received()[0]
                try #require(received.first?.session == token, "another session at \(node.id)")
                try #require(received.filter { $0.type == "message" }.map(\.data) == ["missed-\(number)"])
                try #require(!received.contains { $0.gap != nil })
                try await next.close()
                seen = missed
            }
        }
    }

    @Test(
        "what one release has published, the other delivers, keeps and knows again, under its name and under a pattern"
    )
    func publications() async throws {
        try await PreviousRelease.besideThisOne { redis, nodes, scratch in
            let readers = try await WebSocketClient(
                nodes.flatMap { [($0.port, "/ws?channel=room/1"), ($0.port, "/ws?channel=room/*")] },
                in: scratch
            )
            try await readers.opened()
            var positions: [Position] = []
            for number in 0..<6 {
                let fields = ["Idempotency-Key": "key-\(number)", "Content-Type": "text/plain"]
                for node in number % 2 == 0 ? nodes : nodes.reversed() {
                    let answer = try await node.ask("POST", "/channels/room%2F1", fields: fields, body: "\(number)")
                    try #require(answer.status == 200, "\(answer)")
                    positions.append(try #require(Position(answer.json["position"] as? String ?? "")))
                }
            }
            // Each key was shown to both, and was published once.
            try #require(Set(positions).count == 6)
            try await readers.reach(positions[10], in: "room/1")
            for received in try readers.messages() { try #require(received.map(\.data) == (0..<6).map { "\($0)" }) }
            try await Verifier("room/1", on: redis).checkChains(try readers.received())
            for node in nodes {
                let history = try await node.ask("GET", "/channels/room%2F1/history?since=\(positions[0])")
                try #require(
                    (history.json["publications"] as? [Any])?.count == 5 && history.json["recovered"] as? Bool == true
                )
            }
        }
    }

    @Test("both releases tell alike who is present and how many are subscribed")
    func presence() async throws {
        try await PreviousRelease.besideThisOne(environment: ["PERSEID_PRESENCE": "room/**"]) { _, nodes, scratch in
            let members = try await WebSocketClient(nodes.map { ($0.port, "/ws?channel=room/1") }, in: scratch)
            try await members.opened()
            for node in nodes {
                try await eventually(
                    "\(node.id) tells of both",
                    isTrue: {
                        let answer = try await node.ask("GET", "/channels/room%2F1/presence")
                        let list = answer.json["members"] as? [[String: Any]] ?? []
                        let facts = try await node.ask("GET", "/channels/room%2F1")
                        return Set(list.compactMap { $0["node"] as? String }) == ["a", "b"]
                            && facts.json["subscribers"] as? Int == 2
                    }
                )
            }
        }
    }

    @Test("the newer library stays, and a node of the previous release starts and publishes beside it")
    func library() async throws {
        try await PreviousRelease.besideThisOne { redis, nodes, scratch in
            let version = "\(RedisFunctions.version)"
            try #require(try await redis.command("FCALL_RO", "perseid_version", "0") == version)
            try #require(try await nodes[0].stop() == .exited(0))
            try nodes[0].start()
            try await nodes[0].becomeReady()
            try #require(try await nodes[0].ask("POST", "/channels/news", body: "x").status == 200)
            try #require(try await redis.command("FCALL_RO", "perseid_version", "0") == version)

            // Redis comes back with nothing, and whoever is first loads what it has.
            try await redis.command("FUNCTION", "FLUSH")
            try #require(try await nodes[0].ask("POST", "/channels/news", body: "x").status == 200)
            let reader = try await WebSocketClient([(nodes[1].port, "/ws?channel=news&cursor=news@1-0")], in: scratch)
            try await reader.opened()
            let position = try #require(
                Position(try await nodes[1].ask("POST", "/channels/news", body: "y").json["position"] as? String ?? "")
            )
            try await reader.reach(position, in: "news")
        }
    }
}
