import Foundation
import Testing

/// Polls carry all that is known of them, so it does not matter where they are answered.
@Suite struct PollTests {
    @Test("polls go round the nodes with their cursor, and miss nothing when a node is killed")
    func roundTheNodes() async throws {
        try await Cluster.with(environment: PerseidNode.patience) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let start = try await cluster.redis.publish("start", to: "news")
            let publisher = Publisher(to: "news", on: cluster.nodes[0])
            var poller = Poller(port: balancer.port, channel: "news", cursor: "news@\(start)")

            for _ in 0..<30 { try await poller.poll() }
            try await cluster.nodes[1].kill()
            for _ in 0..<30 { try await poller.poll() }
            try await publisher.stop()
            let record = publisher.record
            let expected = record.acknowledged.map(\.payload)
            while poller.received.count < expected.count { try await poller.poll() }

            try #require(record.odd.isEmpty && record.refused == 0)
            try #require(poller.received == expected)
            try #require(!poller.hasGap)
            for node in [cluster.nodes[0], cluster.nodes[2]] {
                let deliveries = try await node.metric("perseid_deliveries_total") ?? 0
                try #require(deliveries > 0, "the balancer left node \(node.id) alone")
            }
        }
    }
}

/// A client that polls again and again, each time on a connection of its own, and repeats what got no answer.
private struct Poller {
    let port: UInt16
    let channel: String
    var cursor: String
    private(set) var received: [String] = []
    private(set) var hasGap = false

    init(port: UInt16, channel: String, cursor: String) {
        self.port = port
        self.channel = channel
        self.cursor = cursor
    }

    mutating func poll() async throws {
        let target = "/poll?channel=\(channel)&cursor=\(cursor)"
        let port = port
        let answer = try await eventually("a poll is answered") {
            let answer = try? await HTTPConnection.ask("GET", target, port: port)
            return answer?.status == 200 ? answer : nil
        }
        let json = answer.json
        let publications = try #require(json["publications"] as? [[String: Any]])
        received += publications.compactMap { $0["data"] as? String }
        cursor = try #require(json["cursor"] as? String)
        if json["recovered"] as? Bool != true { hasGap = true }
    }
}
