import Broker
import Foundation
import Testing

/// A Redis Cluster: everything that holds with one server holds with three masters, while slots move and masters die.
@Suite(.serialized) struct RedisClusterTests {
    private struct Clustered {
        let scratch: Scratch
        let redis: RedisClusterServers
        let nodes: [PerseidNode]
    }

    private func with(
        replicas: Bool = false,
        spares: Int = 0,
        nodes count: Int = 2,
        environment: [String: String] = [:],
        options: [String] = [],
        _ body: (Clustered) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let redis = try await RedisClusterServers(replicas: replicas, spares: spares, options: options, in: scratch)
        var nodes: [PerseidNode] = []
        for id in ["a", "b", "c"].prefix(count) {
            nodes.append(try await PerseidNode(id: id, redis: redis.url, environment: environment, in: scratch))
        }
        let clustered = Clustered(scratch: scratch, redis: redis, nodes: nodes)
        try await nodes.during {
            for node in clustered.nodes {
                try await eventually(
                    "all masters are reached",
                    isTrue: { try await node.metric("perseid_redis_masters_up") == redis.masterCount }
                )
            }
            try await body(clustered)
        }
    }

    private static let channels = (0..<24).map { "room/\($0)" }
    private static var query: String { channels.map { "channel=\($0)" }.joined(separator: "&") }

    private func publish(_ text: String, to channel: String, by node: PerseidNode) async throws {
        try await eventually(
            "\(channel) takes \(text)",
            isTrue: { try await node.ask("POST", "/channels/\(channel)", body: text).status == 200 }
        )
    }

    private func publishToAll(_ text: String, _ clustered: Clustered) async throws {
        for (place, channel) in Self.channels.enumerated() {
            let node = clustered.nodes[place % clustered.nodes.count]
            try await publish("\(text) to \(channel)", to: channel, by: node)
        }
    }

    /// Everybody has each channel whole, up to its head.
    private func verify(
        _ listeners: any Listeners,
        _ clustered: Clustered,
        asking asked: RedisServer? = nil,
        gapsAllowed: Bool = false
    ) async throws {
        for channel in Self.channels {
            let server = try await clustered.redis.server(of: channel, asking: asked)
            try await listeners.reach(try await server.head(of: channel), in: channel)
            try await Verifier(channel, on: server).checkChains(try listeners.received(), gapsAllowed: gapsAllowed)
        }
    }

    @Test(
        "channels lie at the masters of their slots; readers, patterns, backends, lists and presence have all of them"
    )
    func everything() async throws {
        let environment = [
            "PERSEID_PRESENCE": "room/**",
            // Nodes that live answer, however late they are on a busy machine.
            "PERSEID_LIMITS_CLUSTER_QUESTION_MILLISECONDS": "20000",
        ]
        try await with(environment: environment) { clustered in
            let (a, b) = (clustered.nodes[0], clustered.nodes[1])
            let watcher = try await WebSocketClient(
                Self.channels.map { (a.port, "/ws?channel=$presence/\($0)") },
                in: clustered.scratch
            )
            try await watcher.opened()
            let many = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?\(Self.query)") },
                in: clustered.scratch
            )
            let patterns = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?channel=room/*") },
                in: clustered.scratch
            )
            try await many.opened(channels: Self.channels.count)
            try await patterns.opened()
            for number in 0..<4 { try await publishToAll("\(number)", clustered) }
            for channel in Self.channels {
                let server = try await clustered.redis.server(of: channel)
                _ = try await server.publish("4 to \(channel)", to: channel)
            }
            try await verify(many, clustered)
            try await eventually(
                "whoever reads by a pattern has all of all",
                isTrue: { try patterns.messages().allSatisfy { $0.count == 5 * Self.channels.count } }
            )
            for messages in try patterns.messages() {
                for channel in Self.channels {
                    let texts = messages.filter { $0.channel == channel }.compactMap(\.data)
                    try #require(texts == (0..<5).map { "\($0) to \(channel)" })
                }
            }
            try await eventually(
                "joins are told at the other node",
                isTrue: { try watcher.messages().allSatisfy { $0.count == 2 } }
            )
            for channel in Self.channels {
                try #require(try await b.ask("GET", "/channels/\(channel)/presence").json["count"] as? Int == 2)
                // Counts are told of by each node in its own time.
                try await eventually(
                    "those of both nodes are counted",
                    isTrue: {
                        try await a.ask("GET", "/channels/\(channel)").json["subscribers"] as? Int ?? 0 >= 2
                    }
                )
            }
            for received in try many.received() {
                let token = try #require(received.compactMap(\.session).first)
                try #require(try await b.ask("GET", "/poll?session=\(token)&wait=0").status == 200)
            }
            try await eventually(
                "both nodes are listed",
                isTrue: { (try await a.ask("GET", "/nodes").json["nodes"] as? [Any])?.count == 2 }
            )
            let user = try await a.ask("GET", "/users/nobody")
            try #require(user.status == 200 && user.json["complete"] as? Bool == true, "\(user.body)")
        }
    }

    @Test(
        "slots move while it is published, one of them stuck on its way for a while: nothing is lost, doubled or told out of order"
    )
    func resharding() async throws {
        try await with { clustered in
            let listeners = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?\(Self.query)") },
                in: clustered.scratch
            )
            try await listeners.opened(channels: Self.channels.count)
            try await publishToAll("before", clustered)
            let publishers = Self.channels.enumerated().map { Publisher(to: $1, on: clustered.nodes[$0 % 2]) }
            for channel in Self.channels.prefix(12) {
                let source = try await clustered.redis.server(of: channel)
                let place = try #require(clustered.redis.servers.firstIndex { $0.port == source.port })
                let target = clustered.redis.servers[(place + 1) % 3]
                let slot = try await clustered.redis.slot(of: channel)
                try await clustered.redis.move(slot: slot, from: source, to: target) {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            for publisher in publishers {
                try await publisher.stop()
                try #require(publisher.record.odd == [] && publisher.record.acknowledged.count > 10)
            }
            try await publishToAll("after", clustered)
            try await verify(listeners, clustered)
            for (channel, publisher) in zip(Self.channels, publishers) {
                let server = try await clustered.redis.server(of: channel)
                try await Verifier(channel, on: server).checkAcknowledged([publisher.record])
            }
            try #require(listeners.ended() == [])
        }
    }

    @Test(
        "channels are cleared at whichever node, some while their slot moves, keyed ones too: readers of each hear of one gap, then what follows"
    )
    func clears() async throws {
        let rules = "room/10 subscribe=anyone publish=anyone keyed=true, ** subscribe=anyone publish=anyone"
        let settings = ["PERSEID_RULES": rules, "PERSEID_API_KEYS": "an-operator-of-the-tests"]
        // What was done although nobody was told would be done once more, and be one gap too many.
        try await with(environment: settings.merging(PerseidNode.patience) { $1 }) { clustered in
            let fields = ["Authorization": "Bearer an-operator-of-the-tests"]
            let listeners = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?session=none&\(Self.query)") }
                    + clustered.nodes.map { ($0.port, "/ws?session=none&channel=room/*") },
                in: clustered.scratch
            )
            try await eventually(
                "all channels and patterns are open",
                isTrue: {
                    let opened = try listeners.received().map { $0.count { $0.type == "subscribed" } }
                    return opened == [Self.channels.count, Self.channels.count, 1, 1]
                }
            )
            try await publishToAll("before", clustered)
            // While a slot is half-way a call that touches several keys is to be tried again, until the slot has arrived.
            var clearing: [Task<Void, any Error>] = []
            for (number, channel) in Self.channels.enumerated() {
                let node = clustered.nodes[number % 2]
                @Sendable func clear() async throws {
                    // Where the slot takes longer to arrive than a node waits, whoever asks is told to ask again.
                    try await eventually(
                        "\(channel) is cleared",
                        isTrue: {
                            let answer = try await node.ask("DELETE", "/channels/\(channel)", fields: fields)
                            try #require(answer.status == 200 || answer.status == 503, "\(answer.body)")
                            return answer.status == 200
                        }
                    )
                }
                guard number < 8 || channel == "room/10" else {
                    try await clear()
                    continue
                }
                let source = try await clustered.redis.server(of: channel)
                let place = try #require(clustered.redis.servers.firstIndex { $0.port == source.port })
                let slot = try await clustered.redis.slot(of: channel)
                let target = clustered.redis.servers[(place + 1) % 3]
                try await clustered.redis.move(slot: slot, from: source, to: target) {
                    clearing.append(Task { try await clear() })
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            for task in clearing { try await task.value }
            try await publishToAll("after", clustered)
            try await eventually(
                "all heard the last of each",
                isTrue: {
                    try listeners.received().allSatisfy { received in
                        received.count { $0.type == "message" && $0.data?.hasPrefix("after") == true }
                            == Self.channels.count
                    }
                }
            )
            for received in try listeners.received() {
                for channel in Self.channels {
                    let told = received.filter { $0.channel == channel && $0.type != "subscribed" }
                    try #require(told.map(\.type) == ["message", "gap", "message"], "\(channel): \(told)")
                }
            }
            try await listeners.close()
        }
    }

    @Test("a channel whose slot moves while a pattern's channels are looked for is found where it went")
    func movedWhileLookedFor() async throws {
        let environment = [
            // Nobody says in between that it lives, and nobody gives up the master that stands still.
            "PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "600000", "PERSEID_LIMITS_REDIS_MILLISECONDS": "60000",
        ]
        try await with(nodes: 1, environment: environment) { clustered in
            let (redis, node) = (clustered.redis, clustered.nodes[0])
            let (first, second, third) = (redis.servers[0], redis.servers[1], redis.servers[2])
            var channel = ""
            for name in Self.channels where try await redis.server(of: name).port == third.port { channel = name }
            let slot = try await redis.slot(of: channel)
            var positions: [Position] = []
            for text in ["1", "2"] {
                try await publish(text, to: channel, by: node)
                positions.append(try await third.head(of: channel))
            }
            let calls = try await first.calls(of: "fcall")
            second.signal(SIGSTOP)
            defer { second.signal(SIGCONT) }
            let cursor = "\(channel.replacing("/", with: "%252F"))@\(positions[0]),room%252F*@1-0"
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=room/*&session=none&cursor=\(cursor)")],
                in: clustered.scratch
            )
            try await eventually("one was looked through", isTrue: { try await first.calls(of: "fcall") > calls })
            try await redis.move(slot: slot, from: third, to: first, telling: [])
            second.signal(SIGCONT)
            try await client.reach(positions[1], in: channel)
            #expect(try client.received()[0].allSatisfy { $0.type != "gap" })
        }
    }

    @Test(
        "a channel is found while its slot is half-way, and the master that has it tells of it only who is sent there"
    )
    func foundHalfWay() async throws {
        try await with(nodes: 1) { clustered in
            let (redis, node) = (clustered.redis, clustered.nodes[0])
            let (source, target) = (try await redis.server(of: "room/0"), redis.servers[1])
            let other = source.port == target.port ? redis.servers[2] : target
            var positions: [Position] = []
            for text in ["1", "2"] {
                try await publish(text, to: "room/0", by: node)
                positions.append(try await source.head(of: "room/0"))
            }
            let slot = try await redis.slot(of: "room/0")
            try await redis.begin(slot: slot, from: source, to: other)
            let keys = try await source.command("CLUSTER", "GETKEYSINSLOT", "\(slot)", "10").split(separator: "\n")
            try await redis.handOver(keys.map(String.init), from: source, to: other)
            let cursor = "room%252F0@\(positions[0]),room%252F*@1-0"
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=room/*&session=none&cursor=\(cursor)")],
                in: clustered.scratch
            )
            try await client.reach(positions[1], in: "room/0")
            try await publish("3", to: "room/0", by: node)
            try await redis.move(slot: slot, from: source, to: other)
            try await client.reach(try await other.head(of: "room/0"), in: "room/0")
            #expect(try client.received()[0].filter { $0.type == "message" }.map(\.data) == ["2", "3"])
            #expect(try client.received()[0].allSatisfy { $0.type != "gap" })
        }
    }

    @Test(
        "a pattern's channels are not believed to be none where a master does not know yet whether its cluster is whole"
    )
    func soughtWhileClusterIsDown() async throws {
        try await with(nodes: 1) { clustered in
            let (redis, node) = (clustered.redis, clustered.nodes[0])
            let master = try await redis.server(of: "room/0")
            var positions: [Position] = []
            for text in ["1", "2"] {
                try await publish(text, to: "room/0", by: node)
                positions.append(try await master.head(of: "room/0"))
            }
            let slot = try await redis.slot(of: "room/0")
            let first = redis.servers.firstIndex { $0.port == master.port }.map { $0 * (16_384 / 3) } ?? 0
            let lost = slot == first ? first + 1 : first
            try await master.command("CONFIG", "SET", "cluster-require-full-coverage", "yes")
            try await master.command("CLUSTER", "DELSLOTS", "\(lost)")
            try await eventually(
                "it takes its cluster for broken",
                isTrue: { try await master.command("CLUSTER", "INFO").contains("cluster_state:fail") }
            )
            let cursor = "room%252F0@\(positions[0]),room%252F*@1-0"
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=room/*&session=none&cursor=\(cursor)")],
                in: clustered.scratch
            )
            try await eventually(
                "it is looked for",
                isTrue: { try await node.metric("perseid_pattern_searches_total") ?? 0 > 1 }
            )
            try await master.command("CLUSTER", "ADDSLOTS", "\(lost)")
            try await client.reach(positions[1], in: "room/0")
            try await publish("3", to: "room/0", by: node)
            try await client.reach(try await master.head(of: "room/0"), in: "room/0")
            #expect(try client.received()[0].filter { $0.type == "message" }.map(\.data) == ["2", "3"])
            #expect(try client.received()[0].allSatisfy { $0.type != "gap" })
        }
    }

    @Test("what a master tells of a session that is at another one by now counts nothing")
    func falselyTaken() async throws {
        try await with { clustered in
            let (redis, node) = (clustered.redis, clustered.nodes[0])
            let client = try await WebSocketClient([(node.port, "/ws?channel=room/0")], in: clustered.scratch)
            try await client.opened()
            let token = try #require(try client.received()[0].compactMap(\.session).first)
            let id = String(token.prefix { $0 != "." })
            try await redis.servers[0].command("PUBLISH", "perseid:node:a", "taken \(id) 9000000000000000")
            for number in 0..<20 { try await publish("\(number)", to: "room/0", by: node) }
            try await client.reach(try await redis.server(of: "room/0").head(of: "room/0"), in: "room/0")
            #expect(client.ended() == [])
            #expect(try await clustered.nodes[1].ask("GET", "/poll?session=\(token)&wait=0").status == 200)
            try await eventually("it lets go", isTrue: { client.ended().count == 1 })
        }
    }

    @Test("a master is killed: its replica takes over, its channels go on there, the others do not notice")
    func failover() async throws {
        try await with(replicas: true) { clustered in
            let listeners = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?\(Self.query)") },
                in: clustered.scratch
            )
            try await listeners.opened(channels: Self.channels.count)
            try await publishToAll("before", clustered)
            try await verify(listeners, clustered)
            let victim = try await clustered.redis.server(of: Self.channels[0])
            let witness = try #require(clustered.redis.servers.prefix(3).first { $0.port != victim.port })
            try #require(Int(try await victim.command("WAIT", "1", "5000")) == 1)
            try await victim.kill()
            for node in clustered.nodes { try #require(await node.readiness == 200) }
            try await publishToAll("after", clustered)
            // The replica takes what is published before the other masters have heard of it.
            try await eventually(
                "the others know who took over",
                isTrue: {
                    try await clustered.redis.server(of: Self.channels[0], asking: witness).port != victim.port
                }
            )
            try await verify(listeners, clustered, asking: witness)
            for node in clustered.nodes {
                try await eventually(
                    "all masters are reached",
                    isTrue: {
                        let up = try await node.metric("perseid_redis_masters_up")
                        let all = try await node.metric("perseid_redis_masters")
                        return up == 3 && all == 3
                    }
                )
            }
            try #require(listeners.ended() == [])
        }
    }

    @Test(
        "a master dies while slots of its are half-way, and its replica knows nothing of that: nobody goes on in silence, the others do not notice, and all goes on once an operator sends the rest"
    )
    func failoverHalfWay() async throws {
        try await with(replicas: true) { clustered in
            let redis = clustered.redis
            let listeners = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?\(Self.query)") },
                in: clustered.scratch
            )
            try await listeners.opened(channels: Self.channels.count)
            for number in 0..<3 { try await publishToAll("\(number)", clustered) }
            try await verify(listeners, clustered)
            let source = try await redis.server(of: Self.channels[0])
            let place = try #require(redis.servers.firstIndex { $0.port == source.port })
            let (target, witness, heir) = (
                redis.servers[(place + 1) % 3], redis.servers[(place + 2) % 3], redis.servers[3 + place]
            )
            var halfWay: [String] = []
            for channel in Self.channels where try await redis.server(of: channel).port == source.port {
                halfWay.append(channel)
                guard halfWay.count == Self.leaving.count else { continue }
                break
            }
            for (channel, endings) in zip(halfWay, Self.leaving) {
                try await redis.begin(slot: redis.slot(of: channel), from: source, to: target)
                let keys = endings.map { RedisServer.key(channel) + $0 }
                try await redis.handOver(keys, from: source, to: target)
            }
            try #require(Int(try await source.command("WAIT", "1", "5000")) == 1)
            try await source.kill()
            // The target holds to what it is to get from the dead one, until it is told otherwise.
            try await eventually(
                "the replica takes over",
                isTrue: { try await redis.server(of: halfWay[0], asking: witness).port == heir.port }
            )
            for channel in Self.channels where !halfWay.contains(channel) {
                try await publish("after", to: channel, by: clustered.nodes[0])
            }
            for channel in halfWay {
                let answer = try await clustered.nodes[0].ask("POST", "/channels/\(channel)", body: "meanwhile")
                try #require(answer.status == 200 || answer.status == 503)
            }
            for channel in halfWay {
                try await redis.move(slot: redis.slot(of: channel, asking: witness), from: heir, to: target)
            }
            try await publishToAll("mended", clustered)
            try await verify(listeners, clustered, asking: witness, gapsAllowed: true)
            try #require(listeners.ended() == [])
            for received in try listeners.received() {
                let gaps = received.filter { $0.type == "gap" }.map(\.channel)
                try #require(Set(gaps).isSubset(of: halfWay), "\(gaps)")
            }
        }
    }

    /// What of a channel has left when its master dies: its stream, its head, both.
    private static let leaving = [[""], [":head"], ["", ":head"]]

    @Test("a master joins and takes all slots of another, which leaves: nodes follow without a word to their clients")
    func replaced() async throws {
        try await with(spares: 1) { clustered in
            let listeners = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?\(Self.query)") },
                in: clustered.scratch
            )
            let patterns = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?channel=room/*") },
                in: clustered.scratch
            )
            try await listeners.opened(channels: Self.channels.count)
            try await patterns.opened()
            try await publishToAll("before", clustered)
            let (old, new) = (clustered.redis.servers[2], clustered.redis.servers[3])
            for channel in Self.channels {
                let source = try await clustered.redis.server(of: channel)
                guard source.port == old.port else { continue }
                try await clustered.redis.move(slot: clustered.redis.slot(of: channel), from: source, to: new)
                try await publish("moved", to: channel, by: clustered.nodes[0])
            }
            try await publishToAll("after", clustered)
            try await verify(listeners, clustered)
            let moved = Self.channels.count + Self.channels.count
            try await eventually(
                "patterns have all",
                isTrue: { try patterns.messages().allSatisfy { $0.count >= moved } }
            )
            for node in clustered.nodes {
                // Each links to the new master by itself, once it has something to ask there.
                try await eventually(
                    "all masters are reached",
                    isTrue: { try await node.metric("perseid_redis_masters_up") == 4 }
                )
            }
            try #require(listeners.ended() == [])
        }
    }

    /// Nodes say in between neither that they live nor what they hear.
    private static let silent = ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "600000"]

    @Test("readers of patterns hear what is published at any master once the library was loaded anew")
    func loadedAnew() async throws {
        try await with(environment: Self.silent) { clustered in
            let patterns = try await WebSocketClient(
                clustered.nodes.map { ($0.port, "/ws?channel=room/*") },
                in: clustered.scratch
            )
            try await patterns.opened()
            for server in clustered.redis.servers { try await server.loadLibraryAnew() }
            for channel in Self.channels {
                _ = try await clustered.redis.server(of: channel).publish("x", to: channel)
            }
            try await eventually(
                "whoever reads by a pattern has all",
                isTrue: { try patterns.messages().allSatisfy { Set($0.map(\.channel)) == Set(Self.channels) } }
            )
        }
    }

    @Test(
        "a backend that may not ask whether there is a cluster does not keep from readers what others publish",
        arguments: [[], ["+spublish"]]
    )
    func limitedBackend(more: [String]) async throws {
        let options = try ["--user", "backend", "on", ">secret"] + RedisAccessTests.rights(of: "backend") + more
        try await with(environment: Self.silent, options: options) { clustered in
            let node = clustered.nodes[0]
            let socket = try await WebSocketClient([(node.port, "/ws?channel=news")], in: clustered.scratch)
            try await socket.opened()
            let server = try await clustered.redis.server(of: "news")
            let key = RedisServer.key("news")
            let publish = ["FCALL", "perseid_publish", "2", key, key + ":head", "x"]
            // A node that asks anything meanwhile has the library know what this user may not ask.
            for node in clustered.nodes { node.signal(SIGSTOP) }
            try await server.loadLibraryAnew()
            let said = try await server.command(publish, user: "backend", password: "secret")
            for node in clustered.nodes { node.signal(SIGCONT) }
            let position = try #require(Position(said), "\(said)")
            if !more.isEmpty { try await socket.reach(position, in: "news") }
            for number in 0..<3 {
                try await self.publish("\(number)", to: "news", by: node)
                try await socket.reach(try await server.head(of: "news"), in: "news")
            }
            // Now that it is known, who may not tell a cluster's readers is told so.
            guard more.isEmpty else { return }
            await #expect(throws: ChildProcess.Failure.self) {
                try await server.command(publish, user: "backend", password: "secret")
            }
        }
    }

    @Test("a server by itself is no cluster, a node of a cluster no server by itself: both are told")
    func mistaken() async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(in: scratch)
        let node = try PerseidNode(id: "a", redis: "redis+cluster://127.0.0.1:\(redis.port)", startedIn: scratch)
        try await eventually(
            "it says why",
            isTrue: {
                guard let answer = try? await node.ask("GET", "/readyz") else { return false }
                return answer.status == 503 && answer.body.contains("cluster support disabled")
            }
        )
        _ = try await node.stop()
    }
}
