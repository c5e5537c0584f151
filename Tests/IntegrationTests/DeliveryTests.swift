import Broker
import Foundation
import Testing

/// Publish anywhere, delivered everywhere.
@Suite struct DeliveryTests {
    @Test("300 clients behind the balancer get what is published in any way, once and in order")
    func everyWayToEveryone() async throws {
        try await Cluster.with(environment: PerseidNode.patience) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let sockets = try await WebSocketClient(
                (0..<150).map { _ in (balancer.port, "/ws?channel=all") },
                in: cluster.scratch
            )
            let streams = try StreamClient(
                (0..<150).map { _ in StreamClient.Stream(port: balancer.port, target: "/sse?channel=all") },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await streams.opened()
            for listeners in [sockets, streams] as [any Listeners] {
                let nodes = try listeners.received().compactMap { $0.first { $0.type == "welcome" }?.node }
                for node in cluster.nodes { try #require(nodes.count { $0 == node.id } >= 30) }
            }

            try await publishInEveryWay(cluster, count: 10)

            let head = try await cluster.redis.head(of: "all")
            let verifier = try await Verifier("all", on: cluster.redis)
            for listeners in [sockets, streams] as [any Listeners] {
                try await listeners.reach(head, in: "all")
                try await eventually(
                    "everyone has the live messages",
                    isTrue: {
                        try listeners.messages().allSatisfy { $0.count { $0.position == nil } >= 10 }
                    }
                )
                try verifier.checkChains(try listeners.received())
                for messages in try listeners.messages() {
                    try #require(messages.count == 80)
                    let live = messages.filter { $0.position == nil }.compactMap(\.data)
                    try #require(live == (0..<10).map { "live-\($0)" })
                }
                try #require(listeners.ended() == [])
            }
            for messages in try streams.messages() {
                for message in messages.compactMap({ $0 }) where message.position != nil {
                    try #require(message.cursor == "all@\(message.position!)")
                }
            }
        }
    }

    /// Seven publishers at once: HTTP and WebSocket on each node, the function in Redis; and a plain PUBLISH.
    private func publishInEveryWay(_ cluster: Cluster, count: Int) async throws {
        let publishers = try await WebSocketClient(cluster.nodes.map { ($0.port, "/ws") }, in: cluster.scratch)
        try await eventually(
            "publishers are welcome",
            isTrue: {
                try publishers.received().allSatisfy { !$0.isEmpty }
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, node) in cluster.nodes.enumerated() {
                group.addTask {
                    for number in 0..<count {
                        let answer = try await node.ask("POST", "/channels/all", body: "http-\(node.id)-\(number)")
                        try #require(answer.status == 200)
                    }
                }
                group.addTask {
                    for number in 0..<count {
                        let data = "socket-\(node.id)-\(number)"
                        let command = #"{"type":"publish","id":\#(number),"channel":"all","data":"\#(data)"}"#
                        try publishers.send(command, on: index)
                    }
                }
            }
            group.addTask {
                for number in 0..<count { _ = try await cluster.redis.publish("function-\(number)", to: "all") }
            }
            group.addTask {
                for number in 0..<count {
                    try await cluster.redis.command("PUBLISH", RedisServer.key("all"), "live-\(number)")
                }
            }
            try await group.waitForAll()
        }
        try await eventually(
            "all is published over WebSockets",
            isTrue: {
                try publishers.received().allSatisfy { $0.count { $0.type == "published" } == count }
            }
        )
    }

    @Test("who comes or comes back in the middle of it all has an unbroken chain from there on")
    func joinWhilePublishing() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let channels = (0..<10).map { "race-\($0)" }
            var first: [String: Position] = [:]
            for channel in channels { first[channel] = try await cluster.redis.publish("first", to: channel) }
            let direct = try DirectPublisher(to: channels, on: cluster.redis, in: cluster.scratch)

            // The first and the second subscriber of each channel on each node, new ones and such that come back.
            let streams = try StreamClient(
                cluster.nodes.flatMap { node in
                    channels.flatMap { channel in
                        [nil, "\(channel)@\(first[channel]!)"].map {
                            StreamClient.Stream(port: node.port, target: "/sse?channel=\(channel)", lastEventID: $0)
                        }
                    }
                },
                in: cluster.scratch
            )
            let sockets = try await WebSocketClient(
                cluster.nodes.flatMap { node in
                    channels.flatMap { channel in
                        ["", "&cursor=\(channel)@\(first[channel]!)"].map { (node.port, "/ws?channel=\(channel)\($0)") }
                    }
                },
                in: cluster.scratch
            )
            try await streams.opened()
            try await sockets.opened()
            try await direct.stop()

            for channel in channels {
                let last = try await cluster.redis.publish("last", to: channel)
                let verifier = try await Verifier(channel, on: cluster.redis)
                for listeners in [streams, sockets] as [any Listeners] {
                    try await eventually(
                        "all have the last of \(channel)",
                        isTrue: {
                            try listeners.received().filter { $0.contains { $0.channel == channel } }
                                .allSatisfy { $0.last?.position == last }
                        }
                    )
                    let received = try listeners.received().filter { $0.contains { $0.channel == channel } }
                    try #require(received.count == 4)
                    try verifier.checkChains(received)
                    let recovered = received.compactMap { $0.first { $0.type == "subscribed" }?.recovered }
                    try #require(recovered == [true, true])
                }
            }
        }
    }

    @Test("an inbox that is full loses nothing")
    func fullInbox() async throws {
        try await Cluster.with(nodes: 1, environment: ["PERSEID_LIMITS_INBOX_DEPTH_MAX": "4"]) { cluster in
            let node = cluster.nodes[0]
            let streams = try StreamClient(
                (0..<20).map { _ in StreamClient.Stream(port: node.port, target: "/sse?channel=burst") },
                in: cluster.scratch
            )
            try await streams.opened()
            // Published while the node stands still, so that it hears them all in one turn.
            node.signal(SIGSTOP)
            let key = RedisServer.key("burst")
            let commands = (0..<2_000).map { "FCALL perseid_publish 1 \(key) burst-\($0) HISTORY 100000" }
            let burst = try ChildProcess(["redis-cli", "-p", "\(cluster.redis.port)"], in: cluster.scratch)
            try burst.tell(commands[..<1_000].joined(separator: "\n"))
            try burst.tell(commands[1_000...].joined(separator: "\n"))
            burst.endInput()
            try await burst.end()
            node.signal(SIGCONT)

            let last = try await cluster.redis.publish("last", to: "burst")
            try await streams.reach(last, in: "burst")
            try await Verifier("burst", on: cluster.redis).checkChains(try streams.received())
            try #require(try await node.metric("perseid_inbox_overflows_total") ?? 0 > 0)
        }
    }
}
