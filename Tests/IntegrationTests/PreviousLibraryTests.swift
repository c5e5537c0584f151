import Backplane
import Broker
import Foundation
import Testing

/// The function library of the release before this one, as it was: what it wrote to Redis, and what a node does with it in place.
///
/// The whole program of that release is tried in UpgradeTests, where it was built.
@Suite struct PreviousLibraryTests {
    /// Version 10, which the last release had. With each release its own takes its place here.
    private static func load(into redis: RedisServer) async throws {
        let source = try Repository.text(of: "Tests/Libraries/perseid-10.lua")
        try await redis.command("FUNCTION", "LOAD", "REPLACE", source)
    }

    private static let environment = ["PERSEID_PRESENCE": "room/**"]

    @Test("what the library of before has written is read, and what it has begun is gone on with")
    func goesOn() async throws {
        // They would look in each third of their lease whether it is still there, and with each new link.
        let environment = Self.environment.merging(["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "600000"]) { $1 }
            .merging(PerseidNode.patience) { $1 }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let (redis, node) = (cluster.redis, cluster.nodes[0])
            try await Self.load(into: redis)
            // The nodes do not know: their links were up before.
            let client = try await WebSocketClient([(node.port, "/ws?channel=room/1")], in: cluster.scratch)
            try await client.opened()
            let token = try await eventually("a session is opened") { try client.received()[0].first?.session }
            let fields = ["Idempotency-Key": "once", "Content-Type": "text/plain"]
            let first = try await node.ask("POST", "/channels/room%2F1", fields: fields, body: "first")
            let seen = try #require(Position(first.json["position"] as? String ?? ""), "\(first)")
            try await client.reach(seen, in: "room/1")
            let key = "perseid:session:{\(token.prefix(32))}"
            try await eventually(
                "it is stored where the client is",
                isTrue: { try await redis.command("HGET", key, "@room/1") == "\(seen)" }
            )
            try #require(try await redis.command("FCALL_RO", "perseid_version", "0") == "10")

            // Links that begin anew look at the version.
            try await redis.command("CLIENT", "KILL", "TYPE", "normal")
            try await eventually(
                "the newer library takes its place",
                isTrue: { try await redis.command("FCALL_RO", "perseid_version", "0") == "\(RedisFunctions.version)" }
            )
            for node in cluster.nodes { try await node.becomeReady() }
            let missed = try await redis.publish("missed", to: "room/1")
            let target = "/ws?session=\(token)&cursor=room/1@\(seen)"
            let elsewhere = try await WebSocketClient([(cluster.nodes[1].port, target)], in: cluster.scratch)
            try await elsewhere.reach(missed, in: "room/1")
            try #require(try elsewhere.received()[0].first?.session == token)
            try #require(try elsewhere.messages()[0].map(\.data) == ["missed"])
            let again = try await cluster.nodes[1].ask("POST", "/channels/room%2F1", fields: fields, body: "first")
            try #require(again.json["position"] as? String == "\(seen)")
            let history = try await cluster.nodes[1].ask("GET", "/channels/room%2F1/history")
            try #require((history.json["publications"] as? [Any])?.count == 2)
            try await eventually(
                "one is present",
                isTrue: {
                    let answer = try await node.ask("GET", "/channels/room%2F1/presence")
                    return (answer.json["members"] as? [[String: Any]])?.map { $0["node"] as? String } == ["b"]
                }
            )
            for node in cluster.nodes { try #require(!node.log.contains("redis refused"), "\(node.log)") }
        }
    }

    @Test(
        "a node finds out that the library of before took the place of its own, brings its own again, and loses nothing"
    )
    func replaced() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let redis = cluster.redis
            let readers = try await WebSocketClient(
                cluster.nodes.map { ($0.port, "/ws?channel=news") },
                in: cluster.scratch
            )
            try await readers.opened()
            try await Self.load(into: redis)
            let position = try await redis.publish("meanwhile", to: "news")
            try await readers.reach(position, in: "news")
            for received in try readers.received() { try #require(!received.contains { $0.gap != nil }) }
            try await eventually(
                "their own library is there again",
                isTrue: { try await redis.command("FCALL_RO", "perseid_version", "0") == "\(RedisFunctions.version)" }
            )
        }
    }
}
