import Backplane
import Broker
import Foundation
import Testing
import Text

/// How a node gets into Redis, and what it relies on there.
@Suite struct RedisAccessTests {
    /// All that a user needs, as the reference says. Of a node's the commands behind the first line are those that the functions call.
    static func rights(of user: String) throws -> [String] {
        let page = try Repository.text(of: "deploy/reference/redis.md")
        let start = try #require(page.range(of: "\nACL SETUSER \(user) on >secret "))
        let end = try #require(page.range(of: "```", range: start.upperBound..<page.endIndex))
        return page[start.upperBound..<end.lowerBound].split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    @Test("a password with odd characters, and a database of its own")
    func passwordAndDatabase() async throws {
        let options = ["--requirepass", "p@ss:w/rd%"]
        try await Cluster.with(nodes: 2, redisOptions: options, redisUser: ":p%40ss:w%2Frd%25", database: 3) {
            cluster in
            try await checkDelivery(on: cluster.nodes, cluster)
            let key = "perseid@3:{news}"
            let keys = try await cluster.redis.command("-n", "3", "EXISTS", key, password: "p@ss:w/rd%")
            try #require(keys == "1")
            try #require(try await cluster.redis.command("EXISTS", key, password: "p@ss:w/rd%") == "0")
        }
    }

    @Test("a user with no more rights than needed, for whom an operator loads the functions")
    func limitedUser() async throws {
        let options = try ["--user", "node", "on", ">secret"] + Self.rights(of: "perseid")
        try await Cluster.with(nodes: 0, redisOptions: options) { cluster in
            let url = "redis://node:secret@127.0.0.1:\(cluster.redis.port)"
            let environment = [
                "PERSEID_PRESENCE": "**", "PERSEID_LIMITS_RESUME_MILLISECONDS": "500",
                // Nobody answers there; it has the node keep a will.
                "PERSEID_HOOKS_DISCONNECT": "http://127.0.0.1:1/", "PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "900",
                "PERSEID_API_KEYS": "a-key-for-tests", "PERSEID_LIMITS_USER_PRESENCE_PER_SECOND_MAX": "1",
                "PERSEID_RULES": "** subscribe=anyone publish=anyone presence=anyone history=anyone",
            ]
            let node = try PerseidNode(id: "a", redis: url, environment: environment, startedIn: cluster.scratch)
            try await eventually("the node says what it lacks", isTrue: { node.log.contains("NOPERM") })
            try #require(await node.readiness == 503)
            try #require(node.isRunning)

            let install = [PerseidNode.executable, "redis", "install", "--redis", cluster.redis.url]
            try await ChildProcess.run(install, in: cluster.scratch)
            try await node.becomeReady()
            try await checkDelivery(on: [node], cluster)
            try #require(try await node.ask("GET", "/channels/news").status == 200)
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=a&channel=$presence/a")],
                in: cluster.scratch
            )
            try await eventually("a join is told", isTrue: { try client.messages()[0].count == 1 })
            // As one whose node died: with nothing in it, so that nobody is told.
            try await cluster.redis.command("ZADD", "perseid:will:{wills}", "1", "abc")
            try await eventually("a will is kept, and another carried out") {
                let wills = try await cluster.redis.command("KEYS", "perseid:will:{wills}:*")
                let count = try await node.metric("perseid_wills_executed_total")
                return !wills.isEmpty && count == 1 ? () : nil
            }
            try await client.close()
            try await eventually(
                "it is over",
                isTrue: { try await node.ask("GET", "/channels/a/presence").json["count"] as? Int == 0 }
            )
            // A limit of the cluster is told of in Redis.
            let fields = ["Authorization": "Bearer a-key-for-tests"]
            try #require(try await node.ask("GET", "/channels/a/presence", fields: fields).status == 200)
            try await eventually(
                "it is told",
                isTrue: { try await !cluster.redis.command("KEYS", "perseid:rate:presence:*").isEmpty }
            )
            try #require(!node.log.contains("redis refused"))
            try #require(try await node.stop() == .exited(0))
        }
    }

    @Test("a backend's user with no more rights than needed publishes, once and again, and may do nothing else")
    func limitedBackend() async throws {
        let options = try ["--user", "backend", "on", ">secret"] + Self.rights(of: "backend")
        try await Cluster.with(nodes: 1, redisOptions: options) { cluster in
            func ask(_ words: String...) async throws -> String {
                let client = ["redis-cli", "-p", "\(cluster.redis.port)", "--no-auth-warning"]
                let user = ["--user", "backend", "--pass", "secret"]
                return try await ChildProcess.run(client + user + words, in: cluster.scratch)
                    .trimmingCharacters(in: .newlines)
            }
            let socket = try await WebSocketClient([(cluster.nodes[0].port, "/ws?channel=news")], in: cluster.scratch)
            try await socket.opened()
            for number in 0..<3 {
                let said = try await ask(
                    "FCALL",
                    "perseid_publish",
                    "1",
                    "perseid:{news}",
                    "x",
                    "ONCE",
                    "\(number / 2)"
                )
                try await socket.reach(try #require(Position(said), "\(said)"), in: "news")
            }
            let unkept = try await ask("FCALL", "perseid_publish", "1", "perseid:{news}", "x", "HISTORY", "0")
            try await socket.reach(try #require(Position(unkept), "\(unkept)"), in: "news")
            #expect(try await ask("FCALL", "perseid_version", "0").contains("NOPERM") == false)
            #expect(try await ask("KEYS", "*").contains("NOPERM"))
            #expect(try await ask("DEL", "perseid:{news}").contains("NOPERM"))
            #expect(try await ask("GET", "other").contains("NOPERM"))
            try await socket.close()
        }
    }

    @Test(
        "readers of a pattern hear what is published first once the library was loaded anew, by whom may not ask who hears what",
        arguments: [false, true]
    )
    func loadedAnew(byNode isNode: Bool) async throws {
        let options = try ["backend", "perseid"].flatMap { try ["--user", $0, "on", ">secret"] + Self.rights(of: $0) }
        try await Cluster.with(nodes: 0, redisOptions: options) { cluster in
            let redis = cluster.redis
            let install = [PerseidNode.executable, "redis", "install", "--redis", redis.url]
            try await ChildProcess.run(install, in: cluster.scratch)
            let url = isNode ? "redis://perseid:secret@127.0.0.1:\(redis.port)" : redis.url
            // Nodes say in between neither that they live nor what they hear.
            let environment = ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "600000"]
            let node = try await PerseidNode(id: "a", redis: url, environment: environment, in: cluster.scratch)
            let socket = try await WebSocketClient([(node.port, "/ws?channel=chat/*")], in: cluster.scratch)
            try await socket.opened()
            for number in 0..<3 {
                try await redis.loadLibraryAnew()
                for channel in ["chat/old", "chat/\(number)"] {
                    let said =
                        isNode
                        ? try await node.ask("POST", "/channels/\(PercentCoding.encode(channel))", body: "x")
                            .json["position"] as? String ?? ""
                        : try await redis.command(
                            "FCALL",
                            "perseid_publish",
                            "1",
                            RedisServer.key(channel),
                            "x",
                            user: "backend",
                            password: "secret"
                        )
                    try await socket.reach(try #require(Position(said), "\(said)"), in: channel)
                }
            }
            try #require(try await node.stop() == .exited(0))
        }
    }

    @Test("a backend that may publish in one channel alone is not refused for patterns that nobody hears")
    func narrowBackend() async throws {
        let rights = try Self.rights(of: "backend").filter { !"~&".contains($0.prefix(1)) }
        let options = ["--user", "backend", "on", ">secret", "~perseid:{chat/a}*", "&perseid:{chat/a}"] + rights
        try await Cluster.with(nodes: 1, redisOptions: options) { cluster in
            try await cluster.redis.loadLibraryAnew()
            let publish = ["FCALL", "perseid_publish", "1", RedisServer.key("chat/a"), "x"]
            let said = try await cluster.redis.command(publish, user: "backend", password: "secret")
            try #require(Position(said) != nil, "\(said)")
        }
    }

    @Test("clusters in two databases of one Redis, or with two prefixes, do not hear each other")
    func neighbours() async throws {
        try await Cluster.with(nodes: 0) { cluster in
            let urls = ["0", "1", "0"].map { "\(cluster.redis.url)/\($0)" }
            var nodes: [PerseidNode] = []
            for (number, url) in urls.enumerated() {
                let arguments = number == 2 ? ["--key-prefix", "other"] : []
                nodes.append(try await PerseidNode(id: "a", redis: url, arguments: arguments, in: cluster.scratch))
            }
            let sockets = try await WebSocketClient(
                nodes.map { ($0.port, "/ws?channel=news") },
                in: cluster.scratch
            )
            try await sockets.opened()
            for (number, node) in nodes.enumerated() {
                let answer = try await node.ask("POST", "/channels/news", body: "of \(number)")
                try await sockets.reachOne(try #require(Position(answer.json["position"] as? String ?? "")), number)
            }
            let backend = try await cluster.redis.command(
                "-n",
                "1",
                "FCALL",
                "perseid_publish",
                "1",
                "perseid@1:{news}",
                "of a backend"
            )
            try await sockets.reachOne(try #require(Position(backend)), 1)
            let heard = try sockets.messages().map { $0.compactMap(\.data) }
            try #require(heard == [["of 0"], ["of 1", "of a backend"], ["of 2"]])
            // A session is resumed in its own cluster only.
            let token = try #require(try sockets.received()[0].first?.session)
            for (number, node) in nodes.enumerated().reversed() {
                let answer = try await node.ask("GET", "/poll?session=\(token)&channel=news&cursor=news@0-0")
                try #require(answer.status == (number == 0 ? 200 : 401))
            }
            for node in nodes { try #require(try await node.stop() == .exited(0)) }
        }
    }

    @Test("a wrong password is told, and tried again")
    func wrongPassword() async throws {
        try await Cluster.with(nodes: 0, redisOptions: ["--requirepass", "right"]) { cluster in
            let url = "redis://:wrong@127.0.0.1:\(cluster.redis.port)"
            let node = try PerseidNode(id: "a", redis: url, startedIn: cluster.scratch)
            try await eventually("the node says why", isTrue: { node.log.contains("WRONGPASS") })
            try #require(await node.readiness == 503)
            try await cluster.redis.command("CONFIG", "SET", "requirepass", "wrong", password: "right")
            try await node.becomeReady()
            try #require(try await node.stop() == .exited(0))
        }
    }

    @Test("the same idempotency key on two nodes makes one publication")
    func idempotency() async throws {
        try await Cluster.with { cluster in
            let fields = ["Idempotency-Key": "order 17/4"]
            let positions = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<9 {
                    let node = cluster.nodes[number % 3]
                    group.addTask {
                        let answer = try await node.ask(
                            "POST",
                            "/channels/news",
                            fields: fields,
                            body: "once-\(number)"
                        )
                        return answer.json["position"] as? String
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let entries = try await cluster.redis.entries(of: "news")
            try #require(entries.count == 1)
            try #require(positions.allSatisfy { $0 == entries[0].position.description })
            let other = try await cluster.nodes[0].ask("POST", "/channels/news", body: "another")
            try #require(other.json["position"] as? String != entries[0].position.description)
        }
    }

    @Test("positions go on where they were when the clock of Redis goes back")
    func clockGoesBack() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            // Seen from a channel whose head lies in the future, the clock is behind.
            let future = Position(milliseconds: 99_999_999_999_999, sequence: 7)
            try await cluster.redis.command("SET", RedisServer.key("late") + ":head", "\(future)")
            let stream = try StreamClient(
                [StreamClient.Stream(port: cluster.nodes[1].port, target: "/sse?channel=late")],
                in: cluster.scratch
            )
            try await stream.opened()
            var expected = future
            for number in 0..<3 {
                expected = expected.successor
                let answer = try await cluster.nodes[0].ask("POST", "/channels/late", body: "\(number)")
                try #require(answer.json["position"] as? String == expected.description)
            }
            try await stream.reach(expected, in: "late")
            try await Verifier("late", on: cluster.redis).checkChains(try stream.received())
        }
    }

    @Test("the library in Redis has the version that nodes look for")
    func libraryVersion() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let version = try await cluster.redis.command("FCALL", "perseid_version", "0")
            try #require(version == "\(RedisFunctions.version)")
        }
    }

    @Test("a publish that names no options is treated as a node's, whose defaults are the same")
    func defaults() throws {
        let source = String(decoding: RedisFunctions.source, as: UTF8.self)
        let limits = Limits()
        try #require(source.contains("local HISTORY_COUNT = \(limits.historyCountMax)\n"))
        try #require(source.contains("local HISTORY_MILLISECONDS = \(limits.historyMilliseconds)\n"))
        try #require(source.contains("local HEAD_MILLISECONDS = \(limits.headMilliseconds)\n"))
        try #require(source.contains("local ONCE_MILLISECONDS = \(limits.idempotencyMilliseconds)\n"))
    }

    /// One publishes, all hear.
    private func checkDelivery(on nodes: [PerseidNode], _ cluster: Cluster) async throws {
        let streams = try StreamClient(
            nodes.map { StreamClient.Stream(port: $0.port, target: "/sse?channel=news") },
            in: cluster.scratch
        )
        try await streams.opened()
        let answer = try await nodes[0].ask("POST", "/channels/news", body: "hello")
        try #require(answer.status == 200)
        let position = try #require(Position(answer.json["position"] as? String ?? ""))
        try await streams.reach(position, in: "news")
        let resumed = try StreamClient(
            [StreamClient.Stream(port: nodes[0].port, target: "/sse?channel=news", lastEventID: "news@\(position)")],
            in: cluster.scratch
        )
        try await resumed.opened()
        try #require(try resumed.received()[0].first { $0.type == "subscribed" }?.recovered == true)
    }
}
