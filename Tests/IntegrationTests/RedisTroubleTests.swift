import Broker
import Foundation
import Testing

/// Redis is reached and will not do what a node needs, or not for all: the operator is told why, once, and nobody else pays.
@Suite struct RedisTroubleTests {
    @Test("a channel that the ACL forbids is refused by itself; the rest is served, the links stay")
    func forbiddenChannel() async throws {
        let rules = ["--user", "node", "on", ">secret", "~*", "&*{open}*", "&*node*", "+@all"]
        try await Cluster.with(
            nodes: 1,
            environment: PerseidNode.patience,
            redisOptions: rules,
            redisUser: "node:secret"
        ) { cluster in
            let node = cluster.nodes[0]
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=open&channel=closed")],
                in: cluster.scratch
            )
            try await eventually(
                "the one is refused, the other opened",
                isTrue: {
                    let received = try client.received()[0]
                    return received.contains { $0.type == "error" && $0.code == 403 }
                        && received.contains { $0.type == "subscribed" && $0.channel == "open" }
                }
            )
            let poll = try await node.ask("GET", "/poll?channel=closed")
            try #require(poll.status == 403 && poll.body.contains("channel"))
            let stream = try StreamClient(
                [StreamClient.Stream(port: node.port, target: "/sse?channel=open&channel=closed")],
                in: cluster.scratch
            )
            try await eventually(
                "a stream is told and ended",
                isTrue: { try stream.received()[0].contains { $0.type == "bye" && $0.code == 4_004 } }
            )
            let last = try await cluster.redis.publish("heard", to: "open")
            try await client.reach(last, in: "open")
            try #require(try await node.metric("perseid_backplane_losses_total") == 0)
            try #require(try await node.metric("perseid_channels_refused_total") ?? 0 >= 3)
            try #require(await node.readiness == 200)
        }
    }

    @Test("a right that is withdrawn while a channel is read ends the reading of that channel alone")
    func withdrawnChannel() async throws {
        let rules = ["--user", "node", "on", ">secret", "~*", "&*", "+@all"]
        try await Cluster.with(nodes: 1, redisOptions: rules, redisUser: "node:secret") { cluster in
            let node = cluster.nodes[0]
            let client = try await WebSocketClient([(node.port, "/ws?channel=a&channel=b")], in: cluster.scratch)
            try await client.opened()
            try await cluster.redis.command("ACL", "SETUSER", "node", "resetchannels", "&*{a}*", "&*node*")
            // Redis ends the connections of a user whose channels are taken away.
            try await eventually(
                "it is told",
                isTrue: { try client.received()[0].contains { $0.type == "error" && $0.code == 403 } }
            )
            try await node.becomeReady()
            let last = try await cluster.redis.publish("heard", to: "a")
            try await client.reach(last, in: "a")
        }
    }

    /// What an operator may do to a Redis, and how it is undone.
    enum Trouble: String, CaseIterable {
        case replica
        case fullMemory
        case noReplicas

        var begin: [String] {
            switch self {
            case .replica: ["REPLICAOF", "127.0.0.1", "1"]
            case .fullMemory: ["CONFIG", "SET", "maxmemory", "1"]
            case .noReplicas: ["CONFIG", "SET", "min-replicas-to-write", "1"]
            }
        }

        var end: [String] {
            switch self {
            case .replica: ["REPLICAOF", "NO", "ONE"]
            case .fullMemory: ["CONFIG", "SET", "maxmemory", "0"]
            case .noReplicas: ["CONFIG", "SET", "min-replicas-to-write", "0"]
            }
        }

        var reason: String {
            switch self {
            case .replica: "READONLY"
            case .fullMemory: "OOM"
            case .noReplicas: "NOREPLICAS"
            }
        }
    }

    @Test(
        "a Redis that takes no writes: not ready, with the reason, in a line or two of the log",
        arguments: Trouble.allCases
    )
    func takesNoWrites(_ trouble: Trouble) async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let node = cluster.nodes[0]
            let idle = try await WebSocketClient(
                (0..<50).map { (node.port, "/ws?channel=idle-\($0)") },
                in: cluster.scratch
            )
            try await idle.opened()
            let before = node.log.split(separator: "\n").count
            _ = try await cluster.redis.run(trouble.begin)
            try #require(try await node.ask("POST", "/channels/news", body: "refused").status == 503)
            try await eventually(
                "it is told why",
                isTrue: {
                    let answer = try await node.ask("GET", "/readyz")
                    return answer.status == 503 && answer.body.contains(trouble.reason)
                }
            )
            try #require(try await node.metric("perseid_backplane_up") == 0)
            // Nothing is waited for: in this time some attempts are made, and nothing more may be said of them.
            try await Task.sleep(for: .milliseconds(2_500))
            let lines = node.log.split(separator: "\n").dropFirst(before)
            try #require(lines.contains { $0.contains(trouble.reason) })
            try #require(lines.count <= 4, "\(lines.joined(separator: "\n"))")
            _ = try await cluster.redis.run(trouble.end)
            try await node.becomeReady()
            try #require(try await node.ask("POST", "/channels/news", body: "taken").status == 200)
        }
    }

    @Test("a node of a Redis Cluster is told from a server by itself")
    func clusterNode() async throws {
        let options = ["--cluster-enabled", "yes", "--cluster-port", "\(Port.free())"]
        try await Cluster.with(nodes: 0, redisOptions: options) { cluster in
            let node = try PerseidNode(id: "a", redis: cluster.redis.url, startedIn: cluster.scratch)
            try await eventually(
                "it is told why",
                isTrue: {
                    let answer = try? await node.ask("GET", "/readyz")
                    return answer?.status == 503 && answer?.body.contains("Redis Cluster") == true
                }
            )
            try await eventually("it is logged, too", isTrue: { node.log.contains("Redis Cluster") })
            try #require(try await node.stop() == .exited(0))
        }
    }

    @Test("a Redis that drops idle connections drops none of a quiet node")
    func idleTimeout() async throws {
        // A node that hears nothing asks for a sign of life each second; on a busy machine it may be late.
        let options = ["--timeout", "4"]
        try await Cluster.with(nodes: 1, environment: PerseidNode.patience, redisOptions: options) { cluster in
            let node = cluster.nodes[0]
            let before = try await node.metric("perseid_backplane_losses_total")
            // Nothing is waited for: several times as long as Redis lets a connection be silent, nothing must happen.
            try await Task.sleep(for: .milliseconds(15_000))
            try #require(try await node.metric("perseid_backplane_losses_total") == before)
            try #require(try await node.ask("POST", "/channels/news", body: "taken").status == 200)
        }
    }

    @Test("functions that were flushed are loaded once, however many publishes find them missing")
    func flushedFunctions() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let node = cluster.nodes[0]
            try await cluster.redis.command("CONFIG", "RESETSTAT")
            try await cluster.redis.command("FUNCTION", "FLUSH")
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask { try await node.ask("POST", "/channels/news", body: "\(number)").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try #require(statuses.allSatisfy { $0 == 200 })
            let stats = try await cluster.redis.command("INFO", "commandstats")
            try #require(stats.contains("cmdstat_function|load:calls=1,"))
        }
    }

    @Test("a silent name server stops nothing but the way to Redis", .enabled { await SilentNameServer.isPossible })
    func silentNameServer() async throws {
        let scratch = try Scratch()
        let server = try SilentNameServer(in: scratch)
        let port = Port.free()
        let node = try ChildProcess(
            server.command([
                PerseidNode.executable, "serve", "--listen", "127.0.0.1:\(port)", "--redis", "redis://redis.example",
            ]),
            environment: PerseidNode.limits,
            in: scratch
        )
        defer {
            node.signal(SIGKILL)
            withExtendedLifetime((server, scratch)) {}
        }
        try await eventually(
            "it is alive",
            isTrue: { await (try? HTTPConnection.ask("GET", "/healthz", port: port))?.status == 200 }
        )
        // As long as a lookup takes at least. A reactor that waited for it would be silent for all of that; a busy machine alone has been
        // seen to take more than two seconds.
        let end = ContinuousClock.now + .seconds(SilentNameServer.attemptSeconds + 1)
        while ContinuousClock.now < end {
            let start = ContinuousClock.now
            try #require(try await HTTPConnection.ask("GET", "/healthz", port: port).status == 200)
            try #require(ContinuousClock.now - start < .seconds(SilentNameServer.attemptSeconds - 2))
            try await Task.sleep(for: .milliseconds(100))
        }
        let answer = try await HTTPConnection.ask("GET", "/readyz", port: port)
        try #require(answer.status == 503 && answer.body.contains("redis.example"))
    }
}
