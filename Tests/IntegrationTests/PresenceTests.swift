import Broker
import Foundation
import Testing

/// Who is there, told alike by every node, whatever happens to the others.
@Suite struct PresenceTests {
    private static let environment = [
        "PERSEID_PRESENCE": "room/**", "PERSEID_LIMITS_PRESENCE_LEASE_MILLISECONDS": "3000",
        "PERSEID_LIMITS_RESUME_MILLISECONDS": "120000",
    ]

    private func memberNodes(_ node: PerseidNode) async throws -> [String: String] {
        let answer = try await node.ask("GET", "/channels/room%2F1/presence")
        let list = try #require(answer.json["members"] as? [[String: Any]], "\(answer.status) \(answer.body)")
        return Dictionary(
            uniqueKeysWithValues: list.map { ($0["id"] as? String ?? "", $0["node"] as? String ?? "") }
        )
    }

    /// Joins and leaves as a watcher was told, each as its event and the member.
    private func events(_ watcher: WebSocketClient) throws -> [String] {
        try watcher.messages()[0].compactMap { message in
            guard let data = message.data?.data(using: .utf8),
                let fields = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { return nil }
            return "\(fields["event"] ?? "") \(fields["id"] ?? "")"
        }
    }

    @Test("members of all nodes; those of a killed node are gone with their lease, and each is told of once")
    func killed() async throws {
        // More than a node stands still on a busy machine.
        let lease = Duration.seconds(6)
        let environment = Self.environment.merging(
            ["PERSEID_LIMITS_PRESENCE_LEASE_MILLISECONDS": "\(lease.components.seconds * 1_000)"],
            uniquingKeysWith: { $1 }
        )
        try await Cluster.with(environment: environment) { cluster in
            let watchers = try await WebSocketClient(
                cluster.nodes[1...].map { ($0.port, "/ws?channel=$presence/room/1") },
                in: cluster.scratch
            )
            try await watchers.opened()
            let clients = try await WebSocketClient(
                cluster.nodes.flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=room/1") } },
                in: cluster.scratch
            )
            try await clients.opened()
            for node in cluster.nodes {
                let members = try await eventually("all are there") {
                    let members = try await memberNodes(node)
                    return members.count == 12 ? members : nil
                }
                try #require(Set(members.values) == ["a", "b", "c"])
            }
            try await cluster.nodes[0].kill()
            let begin = ContinuousClock.now
            try await eventually(
                "only the living are there",
                isTrue: { try await memberNodes(cluster.nodes[1]).count == 8 }
            )
            // Before that its leases hold; a third of one passes until somebody looks.
            try #require(ContinuousClock.now - begin < lease * 4 / 3 + .seconds(15))
            try await eventually("leaves are told", isTrue: { try events(watchers).count == 12 + 4 })
            try await Task.sleep(for: lease / 2)
            let told = try events(watchers)
            try #require(told.count == 16 && Set(told).count == 16, "\(told)")
            try #require(try await memberNodes(cluster.nodes[2]).count == 8)
        }
    }

    @Test("nobody is said to have come or gone when Redis was away for longer than a lease; who is gone is told still")
    func outage() async throws {
        let lease = Duration.seconds(6)
        let environment = Self.environment.merging(
            [
                "PERSEID_LIMITS_PRESENCE_LEASE_MILLISECONDS": "\(lease.components.seconds * 1_000)",
                // The links stay, so that the watcher hears all that is told when Redis goes on.
                "PERSEID_LIMITS_REDIS_MILLISECONDS": "60000",
            ],
            uniquingKeysWith: { $1 }
        )
        // The leases of some have ended by then, or those of all.
        for outage in [lease * 5 / 6, lease * 4 / 3] {
            try await Cluster.with(environment: environment) { cluster in
                let (redis, nodes) = (cluster.redis, cluster.nodes)
                let watcher = try await WebSocketClient(
                    [(nodes[2].port, "/ws?channel=$presence/room/1")],
                    in: cluster.scratch
                )
                try await watcher.opened()
                let clients = try await WebSocketClient(
                    nodes[..<2].flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=room/1") } },
                    in: cluster.scratch
                )
                try await clients.opened()
                try await eventually("joins are told", isTrue: { try events(watcher).count == 8 })
                redis.signal(SIGSTOP)
                try await Task.sleep(for: outage)
                redis.signal(SIGCONT)
                for node in nodes { try await node.becomeReady() }
                // By then all were looked at again, and whoever was thought to be gone would have been told of.
                try await Task.sleep(for: lease * 4 / 3)
                let told = try events(watcher)
                try #require(told.count == 8, "after \(outage): \(told.dropFirst(8))")
                try #require(try await memberNodes(nodes[2]).count == 8)
                try await nodes[0].kill()
                try await eventually("leaves are told", isTrue: { try events(watcher).count == 8 + 4 })
                try #require(try events(watcher).dropFirst(8).allSatisfy { $0.hasPrefix("leave ") })
            }
        }
    }

    @Test("a session that goes from node to node is one member and never gone")
    func resumes() async throws {
        // A lease outlasts the time in which a client is started, on a machine where everything takes ten times as long.
        let lease = Duration.seconds(10)
        let environment = Self.environment.merging(
            ["PERSEID_LIMITS_PRESENCE_LEASE_MILLISECONDS": "\(lease.components.seconds * 1_000)"],
            uniquingKeysWith: { $1 }
        )
        try await Cluster.with(environment: environment) { cluster in
            let watcher = try await WebSocketClient(
                [(cluster.nodes[2].port, "/ws?channel=$presence/room/1")],
                in: cluster.scratch
            )
            try await watcher.opened()
            let first = try await WebSocketClient([(cluster.nodes[0].port, "/ws?channel=room/1")], in: cluster.scratch)
            try await first.opened()
            let token = try #require(try first.received()[0].first?.session)
            // Cut off, taken over while it lives, and cut off again with its node.
            try await first.close()
            let second = try await WebSocketClient(
                [(cluster.nodes[1].port, "/ws?session=\(token)")],
                in: cluster.scratch
            )
            try await second.opened()
            let third = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?session=\(token)")],
                in: cluster.scratch
            )
            try await third.opened()
            try await cluster.nodes[0].kill()
            let fourth = try await WebSocketClient(
                [(cluster.nodes[1].port, "/ws?session=\(token)")],
                in: cluster.scratch
            )
            try await fourth.opened()
            // Longer than a lease: whoever is forgotten would be gone by now.
            try await Task.sleep(for: lease + .seconds(2))
            let told = try events(watcher)
            try #require(told.count == 1, "\(told)")
            try #require(Array(try await memberNodes(cluster.nodes[2]).values) == ["b"])
            try await fourth.close()
        }
    }
}
