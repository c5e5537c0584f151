import Broker
import Foundation
import Synchronization
import Testing

/// Sessions over a real Redis: on every node, behind the balancer, and where Redis forgets them.
@Suite(.serialized) struct SessionTests {
    /// What `HGETALL` has of a session.
    private func stored(_ token: String, on cluster: Cluster) async throws -> [String: String] {
        let key = "perseid:session:{\(token.prefix(32))}"
        let text = try await cluster.redis.command("--json", "HGETALL", key)
        return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String] ?? [:]
    }

    private func token(_ listeners: any Listeners, _ client: Int = 0) async throws -> String {
        try await eventually("a session is opened") { try listeners.received()[client].first?.session }
    }

    private func socket(_ target: String, on port: UInt16, _ cluster: Cluster) async throws -> WebSocketClient {
        try await WebSocketClient([(port, target)], in: cluster.scratch)
    }

    @Test("Redis has a session before its client has the token, and nobody who reads Redis can resume it")
    func stored() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let client = try await socket("/ws?channel=a%2Fb&channel=c", on: cluster.nodes[0].port, cluster)
            let token = try await token(client)
            let fields = try await stored(token, on: cluster)
            #expect(fields["fence"] == "1" && fields["node"] == "a")
            #expect(fields["secret"]?.count == 64 && !fields.values.contains { $0.contains(token.suffix(32)) })
            try await client.opened(channels: 2)
            let head = try await cluster.redis.publish("x", to: "a/b")
            try await eventually(
                "its subscriptions are there",
                isTrue: { try await stored(token, on: cluster).keys.filter { $0.hasPrefix("@") }.count == 2 }
            )
            let begun = try await stored(token, on: cluster)
            #expect(begun["@c"] == "0-0")
            // Confirmed by the pong of the client's library.
            try await eventually(
                "its progress is there",
                isTrue: { try await stored(token, on: cluster)["@a/b"] == "\(head)" }
            )
            let milliseconds = Int(try await cluster.redis.command("PTTL", "perseid:session:{\(token.prefix(32))}"))
            #expect((600_000...720_000).contains(milliseconds ?? 0))
        }
    }

    @Test("a session goes from node to node, with the cursor or without; each node before lets go")
    func wanders() async throws {
        try await Cluster.with { cluster in
            var last = try await socket("/ws?channel=news", on: cluster.nodes[0].port, cluster)
            let token = try await token(last)
            try await last.opened()
            var positions: [Position] = []
            var hadCursor = true
            for round in 1...6 {
                positions.append(try await cluster.redis.publish("\(round)", to: "news"))
                try await last.reach(positions[round - 1], in: "news")
                // At least once without a cursor, exactly once with it: what came again is there before what is new.
                let got = try last.messages()[0].compactMap { Int($0.data ?? "") }
                try #require(got.last == round && got == Array(got[0]...round), "\(got)")
                if hadCursor { try #require(got == [round]) }
                let cursor = round % 2 == 0 ? "&cursor=news@\(positions[round - 1])" : ""
                let node = cluster.nodes[round % 3]
                let next = try await socket("/ws?session=\(token)\(cursor)", on: node.port, cluster)
                try await next.opened()
                try #require(try next.received()[0].first?.session == token)
                try await eventually(
                    "the old one is told",
                    isTrue: { try last.received()[0].contains { $0.type == "bye" && $0.code == 4_001 } }
                )
                try await eventually("the old one ends", isTrue: { last.ended().contains { $0.contains("4001") } })
                hadCursor = !cursor.isEmpty
                last = next
            }
            let fields = try await stored(token, on: cluster)
            #expect(fields["node"] == "a")
            // Drawn from the clock of Redis, in microseconds.
            let fence = try #require(fields["fence"].flatMap { UInt64($0) })
            #expect(fence / 1_000 >= positions[0].milliseconds)
        }
    }

    @Test("a client of a node that is killed goes on at another, with nothing but its token")
    func killed() async throws {
        try await Cluster.with { cluster in
            let clients = try await WebSocketClient(
                (0..<20).map { _ in (cluster.nodes[0].port, "/ws?channel=news") },
                in: cluster.scratch
            )
            try await clients.opened()
            var tokens: [String] = []
            for client in 0..<20 { tokens.append(try await token(clients, client)) }
            let seen = try await cluster.redis.publish("seen", to: "news")
            try await clients.reach(seen, in: "news")
            try await eventually(
                "the start is stored",
                isTrue: {
                    for token in tokens where try await stored(token, on: cluster)["@news"] == nil { return false }
                    return true
                }
            )
            try await cluster.nodes[0].kill()
            let missed = try await cluster.redis.publish("missed", to: "news")
            let again = try await WebSocketClient(
                tokens.enumerated().map { (cluster.nodes[1 + $0 % 2].port, "/ws?session=\($1)") },
                in: cluster.scratch
            )
            try await again.reach(missed, in: "news")
            for messages in try again.messages() {
                // What was seen may come again: the node had no time to hear that it was.
                try #require([["missed"], ["seen", "missed"]].contains(messages.compactMap(\.data)))
            }
        }
    }

    @Test("a stopped node that wakes finds its sessions taken over, although it heard of none, and writes nothing")
    func fenced() async throws {
        try await Cluster.with(
            nodes: 2,
            environment: ["PERSEID_LIMITS_CHECKPOINT_MILLISECONDS": "250"]
        ) { cluster in
            let old = try await socket("/ws?channel=news", on: cluster.nodes[0].port, cluster)
            let token = try await token(old)
            try await old.opened()
            // A client may hear that it is subscribed a moment before Redis does.
            try await eventually(
                "its subscription is there",
                isTrue: { try await stored(token, on: cluster)["@news"] != nil }
            )
            cluster.nodes[0].signal(SIGSTOP)
            // What would tell it is lost with its links.
            let ids = try await cluster.redis.command("CLIENT", "LIST")
            let new = try await socket("/ws?session=\(token)", on: cluster.nodes[1].port, cluster)
            try await new.opened()
            let drawn = try await stored(token, on: cluster)["fence"]
            try await cluster.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            let last = try await cluster.redis.publish("last", to: "news")
            cluster.nodes[0].signal(SIGCONT)
            try await new.reach(last, in: "news")
            try await eventually(
                "the old one is told",
                isTrue: { try old.received()[0].contains { $0.type == "bye" && $0.code == 4_001 } }
            )
            let fields = try await stored(token, on: cluster)
            #expect(fields["node"] == "b" && fields["fence"] == drawn && drawn != "1", "\(ids)")
        }
    }

    @Test("a Redis that lost everything gets its sessions back from the nodes that hold them")
    func forgotten() async throws {
        try await Cluster.with(
            nodes: 2,
            environment: ["PERSEID_LIMITS_CHECKPOINT_MILLISECONDS": "250"]
        ) { cluster in
            let client = try await socket("/ws?channel=news&channel=more", on: cluster.nodes[0].port, cluster)
            let token = try await token(client)
            try await client.opened(channels: 2)
            try await cluster.redis.command("FLUSHALL")
            let position = try await cluster.redis.publish("x", to: "news")
            try await client.reach(position, in: "news")
            try await eventually(
                "it is back",
                isTrue: {
                    let fields = try await stored(token, on: cluster)
                    return fields["@news"] == "\(position)" && fields["@more"] != nil
                }
            )
            let again = try await socket("/ws?session=\(token)", on: cluster.nodes[1].port, cluster)
            try await again.opened(channels: 2)
            try await eventually("the old one ends", isTrue: { client.ended().contains { $0.contains("4001") } })
        }
    }

    @Test("while Redis is away clients come without sessions, and who would resume is asked to wait")
    func outage() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let node = cluster.nodes[0]
            let client = try await socket("/ws?channel=news", on: node.port, cluster)
            let token = try await token(client)
            try await client.opened()
            cluster.redis.signal(SIGSTOP)
            try await eventually("node \(node.id) is not ready", isTrue: { await node.readiness == 503 })
            let new = try await socket("/ws?channel=news", on: node.port, cluster)
            try await eventually("it is welcome", isTrue: { try !new.received()[0].isEmpty })
            try #require(try new.received()[0][0].session == nil)
            let late = try await socket("/ws?session=\(token)", on: node.port, cluster)
            try await eventually(
                "it is told to come again",
                isTrue: { try late.received()[0].contains { $0.type == "bye" && $0.code == 4_002 } }
            )
            let answer = try await node.ask("GET", "/poll?session=\(token)")
            #expect(answer.status == 503 && answer.fields["retry-after"] != nil)
            // Any answer but 200 would end a browser's EventSource for good.
            let targets = ["/sse?session=\(token)", "/stream?session=\(token)"]
            let told = try StreamClient(
                targets.map { StreamClient.Stream(port: node.port, target: $0) },
                in: cluster.scratch
            )
            try await eventually(
                "streams without channels are told to come again",
                isTrue: { try told.received().allSatisfy { $0.last?.type == "bye" && $0.last?.code == 4_002 } }
            )
            try await eventually("and end", isTrue: { told.ended().count == 2 })
            #expect(told.ended().allSatisfy { $0.contains("ended: 200") })
            let held = try StreamClient(
                targets.map { StreamClient.Stream(port: node.port, target: "\($0)&channel=news") },
                in: cluster.scratch
            )
            try await eventually(
                "streams with channels are welcome without a session",
                isTrue: { try held.received().allSatisfy { $0.first?.type == "welcome" && $0.first?.session == nil } }
            )
            cluster.redis.signal(SIGCONT)
            try await held.opened()
            #expect(held.ended().isEmpty)
            try await eventually("node \(node.id) is ready", isTrue: { await node.readiness == 200 })
            let again = try await socket("/ws?session=\(token)", on: node.port, cluster)
            try await again.opened()
            #expect(try again.received()[0].first?.session == token)
        }
    }

    @Test("a node that is told to end leaves the last checkpoints and no session of its own behind")
    func drained() async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_LIMITS_DRAIN_MILLISECONDS": "20000"]) { cluster in
            let clients = try await WebSocketClient(
                (0..<50).map { _ in (cluster.nodes[0].port, "/ws?channel=news") },
                in: cluster.scratch
            )
            try await clients.opened()
            var tokens: [String] = []
            for client in 0..<50 { tokens.append(try await token(clients, client)) }
            let poll = try await cluster.nodes[0].ask("GET", "/poll?channel=news&session=\(tokens[0])&cursor=news@1-0")
            #expect(poll.status == 200)
            let last = try await cluster.redis.publish("last", to: "news")
            try await eventually(
                "all but the one that was taken over have it",
                isTrue: { try clients.received().count { $0.contains { $0.position == last } } == 49 }
            )
            #expect(try await cluster.nodes[0].stop() == .exited(0))
            for token in tokens.dropFirst() {
                let fields = try await stored(token, on: cluster)
                try #require(fields["node"] == "" && fields["@news"] == "\(last)", "\(fields)")
            }
            let polled = try await stored(tokens[0], on: cluster)
            #expect(polled["node"] == "" && polled["@news"] != nil)
        }
    }

    // MARK: Affinity

    @Test("behind the balancer a client that shows the cookie polls the node it knows, which has its session in memory")
    func affinity() async throws {
        // A node that is not ready for a moment has its clients sent to others.
        try await Cluster.with(environment: PerseidNode.patience) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let token = try await onThread { [port = balancer.port] in
                var cookie = ""
                var token = ""
                var cursor = ""
                for round in 0..<30 {
                    // A connection each, as HTTP/1.0 clients and impatient proxies have.
                    let connection = try HTTPConnection(port: port)
                    let target = round == 0 ? "/poll?channel=news" : "/poll?session=\(token)&cursor=\(cursor)"
                    let isAnswered = Atomic<Bool>(false)
                    let publisher = Thread {
                        // Again and again: the first may be there before the poll is.
                        while !isAnswered.load(ordering: .acquiring) {
                            _ = try? HTTPConnection(port: port).request("POST", "/channels/news", body: "\(round)")
                            usleep(5_000)
                        }
                    }
                    publisher.start()
                    defer { isAnswered.store(true, ordering: .releasing) }
                    let answer = try connection.request("GET", target, fields: round == 0 ? [:] : ["Cookie": cookie])
                    try #require(answer.status == 200)
                    if round == 0 {
                        cookie = String(answer.fields["set-cookie"]?.prefix { $0 != ";" } ?? "")
                        token = answer.fields["perseid-session"] ?? ""
                    } else {
                        try #require(answer.fields["set-cookie"] == nil, "it stays where it is")
                    }
                    cursor = answer.json["cursor"] as? String ?? ""
                }
                return token
            }
            let counts = try await counts(cluster)
            #expect(counts.found == 29 && counts.resumed == 0)
            #expect(try await stored(token, on: cluster)["fence"] == "1")
        }
    }

    @Test("without the cookie every poll may come to another node, which takes the session over; nothing is lost")
    func withoutAffinity() async throws {
        // What is refused has a number, too.
        try await Cluster.with(environment: PerseidNode.patience) { cluster in
            let publisher = Publisher(to: "news", on: cluster.nodes[0])
            try await publisher.acknowledge(more: 1)
            let ports = cluster.nodes.map(\.port)
            // Round robin for every request, as a balancer without stickiness does it.
            let payloads = try await onThread {
                var payloads: [String] = []
                let first = try HTTPConnection(port: ports[0]).request("GET", "/poll?channel=news")
                let token = first.fields["perseid-session"] ?? ""
                var answer = first
                for round in 1...60 {
                    let items = answer.json["publications"] as? [[String: Any]] ?? []
                    payloads += items.compactMap { $0["data"] as? String }
                    try #require(answer.json["recovered"] as? Bool != false)
                    let cursor = answer.json["cursor"] as? String ?? ""
                    let connection = try HTTPConnection(port: ports[round % 3])
                    answer = try connection.request("GET", "/poll?session=\(token)&cursor=\(cursor)")
                    try #require(answer.status == 200)
                    let cookie = answer.fields["set-cookie"] ?? ""
                    try #require(cookie.hasPrefix("perseid_node=\(["a", "b", "c"][round % 3]);"), "it is renewed")
                }
                return payloads
            }
            try await publisher.stop()
            let numbers = payloads.compactMap { Int($0.dropFirst(2)) }
            #expect(numbers.count == payloads.count && numbers.count > 30)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 }, "\(numbers)")
            let counts = try await counts(cluster)
            #expect(counts.found == 0 && counts.resumed == 60)
        }
    }

    private func counts(_ cluster: Cluster) async throws -> (found: Int, resumed: Int) {
        var counts = (found: 0, resumed: 0)
        for node in cluster.nodes {
            counts.found += try await node.metric("perseid_sessions_found_total") ?? 0
            counts.resumed += try await node.metric("perseid_sessions_resumed_total") ?? 0
        }
        return counts
    }
}
