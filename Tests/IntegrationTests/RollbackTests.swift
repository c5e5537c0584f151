import Broker
import Foundation
import Testing

/// A Redis that loses what it acknowledged, as a fail-over to a replica that was behind does.
@Suite struct RollbackTests {
    @Test("every subscriber that had what was lost is told so, on each node and transport; nobody goes on in silence")
    func rolledBack() async throws {
        try await Cluster.with(keepsData: true) { cluster in
            let redis = cluster.redis
            for number in 0..<20 { _ = try await redis.publish("kept-\(number)", to: "news") }
            let kept = try await redis.head(of: "news")
            let backup = cluster.scratch.file("backup")
            try await redis.kill()
            try FileManager.default.copyItem(at: redis.data, to: backup)
            try await redis.start()
            try await becomeReady(cluster)

            let sockets = try await WebSocketClient(
                cluster.nodes.flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=news") } },
                in: cluster.scratch
            )
            let streams = try StreamClient(
                cluster.nodes.flatMap { node in
                    ["/sse", "/sse", "/stream", "/stream"].map {
                        StreamClient.Stream(port: node.port, target: "\($0)?channel=news")
                    }
                },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await streams.opened()
            var lost: [Position] = []
            for number in 0..<5 { lost.append(try await redis.publish("lost-\(number)", to: "news")) }
            try await sockets.reach(lost[4], in: "news")
            try await streams.reach(lost[4], in: "news")

            try await redis.kill()
            try FileManager.default.removeItem(at: redis.data)
            try FileManager.default.copyItem(at: backup, to: redis.data)
            try await redis.start()
            try await becomeReady(cluster)
            // Not by what is published next, but as soon as the nodes look.
            for listeners in [sockets, streams] as [any Listeners] {
                try await eventually(
                    "everybody is told",
                    isTrue: { try listeners.received().allSatisfy { $0.contains { $0.gap != nil } } }
                )
                for received in try listeners.received() {
                    let gaps = received.compactMap(\.gap)
                    try #require(gaps.count == 1 && gaps[0].from == lost[4] && gaps[0].to == kept)
                }
            }
            let last = try await redis.publish("last", to: "news")
            try await sockets.reach(last, in: "news")
            try await streams.reach(last, in: "news")
            let verifier = try await Verifier("news", on: redis)
            for listeners in [sockets, streams] as [any Listeners] {
                try verifier.checkChains(try listeners.received(), gapsAllowed: true)
                try #require(listeners.ended() == [])
            }
            try await checkCursors(lost, on: cluster)
        }
    }

    /// Who comes back from what was lost is told, too, wherever it comes.
    private func checkCursors(_ lost: [Position], on cluster: Cluster) async throws {
        for node in cluster.nodes {
            let clients = try await WebSocketClient(
                lost.map { (node.port, "/ws?channel=news&cursor=news@\($0)") },
                in: cluster.scratch
            )
            try await clients.opened()
            for received in try clients.received() {
                try #require(received.first { $0.type == "subscribed" }?.recovered == false)
            }
            let poll = try await node.ask("GET", "/poll?channel=news&cursor=news@\(lost[2])")
            try #require(poll.json["recovered"] as? Bool == false)
            try #require((poll.json["gaps"] as? [Any])?.count == 1)
        }
    }

    private func becomeReady(_ cluster: Cluster) async throws {
        for node in cluster.nodes {
            try await eventually("node \(node.id) is ready again", isTrue: { await node.readiness == 200 })
        }
    }
}
