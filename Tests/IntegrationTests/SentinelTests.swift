import Broker
import Foundation
import Testing

/// A master that Sentinels watch: nodes find it, follow it when it moves, and let nobody miss anything in silence.
@Suite(.serialized) struct SentinelTests {
    /// Two Redis, three Sentinels, two nodes.
    private struct Watched {
        let scratch: Scratch
        let servers: [RedisServer]
        let sentinels: [SentinelServer]
        let nodes: [PerseidNode]

        func server(at port: UInt16?) -> RedisServer? { servers.first { $0.port == port } }

        func become(master: RedisServer) async throws {
            try await eventually(
                "the Sentinels name another master",
                isTrue: { try await sentinels.last!.masterPort() == master.port }
            )
        }
    }

    private func with(
        sentinelsNamed named: Int = 2,
        _ body: (Watched) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let master = try await RedisServer(options: ["--dbfilename", "first.rdb"], in: scratch)
        let replica = try await RedisServer(
            options: [
                "--dbfilename", "second.rdb", "--replicaof", "127.0.0.1", "\(master.port)",
                "--repl-diskless-load", "swapdb",
            ],
            in: scratch
        )
        try await master.command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        try await replica.command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        var sentinels: [SentinelServer] = []
        for _ in 0..<3 { sentinels.append(try await SentinelServer(master: master.port, quorum: 2, in: scratch)) }
        for sentinel in sentinels {
            try await eventually(
                "the Sentinels know each other and the replica",
                isTrue: { try await sentinel.knows(sentinels: 2, replicas: 1) }
            )
        }
        let hosts = sentinels.prefix(named).map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        var nodes: [PerseidNode] = []
        for id in ["a", "b"] {
            nodes.append(try await PerseidNode(id: id, redis: "redis+sentinel://\(hosts)/main", in: scratch))
        }
        do {
            try await body(
                Watched(scratch: scratch, servers: [master, replica], sentinels: sentinels, nodes: nodes)
            )
        } catch {
            for node in nodes { Issue.record("node \(node.id) logged:\n\(node.log.suffix(4_000))") }
            throw error
        }
        for node in nodes {
            let ending = try await node.stop()
            try #require(ending == .exited(0))
        }
    }

    @Test(
        "a master is killed: what it had acknowledged and handed on is missed by nobody, and the old one comes back as a replica"
    )
    func killed() async throws {
        try await with { watched in
            let sockets = try await WebSocketClient(
                watched.nodes.flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=news") } },
                in: watched.scratch
            )
            try await sockets.opened()
            let (old, new) = (watched.servers[0], watched.servers[1])
            for number in 0..<20 { _ = try await old.publish("before-\(number)", to: "news") }
            try await sockets.reach(try await old.head(of: "news"), in: "news")
            try await eventually(
                "the replica has all",
                isTrue: { try await new.head(of: "news") == (try await old.head(of: "news")) }
            )
            try await old.kill()
            try await watched.become(master: new)
            for node in watched.nodes { try await node.becomeReady() }
            for number in 0..<20 {
                let answer = try await watched.nodes[number % 2].ask("POST", "/channels/news", body: "after-\(number)")
                try #require(answer.status == 200)
            }
            try await sockets.reach(try await new.head(of: "news"), in: "news")
            try await Verifier("news", on: new).checkChains(try sockets.received())
            for node in watched.nodes { try #require(try await node.metric("perseid_redis_master_moves_total") == 1) }

            try await old.start()
            try await eventually(
                "the old one is a replica",
                isTrue: { try await old.command("ROLE").hasPrefix("slave") }
            )
            let last = try await new.publish("last", to: "news")
            try await sockets.reach(last, in: "news")
            try #require(sockets.ended() == [])
        }
    }

    @Test(
        "a fail-over that somebody asks for, twice, while it is published: every loss is told, and nobody's chain breaks in silence"
    )
    func switched() async throws {
        try await with { watched in
            let sockets = try await WebSocketClient(
                watched.nodes.flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=news") } },
                in: watched.scratch
            )
            try await sockets.opened()
            var number = 0
            for target in [watched.servers[1], watched.servers[0]] {
                let replica = target
                // Asked again and again: a Sentinel may begin, and give up where a replica is slow to say that it is the master.
                try await eventually(
                    "it is published at the other one",
                    isTrue: {
                        number += 1
                        _ = try await watched.nodes[number % 2].ask("POST", "/channels/news", body: "\(number)")
                        if try await watched.sentinels[2].masterPort() == replica.port { return true }
                        _ = try? await watched.sentinels[2].command("SENTINEL", "FAILOVER", "main")
                        return false
                    }
                )
                for node in watched.nodes { try await node.becomeReady() }
                try await eventually(
                    "the demoted one is a replica in order",
                    isTrue: { try await watched.sentinels[2].knows(sentinels: 2, replicas: 1) }
                )
            }
            // A busy machine may have them fail over once more.
            let master = try await eventually("what is published is at the master") { () -> RedisServer? in
                number += 1
                let answer = try await watched.nodes[0].ask("POST", "/channels/news", body: "\(number)")
                guard answer.status == 200, let port = try await watched.sentinels[2].masterPort(),
                    let server = watched.server(at: port), let head = try? await server.head(of: "news")
                else { return nil }
                return answer.json["position"] as? String == head.description ? server : nil
            }
            try await sockets.reach(try await master.head(of: "news"), in: "news")
            try await Verifier("news", on: master).checkChains(try sockets.received(), gapsAllowed: true)
            try #require(sockets.ended() == [])
        }
    }

    @Test("a node knows one Sentinel and learns of the others: with that one gone it follows all the same")
    func learned() async throws {
        try await with(sentinelsNamed: 1) { watched in
            let client = try await WebSocketClient([(watched.nodes[0].port, "/ws?channel=news")], in: watched.scratch)
            try await client.opened()
            try await watched.sentinels[0].kill()
            try await watched.servers[0].kill()
            try await watched.become(master: watched.servers[1])
            for node in watched.nodes { try await node.becomeReady() }
            let last = try await watched.servers[1].publish("last", to: "news")
            try await client.reach(last, in: "news")
        }
    }

    @Test(
        "without any Sentinel that answers, nodes go on with the master they know; a new one is not ready, and says why"
    )
    func alone() async throws {
        try await with { watched in
            for sentinel in watched.sentinels { try await sentinel.kill() }
            let client = try await WebSocketClient([(watched.nodes[0].port, "/ws?channel=news")], in: watched.scratch)
            try await client.opened()
            let last = try await watched.servers[0].publish("last", to: "news")
            try await client.reach(last, in: "news")
            try #require(await watched.nodes[0].readiness == 200)
            let url = "redis+sentinel://127.0.0.1:\(watched.sentinels[0].port)/main"
            let late = try PerseidNode(id: "late", redis: url, startedIn: watched.scratch)
            try await eventually(
                "it says that it is not ready, and why",
                isTrue: {
                    guard let answer = try? await late.ask("GET", "/readyz"), answer.status == 503 else { return false }
                    return answer.body.contains("\(watched.sentinels[0].port)")
                }
            )
            try await watched.sentinels[0].start()
            try await late.becomeReady()
            _ = try await late.stop()
        }
    }
}
