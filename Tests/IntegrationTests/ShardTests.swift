import Broker
import Foundation
import Testing

/// Several masters share the channels: everything that holds with one holds with three, and the loss of one concerns its channels only.
@Suite struct ShardTests {
    private struct Shared {
        let scratch: Scratch
        let servers: [RedisServer]
        let nodes: [PerseidNode]

        /// The master that has a channel: the one that has heard of its publication.
        func server(of channel: String) async throws -> RedisServer {
            var found: [RedisServer] = []
            for server in servers where try await server.head(of: channel) != .start { found.append(server) }
            try #require(found.count == 1, "\(channel) is at \(found.count) masters")
            return found[0]
        }
    }

    private func with(
        nodes count: Int = 2,
        environment: [String: String] = [:],
        _ body: (Shared) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        var servers: [RedisServer] = []
        for _ in 0..<3 { servers.append(try await RedisServer(in: scratch)) }
        let urls = servers.enumerated().map { "\($1.url)#redis-\($0)" }.joined(separator: " ")
        var nodes: [PerseidNode] = []
        for id in ["a", "b", "c"].prefix(count) {
            nodes.append(try await PerseidNode(id: id, redis: urls, environment: environment, in: scratch))
        }
        let shared = Shared(scratch: scratch, servers: servers, nodes: nodes)
        try await nodes.during { try await body(shared) }
    }

    private static let channels = (0..<24).map { "room/\($0)" }

    private func publishToAll(_ text: String, _ shared: Shared) async throws {
        for (place, channel) in Self.channels.enumerated() {
            let node = shared.nodes[place % shared.nodes.count]
            let answer = try await node.ask("POST", "/channels/\(channel)", body: "\(text) to \(channel)")
            try #require(answer.status == 200)
        }
    }

    @Test("channels are shared out; who reads many of them, or by a pattern, has them all, in order")
    func delivery() async throws {
        try await with { shared in
            let query = Self.channels.map { "channel=\($0)" }.joined(separator: "&")
            let many = try await WebSocketClient(shared.nodes.map { ($0.port, "/ws?\(query)") }, in: shared.scratch)
            let patterns = try await WebSocketClient(
                shared.nodes.map { ($0.port, "/ws?channel=room/*") },
                in: shared.scratch
            )
            try await many.opened(channels: Self.channels.count)
            try await patterns.opened()
            for number in 0..<5 { try await publishToAll("\(number)", shared) }
            var counts: [UInt16: Int] = [:]
            for channel in Self.channels {
                let server = try await shared.server(of: channel)
                counts[server.port, default: 0] += 1
                try await many.reach(try await server.head(of: channel), in: channel)
                let verifier = try await Verifier(channel, on: server)
                try verifier.checkChains(try many.received())
            }
            try #require(counts.count == 3, "each has some")
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
        }
    }

    @Test("a backend that computes the master as the reference says publishes where nodes listen")
    func backend() async throws {
        try await with(nodes: 1) { shared in
            let client = try await WebSocketClient(
                [(shared.nodes[0].port, "/ws?" + Self.channels.map { "channel=\($0)" }.joined(separator: "&"))],
                in: shared.scratch
            )
            try await client.opened(channels: Self.channels.count)
            let program = try Self.program(in: "deploy/reference/redis.md")
            for channel in Self.channels {
                let names = "['redis-0', 'redis-1', 'redis-2']"
                let place = try await ChildProcess.run(
                    ["python3", "-c", program + "\nprint(place(\(names), '\(channel)'))"],
                    in: shared.scratch
                )
                let server = shared.servers[try #require(Int(place.trimmingCharacters(in: .newlines)))]
                let position = try await server.publish("from a backend", to: channel)
                try await client.reach(position, in: channel)
            }
        }
    }

    /// The lines of Python there that say which master has a channel.
    private static func program(in file: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
        let start = try #require(text.range(of: "def place(names, channel):"))
        let end = try #require(text.range(of: "```", range: start.lowerBound..<text.endIndex))
        return String(text[start.lowerBound..<end.lowerBound])
    }

    @Test(
        "one master dies: its channels wait and miss nothing, those of the others do not notice, and nodes stay ready"
    )
    func loss() async throws {
        try await with { shared in
            let query = Self.channels.map { "channel=\($0)" }.joined(separator: "&")
            let client = try await WebSocketClient(shared.nodes.map { ($0.port, "/ws?\(query)") }, in: shared.scratch)
            try await client.opened(channels: Self.channels.count)
            try await publishToAll("before", shared)
            let lost = try await shared.server(of: Self.channels[0])
            var alive: [(String, RedisServer)] = []
            for channel in Self.channels {
                let server = try await shared.server(of: channel)
                try await client.reach(try await server.head(of: channel), in: channel)
                if server.port != lost.port { alive.append((channel, server)) }
            }
            lost.signal(SIGSTOP)
            for node in shared.nodes {
                try await eventually(
                    "it is noticed",
                    isTrue: { try await node.metric("perseid_redis_masters_up") == 2 }
                )
                try #require(try await node.metric("perseid_redis_masters") == 3)
                try #require(await node.readiness == 200)
                let refused = try await node.ask("POST", "/channels/\(Self.channels[0])", body: "x")
                try #require(refused.status == 503 && refused.fields["retry-after"] != nil)
            }
            for (channel, server) in alive {
                let answer = try await shared.nodes[0].ask("POST", "/channels/\(channel)", body: "meanwhile")
                try #require(answer.status == 200)
                try await client.reach(try await server.head(of: channel), in: channel)
            }
            lost.signal(SIGCONT)
            _ = try await lost.publish("when nobody listened", to: Self.channels[0])
            for node in shared.nodes {
                try await eventually("it is back", isTrue: { try await node.metric("perseid_redis_masters_up") == 3 })
            }
            try await publishToAll("after", shared)
            for channel in Self.channels {
                let server = try await shared.server(of: channel)
                try await client.reach(try await server.head(of: channel), in: channel)
                try await Verifier(channel, on: server).checkChains(try client.received())
            }
        }
    }

    @Test("a node ends in time though masters have stopped, and the one that is well has its last words")
    func lastWords() async throws {
        // Redis has 800 ms to answer in these tests, once and not for each of them; the rest is the node's own end. Where other tests take
        // the machine in that moment a node is late, so the best of three counts.
        var fastest = try await lastWordsOnce()
        for _ in 0..<2 where fastest >= Self.endMax { fastest = min(fastest, try await lastWordsOnce()) }
        #expect(fastest < Self.endMax)
    }

    private static let endMax = Duration.milliseconds(5_000)

    /// Says how long a node took to end.
    private func lastWordsOnce() async throws -> Duration {
        var duration = Duration.zero
        try await with(nodes: 1) { shared in
            let node = shared.nodes[0]
            let well = shared.servers[2]
            try await eventually(
                "each master knows of the node",
                isTrue: { try await well.command("EXISTS", "perseid:node:a") == "1" }
            )
            for server in shared.servers.prefix(2) { server.signal(SIGSTOP) }
            let begin = ContinuousClock.now
            let ending = try await node.stop()
            duration = ContinuousClock.now - begin
            for server in shared.servers.prefix(2) { server.signal(SIGCONT) }
            try #require(ending == .exited(0))
            try #require(try await well.command("EXISTS", "perseid:node:a") == "0")
        }
        return duration
    }

    @Test("sessions, presence, lists, revocations: whatever master has them")
    func upkeep() async throws {
        let environment = ["PERSEID_PRESENCE": "room/**"]
        try await with(environment: environment) { shared in
            let (a, b) = (shared.nodes[0], shared.nodes[1])
            let watcher = try await WebSocketClient(
                Self.channels.map { (a.port, "/ws?channel=$presence/\($0)") },
                in: shared.scratch
            )
            try await watcher.opened()
            let clients = try await WebSocketClient(
                Self.channels.map { (b.port, "/ws?channel=\($0)") },
                in: shared.scratch
            )
            try await clients.opened()
            try await publishToAll("x", shared)
            try await eventually(
                "each channel's join is told to who watches it at another node",
                isTrue: { try watcher.messages().allSatisfy { $0.count == 1 } }
            )
            for channel in Self.channels {
                let presence = try await a.ask("GET", "/channels/\(channel)/presence")
                try #require(presence.json["count"] as? Int == 1)
            }
            try await eventually(
                "both nodes are listed",
                isTrue: { (try await a.ask("GET", "/nodes").json["nodes"] as? [Any])?.count == 2 }
            )
            try await listsHaveAll(a)
            // Each session is resumed at the other node, whichever master has it.
            for received in try clients.received() {
                let token = try #require(received.compactMap(\.session).first)
                let answer = try await a.ask("GET", "/poll?session=\(token)&wait=0")
                try #require(answer.status == 200)
            }
        }
    }

    /// Page by page, and none twice.
    private func listsHaveAll(_ node: PerseidNode) async throws {
        for (path, list, count) in [
            ("/channels?match=room/*", "channels", Self.channels.count), ("/nodes?", "nodes", 2),
        ] {
            var names: [String] = []
            var next: String? = ""
            while let place = next {
                let answer = try await node.ask("GET", "\(path)&limit=5" + (place.isEmpty ? "" : "&after=\(place)"))
                try #require(answer.status == 200, "\(answer.body)")
                let items = try #require(answer.json[list] as? [[String: Any]])
                names += items.compactMap { ($0["channel"] ?? $0["node"]) as? String }
                next = answer.json["next"] as? String
            }
            try #require(Set(names).count == count && (list == "nodes" || names.count == count), "\(list): \(names)")
        }
    }
}
