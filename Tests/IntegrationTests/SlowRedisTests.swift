import Foundation
import Testing

@Suite("Redis that is slow")
struct SlowRedisTests {
    private static let streamCount = 20
    private static let channelsOfEach = 100

    @Test(
        "nodes that lose their links to a Redis that is slow come back by themselves, and read each channel a few times at most"
    )
    func comesBack() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let channels = (0..<Self.streamCount).map { stream in
                (0..<Self.channelsOfEach).map { "slow-\(stream)-\($0)" }
            }
            let streams = try StreamClient(
                cluster.nodes.flatMap { node in
                    channels.map {
                        StreamClient.Stream(
                            port: node.port,
                            target: "/sse?channel=" + $0.joined(separator: "&channel=")
                        )
                    }
                },
                in: cluster.scratch
            )
            try await streams.opened(channels: Self.channelsOfEach)
            var reads: [Int] = []
            for node in cluster.nodes { reads.append(try await node.metric("perseid_history_reads_total") ?? 0) }

            let redis = cluster.redis
            try await redis.command("CLIENT", "KILL", "TYPE", "normal")
            try await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            try await Self.whileSlow(redis) {
                for node in cluster.nodes {
                    try await eventually(
                        "node \(node.id) has lost its links",
                        isTrue: { try await node.metric("perseid_backplane_losses_total") ?? 0 >= 2 }
                    )
                    try await eventually("node \(node.id) is whole again", isTrue: { try await Self.isWhole(node) })
                }
            }
            for (node, before) in zip(cluster.nodes, reads) {
                let count = (try await node.metric("perseid_history_reads_total") ?? 0) - before
                let all = Self.streamCount * Self.channelsOfEach
                #expect((all...3 * all).contains(count), "\(count) reads of \(all) channels")
            }
            let last = try await redis.publish("last", to: "slow-7-7")
            try await eventually(
                "both nodes tell of it",
                isTrue: {
                    try streams.messages().count { $0.contains { $0.position == last } } == cluster.nodes.count
                }
            )
        }
    }

    /// Has it run for a thirtieth of the time: ten milliseconds, or half of that of its own where others have the processors.
    private static func whileSlow(
        _ redis: RedisServer,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Void
    ) async throws {
        let brake = Task {
            while !Task.isCancelled {
                redis.signal(SIGSTOP)
                try? await Task.sleep(for: .milliseconds(290))
                let before = redis.work?.nanoseconds ?? 0
                redis.signal(SIGCONT)
                repeat {
                    try? await Task.sleep(for: .milliseconds(10))
                } while !Task.isCancelled
                    && redis.work.map { $0.isBusy && $0.nanoseconds < before + 5_000_000 } ?? false
            }
        }
        // It lets go of Redis itself when it ends.
        defer { brake.cancel() }
        try await body()
    }

    private static func isWhole(_ node: PerseidNode) async throws -> Bool {
        guard await node.readiness == 200 else { return false }
        let unheard = try await node.metric("perseid_redis_channels_unheard")
        let unread = try await node.metric("perseid_redis_channels_unread")
        return unheard == 0 && unread == 0
    }
}
