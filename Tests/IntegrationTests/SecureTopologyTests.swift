import Broker
import Foundation
import Testing

/// Sentinels and a Redis Cluster behind TLS, and users with no more rights than the README says: commands and nodes find their way, follow
/// a master that moves, and say what is wrong where they do not.
@Suite(.serialized) struct SecureTopologyTests {
    enum Kind: String, CaseIterable { case sentinel, cluster }

    /// Masters first.
    private struct Secured {
        let scratch: Scratch
        let trust: RedisTrust
        let servers: [RedisServer]
        let cluster: RedisClusterServers?
        /// As whom, and with which query.
        let url: (_ user: String, _ query: String) -> String

        func run(_ arguments: String...) async throws -> (ending: ChildProcess.Ending?, said: String) {
            let process = try ChildProcess(
                [PerseidNode.executable] + arguments,
                environment: trust.environment,
                in: scratch
            )
            let ending = try await process.end()
            return (ending, process.outputText + process.errorText)
        }
    }

    private static let password = "p%40ss:w%2Frd%25"
    private static let node = "node:\(password)"
    private static let watcher = "?sentinel-user=watcher&sentinel-password=w%40tch"

    /// What the README names, and no more.
    private static let users =
        [
            "--user", "node", "on", ">p@ss:w/rd%", "~perseid:*", "&perseid:*", "-@all", "+fcall", "+fcall_ro",
            "+subscribe", "+unsubscribe", "+ping", "+select", "+get", "+set", "+xadd", "+xdel", "+xtrim", "+xrange",
            "+xrevrange", "+pexpire", "+publish", "+hset", "+hdel", "+hget", "+hgetall", "+hlen", "+del", "+zadd",
            "+zrem", "+zrangebyscore", "+zcount", "+time", "+wait", "+cluster|myid", "+cluster|slots",
            "+cluster|info", "+asking", "+ssubscribe", "+sunsubscribe", "+spublish",
        ] + ["--user", "admin", "on", ">p@ss:w/rd%", "~*", "&*", "+@all", "--repl-diskless-sync-delay", "0"]

    private func with(_ kind: Kind, _ body: (Secured) async throws -> Void) async throws {
        let (scratch, trust) = (try Scratch(), try RedisTrust())
        switch kind {
        case .cluster:
            let cluster = try await RedisClusterServers(replicas: true, options: Self.users, trust: trust, in: scratch)
            let hosts = cluster.servers.prefix(2).map { "127.0.0.1:\($0.securePort ?? 0)" }.joined(separator: ",")
            try await body(
                Secured(scratch: scratch, trust: trust, servers: cluster.servers, cluster: cluster) { user, _ in
                    "rediss+cluster://\(user)@\(hosts)"
                }
            )
        case .sentinel:
            let master = try await RedisServer(
                options: Self.users + ["--dbfilename", "first.rdb"],
                trust: trust,
                in: scratch
            )
            let replicaOf = ["--dbfilename", "second.rdb", "--replicaof", "127.0.0.1", "\(master.securePort ?? 0)"]
            let replica = try await RedisServer(options: Self.users + replicaOf, trust: trust, in: scratch)
            let port = Port.free()
            let user =
                "user watcher on >w@tch &+switch-master &+promoted-slave &+config-update-from -@all +subscribe +unsubscribe +ping "
                + "+sentinel|master +sentinel|sentinels +sentinel|get-master-addr-by-name"
            let sentinel = try await SentinelServer(
                master: master.securePort ?? 0,
                quorum: 1,
                settings: trust.settings(port: port) + ["user default on >operator ~* &* +@all", user],
                options: ["--no-auth-warning", "-a", "operator"],
                in: scratch
            )
            try await eventually("it can fail over", isTrue: { try await sentinel.knows(sentinels: 0, replicas: 1) })
            try await body(
                Secured(scratch: scratch, trust: trust, servers: [master, replica], cluster: nil) { user, query in
                    "rediss+sentinel://\(user)@127.0.0.1:\(port)/main\(query)"
                }
            )
            withExtendedLifetime(sentinel) {}
        }
    }

    private static let channels = (0..<12).map { "room/\($0)" }

    private func publishToAll(_ nodes: [PerseidNode], _ client: WebSocketClient) async throws {
        for (place, channel) in Self.channels.enumerated() {
            let answer = try await eventually("\(channel) takes it") {
                let answer = try await nodes[place % 2].ask("POST", "/channels/\(channel)", body: "x")
                return answer.status == 200 ? answer : nil
            }
            try await client.reach(try #require(Position(answer.json["position"] as? String ?? "")), in: channel)
        }
    }

    @Test(
        "with TLS and users of few rights: installed, checked, served, and followed when a master dies",
        arguments: Kind.allCases
    )
    func served(_ kind: Kind) async throws {
        try await with(kind) { secured in
            let early = try await secured.run("check", "--redis", secured.url(Self.node, Self.watcher))
            #expect(early.ending == .exited(1) && early.said.contains("redis does not permit"), "\(early.said)")
            let admin = secured.url("admin:\(Self.password)", Self.watcher)
            let installed = try await secured.run("redis", "install", "--redis", admin)
            try #require(installed.ending == .exited(0), "\(installed.said)")
            let url = secured.url(Self.node, Self.watcher)
            let checked = try await secured.run("check", "--redis", url)
            try #require(checked.ending == .exited(0), "\(checked.said)")
            let lines = checked.said.split(separator: "\n").filter { $0.contains("functions version") }
            #expect(lines.count == (kind == .cluster ? 3 : 1), "\(checked.said)")
            #expect(!checked.said.contains("p@ss") && !checked.said.contains("w@tch"))

            var environment = secured.trust.environment
            environment["PERSEID_PRESENCE"] = "room/**"
            var nodes: [PerseidNode] = []
            for id in ["a", "b"] {
                nodes.append(try await PerseidNode(id: id, redis: url, environment: environment, in: secured.scratch))
            }
            do {
                let query = Self.channels.map { "channel=\($0)" }.joined(separator: "&")
                let client = try await WebSocketClient(nodes.map { ($0.port, "/ws?\(query)") }, in: secured.scratch)
                try await client.opened(channels: Self.channels.count)
                try await publishToAll(nodes, client)
                for channel in Self.channels {
                    try await eventually(
                        "both are present in \(channel)",
                        isTrue: {
                            let presence = try await nodes[0].ask("GET", "/channels/\(channel)/presence")
                            return presence.json["count"] as? Int == 2
                        }
                    )
                }
                try await secured.servers[0].kill()
                try await publishToAll(nodes, client)
                for node in nodes { try await node.becomeReady() }
                #expect(client.ended() == [])
                for node in nodes { #expect(!node.log.contains("NOPERM"), "\(node.log)") }
            } catch {
                for node in nodes { Issue.record("node \(node.id) logged:\n\(node.log.suffix(4_000))") }
                throw error
            }
            for node in nodes { try #require(try await node.stop() == .exited(0)) }
        }
    }

    @Test(
        "what does not fit is told by check and by a node: which password, which certificate",
        arguments: Kind.allCases
    )
    func mistakes(_ kind: Kind) async throws {
        try await with(kind) { secured in
            _ = try await secured.run(
                "redis",
                "install",
                "--redis",
                secured.url("admin:\(Self.password)", Self.watcher)
            )
            let right = secured.url(Self.node, Self.watcher)
            var mistakes: [(url: String, environment: [String: String], message: String)] = [
                (
                    secured.url("node:wrong", Self.watcher), secured.trust.environment,
                    "redis refuses the user or password"
                ),
                (right, [:], "redis and the node do not agree on TLS"),
                (
                    right,
                    secured.trust.environment.merging(["PERSEID_REDIS_TLS_SERVER_NAME": "other.example"]) { $1 },
                    "redis and the node do not agree on TLS"
                ),
            ]
            if kind == .sentinel {
                let query = "?sentinel-user=watcher&sentinel-password=wrong"
                for query in [query, ""] {
                    mistakes.append(
                        (secured.url(Self.node, query), secured.trust.environment, "redis refuses the user or password")
                    )
                }
            }
            for mistake in mistakes {
                let check = try ChildProcess(
                    [PerseidNode.executable, "check", "--redis", mistake.url],
                    environment: mistake.environment,
                    in: secured.scratch
                )
                #expect(try await check.end() == .exited(1))
                #expect(check.errorText.contains(mistake.message), "\(check.errorText)")
                let node = try PerseidNode(
                    id: "c",
                    redis: mistake.url,
                    environment: mistake.environment,
                    startedIn: secured.scratch
                )
                try await eventually("the node says it", isTrue: { node.log.contains(mistake.message) })
                #expect(await node.readiness == 503)
                #expect(try await node.stop() == .exited(0))
            }
        }
    }
}
