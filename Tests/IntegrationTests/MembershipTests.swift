import Foundation
import Testing

/// Nodes that come and go, and what the cluster knows of their subscribers.
@Suite struct MembershipTests {
    @Test("subscribers are counted on all nodes, and no longer on one that died")
    func counts() async throws {
        let environment = ["PERSEID_LIMITS_COUNT_LEASE_MILLISECONDS": "1500"]
        try await Cluster.with(environment: environment) { cluster in
            let sockets = try await WebSocketClient(
                cluster.nodes.flatMap { node in (0..<5).map { _ in (node.port, "/ws?channel=news") } },
                in: cluster.scratch
            )
            let streams = try StreamClient(
                cluster.nodes.prefix(2).flatMap { node in
                    (0..<5).map { _ in StreamClient.Stream(port: node.port, target: "/sse?channel=news&channel=other") }
                },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await streams.opened(channels: 2)
            for node in cluster.nodes {
                try await expect(node, counts: 25, on: 3, of: "news")
                try await expect(node, counts: 10, on: 2, of: "other")
                try await expect(node, counts: 0, on: 0, of: "nobody")
            }
            // Leases are renewed: the counts are still there when each has run out once.
            try await Task.sleep(for: .milliseconds(2_000))
            try await expect(cluster.nodes[2], counts: 25, on: 3, of: "news")

            try await cluster.nodes[0].kill()
            let killed = ContinuousClock.now
            try await expect(cluster.nodes[2], counts: 15, on: 2, of: "news")
            // Its lease is over after 1.5 s; the default of 30 s would be seen, and so would a connection that is waited for.
            try #require(ContinuousClock.now - killed < .seconds(20))
            try await streams.close()
            try await expect(cluster.nodes[2], counts: 10, on: 2, of: "news")
            try await expect(cluster.nodes[1], counts: 0, on: 0, of: "other")
        }
    }

    @Test("Redis says which nodes live, what they are, and no longer of one that ended or died")
    func nodes() async throws {
        // Three times as long as a node stands still on a busy machine: it says that it lives in each third of it.
        let environment = ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "6000"]
        try await Cluster.with(environment: environment) { cluster in
            func facts(_ node: PerseidNode) async throws -> [String: Any]? {
                let text = try await cluster.redis.command("GET", "perseid:node:\(node.id)")
                return try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            }
            for node in cluster.nodes {
                try await eventually("node \(node.id) is listed", isTrue: { try await facts(node) != nil })
                #expect(try await facts(node)?["listen"] as? String == "127.0.0.1:\(node.port)")
            }
            try #require(try await cluster.nodes[0].stop() == .exited(0))
            #expect(try await facts(cluster.nodes[0]) == nil, "at once")
            try await cluster.nodes[1].kill()
            try await eventually("its lease ends", isTrue: { try await facts(cluster.nodes[1]) == nil })
            try await Task.sleep(for: .milliseconds(7_000))
            #expect(try await facts(cluster.nodes[2]) != nil, "a lease is renewed")
        }
    }

    @Test("a second living node with one name refuses to start, and the first goes on")
    func sameName() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let first = cluster.nodes[0]
            let second = try PerseidNode(id: "a", redis: cluster.redis.url, startedIn: cluster.scratch)
            try await eventually("the second ends", isTrue: { !second.isRunning })
            try #require(try await second.stop() == .exited(1))
            try #require(second.log.contains("another node lives by this name"))
            try #require(await first.readiness == 200)
            try #require(try await first.ask("POST", "/channels/news", body: "x").status == 200)
            // One that was killed is followed at once, though its lease has not run out.
            try await first.kill()
            let third = try await PerseidNode(id: "a", redis: cluster.redis.url, in: cluster.scratch)
            try #require(try await third.stop() == .exited(0))
        }
    }

    @Test("a node that was out of sight until another took its name is not ready for as long as that one lives")
    func nameTaken() async throws {
        // Three times as long as a node stands still on a busy machine, as above: the second one must not lose the name.
        let environment = ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "6000"]
        try await Cluster.with(nodes: 1, environment: environment) { cluster in
            let first = cluster.nodes[0]
            first.signal(SIGSTOP)
            try await eventually(
                "its lease ends",
                isTrue: { try await cluster.redis.command("EXISTS", "perseid:node:a") == "0" }
            )
            let second = try await PerseidNode(
                id: "a",
                redis: cluster.redis.url,
                environment: environment,
                in: cluster.scratch
            )
            first.signal(SIGCONT)
            try await eventually("the first is not ready", isTrue: { await first.readiness == 503 })
            try await eventually(
                "it says why",
                isTrue: { first.log.contains("another node lives by this name") }
            )
            try #require(await second.readiness == 200)
            try #require(try await second.stop() == .exited(0))
            try await first.becomeReady()
        }
    }

    private func expect(_ node: PerseidNode, counts: Int, on nodes: Int, of channel: String) async throws {
        try await eventually(
            "node \(node.id) counts \(counts) on \(nodes) of \(channel)",
            isTrue: {
                let facts = try await node.ask("GET", "/channels/\(channel)").json
                return facts["subscribers"] as? Int == counts && facts["nodes"] as? Int == nodes
            }
        )
    }

    @Test("a node that is told to end says goodbye, and its clients go on elsewhere")
    func goodbye() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let leaving = cluster.nodes[0]
            let sockets = try await WebSocketClient(
                (0..<5).map { _ in (leaving.port, "/ws?channel=news") },
                in: cluster.scratch
            )
            let streams = try StreamClient(
                (0..<5).map { _ in StreamClient.Stream(port: leaving.port, target: "/sse?channel=news") },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await streams.opened()
            let last = try await cluster.redis.publish("before", to: "news")
            try await streams.reach(last, in: "news")
            try await sockets.reach(last, in: "news")

            let begun = ContinuousClock.now
            try #require(try await leaving.stop() == .exited(0))
            // It does not wait for the end of its drain window.
            try #require(ContinuousClock.now - begun < .seconds(15))
            try await eventually(
                "all connections ended",
                isTrue: {
                    sockets.ended().count == 5 && streams.ended().count == 5
                }
            )
            try #require(sockets.ended().allSatisfy { $0.contains("4000") })
            for received in try sockets.received() + streams.received() {
                try #require(received.last?.type == "bye")
                try #require(received.last?.code == 4_000)
            }
            // Its subscribers do not linger in the counts.
            try await expect(cluster.nodes[1], counts: 0, on: 0, of: "news")

            _ = try await cluster.redis.publish("meanwhile", to: "news")
            let back = try StreamClient(
                try streams.cursors().map {
                    StreamClient.Stream(port: balancer.port, target: "/sse?channel=news", lastEventID: $0)
                },
                in: cluster.scratch
            )
            try await back.opened()
            try await eventually(
                "each has what it missed",
                isTrue: {
                    try back.messages().allSatisfy { $0.map(\.data) == ["meanwhile"] }
                }
            )
        }
    }

    @Test("a node that lets its clients go turns newcomers away at once")
    func turnsAway() async throws {
        try await Cluster.with(nodes: 1, environment: ["PERSEID_LIMITS_CLOSE_MILLISECONDS": "20000"]) { cluster in
            let node = cluster.nodes[0]
            let stream = try StreamClient(
                [StreamClient.Stream(port: node.port, target: "/sse?channel=news")],
                in: cluster.scratch
            )
            try await stream.opened()
            // A client that does not let go itself holds the node for a while.
            stream.signal(SIGSTOP)
            node.signal(SIGTERM)
            let port = node.port
            try await eventually(
                "nobody is let in",
                within: .seconds(10),
                isTrue: {
                    try await onThread { (try? HTTPConnection(port: port)) == nil }
                }
            )
            try #require(node.isRunning)
            stream.signal(SIGKILL)
            try #require(try await node.stop() == .exited(0))
        }
    }
}
