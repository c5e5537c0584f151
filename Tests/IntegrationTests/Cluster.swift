import Foundation
import Testing

/// Redis and the nodes of one test.
final class Cluster: Sendable {
    let scratch: Scratch
    let redis: RedisServer
    let nodes: [PerseidNode]

    private init(_ scratch: Scratch, _ redis: RedisServer, _ nodes: [PerseidNode]) {
        self.scratch = scratch
        self.redis = redis
        self.nodes = nodes
    }

    /// Starts a cluster, lends it, and ends it, whatever happened; nodes that the test left running must end in order.
    /// If it failed, says what its nodes logged. `redisUser` is as in a URL.
    static func with(
        nodes count: Int = 3,
        keepsData: Bool = false,
        environment: [String: String] = [:],
        redisOptions: [String] = [],
        redisUser: String? = nil,
        database: Int = 0,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (Cluster) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(keepsData: keepsData, options: redisOptions, in: scratch)
        let url = "redis://\(redisUser.map { "\($0)@" } ?? "")127.0.0.1:\(redis.port)/\(database)"
        var nodes: [PerseidNode] = []
        for id in ["a", "b", "c"].prefix(count) {
            nodes.append(try await PerseidNode(id: id, redis: url, environment: environment, in: scratch))
        }
        let cluster = Cluster(scratch, redis, nodes)
        do {
            try await body(cluster)
            try await cluster.stop()
        } catch {
            for node in nodes { Issue.record("node \(node.id) logged:\n\(node.log.suffix(4_000))") }
            throw error
        }
    }

    private func stop() async throws {
        for node in nodes where node.isRunning {
            node.signal(SIGTERM)
        }
        for node in nodes {
            let ending = try await node.stop()
            try #require(ending == .exited(0) || ending == .signalled(SIGKILL), "node \(node.id)")
        }
    }
}
