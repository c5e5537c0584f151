import Broker
import Foundation
import Testing

/// Redis fails in every way it can while publishers and subscribers go on.
@Suite(.serialized) struct FaultTests {
    /// What happens to Redis.
    enum Fault: String, CaseIterable {
        case crashThatKeepsData
        case crashThatLosesData
        case killedSubscriptions
        case killedCommands
        case pause
        case stop
        case flushedData
        case flushedFunctions

        /// Redis is away for long enough that nodes and publishers must notice.
        var isOutage: Bool {
            switch self {
            case .crashThatKeepsData, .crashThatLosesData, .pause, .stop: true
            case .killedSubscriptions, .killedCommands, .flushedData, .flushedFunctions: false
            }
        }

        var losesData: Bool { self == .crashThatLosesData || self == .flushedData }

        /// Links are lost.
        var cutsLinks: Bool { self != .flushedData && self != .flushedFunctions }
    }

    @Test("subscribers and publishers come through", arguments: Fault.allCases)
    func comeThrough(_ fault: Fault) async throws {
        let patience = fault.isOutage ? [:] : PerseidNode.patience
        try await Cluster.with(keepsData: fault == .crashThatKeepsData, environment: patience) { cluster in
            // Two at a time on each reactor, on each transport.
            let sockets = try await WebSocketClient(
                cluster.nodes.flatMap { node in (0..<4).map { _ in (node.port, "/ws?channel=news") } },
                in: cluster.scratch
            )
            let streams = try StreamClient(
                cluster.nodes.flatMap { node in
                    (0..<4).map { _ in StreamClient.Stream(port: node.port, target: "/sse?channel=news") }
                },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await streams.opened()
            let direct = try DirectPublisher(to: ["news"], on: cluster.redis, in: cluster.scratch)
            let publishers = cluster.nodes.map { Publisher(to: "news", on: $0) }
            for publisher in publishers { try await publisher.acknowledge(more: 10) }

            let loss = try await happen(fault, to: cluster, publishers)
            for node in cluster.nodes {
                try await eventually("node \(node.id) is ready again", isTrue: { await node.readiness == 200 })
            }
            for publisher in publishers { try await publisher.acknowledge(more: 10) }
            for publisher in publishers { try await publisher.stop() }
            try await direct.stop()
            let last = try await cluster.redis.publish("last", to: "news")
            try await sockets.reach(last, in: "news")
            try await streams.reach(last, in: "news")

            let verifier = try await Verifier("news", on: cluster.redis)
            for listeners in [sockets, streams] as [any Listeners] {
                let received = try listeners.received()
                try verifier.checkChains(received, gapsAllowed: fault.losesData)
                if fault.losesData { try #require(received.allSatisfy { $0.contains { $0.type == "gap" } }) }
                try #require(listeners.ended() == [])
            }
            let records = publishers.map(\.record)
            try verifier.checkAcknowledged(records, after: loss)
            try #require(records.flatMap(\.odd) == [])
            for record in records where fault.isOutage { try #require(record.refused > 0) }
            for node in cluster.nodes {
                let losses = try #require(try await node.metric("perseid_backplane_losses_total"))
                try #require((losses > 0) == fault.cutsLinks)
            }
        }
    }

    /// Makes it happen and waits until all nodes know, where they must. Returns the position up to which data is lost.
    private func happen(_ fault: Fault, to cluster: Cluster, _ publishers: [Publisher]) async throws -> Position {
        let redis = cluster.redis
        switch fault {
        case .crashThatKeepsData, .crashThatLosesData:
            try await redis.kill()
            try await outage(of: cluster, publishers)
            let loss = fault.losesData ? Position(milliseconds: Self.nowMilliseconds, sequence: 0) : .start
            try await redis.start()
            return loss
        case .killedSubscriptions:
            try await cut(cluster, "pubsub")
            // A node may have its link back before the next publication: then it is cut once more.
            try await eventually(
                "each node had a gap to fill",
                isTrue: {
                    for node in cluster.nodes where try await node.metric("perseid_gaps_filled_total") ?? 0 == 0 {
                        try await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                        try await Task.sleep(for: .milliseconds(200))
                        return false
                    }
                    return true
                }
            )
        case .killedCommands:
            try await cut(cluster, "normal")
        case .pause:
            // Nobody can end it, so it is as long as a busy machine takes to look at everybody.
            try await redis.command("CLIENT", "PAUSE", "6000", "ALL")
            try await outage(of: cluster, publishers)
        case .stop:
            redis.signal(SIGSTOP)
            try await outage(of: cluster, publishers)
            redis.signal(SIGCONT)
        case .flushedData:
            // In one step, so that nobody publishes between the two.
            let script =
                "local t = redis.call('TIME'); redis.call('FLUSHALL'); return t[1] * 1000 + math.floor(t[2] / 1000)"
            let milliseconds = UInt64(try await redis.command("EVAL", script, "0"))
            return Position(milliseconds: try #require(milliseconds), sequence: .max)
        case .flushedFunctions:
            try await redis.command("FUNCTION", "FLUSH")
        }
        return .start
    }

    /// Three times over, each when all nodes have come back from the last.
    private func cut(_ cluster: Cluster, _ type: String) async throws {
        for number in 1...3 {
            try await cluster.redis.command("CLIENT", "KILL", "TYPE", type)
            for node in cluster.nodes {
                try await eventually(
                    "node \(node.id) lost its link",
                    isTrue: {
                        try await node.metric("perseid_backplane_losses_total") ?? 0 >= number
                    }
                )
                try await eventually("node \(node.id) is ready again", isTrue: { await node.readiness == 200 })
            }
        }
    }

    /// Nodes say that they are blind, and publishers are refused.
    private func outage(of cluster: Cluster, _ publishers: [Publisher]) async throws {
        // All at once: it may be over soon.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in cluster.nodes {
                group.addTask {
                    try await eventually("node \(node.id) is not ready", isTrue: { await node.readiness == 503 })
                }
            }
            for publisher in publishers {
                group.addTask {
                    try await eventually("a publisher is refused", isTrue: { publisher.record.refused > 0 })
                }
            }
            try await group.waitForAll()
        }
    }

    private static var nowMilliseconds: UInt64 { UInt64(Date().timeIntervalSince1970 * 1_000) }

    @Test("a node that hears nothing keeps its links, and says once that it has them")
    func keepsQuietLinks() async throws {
        // More than a busy machine keeps Redis from answering.
        try await Cluster.with(nodes: 1, environment: ["PERSEID_LIMITS_REDIS_MILLISECONDS": "3000"]) { cluster in
            let node = cluster.nodes[0]
            let streams = try StreamClient(
                (0..<5).map { StreamClient.Stream(port: node.port, target: "/sse?channel=quiet-\($0)") },
                in: cluster.scratch
            )
            try await streams.opened()
            // Nothing is waited for: three times as long as Redis may be silent, nothing must happen.
            try await Task.sleep(for: .milliseconds(9_000))
            try #require(try await node.metric("perseid_backplane_losses_total") == 0)
            try #require(node.log.split(separator: "\n").count { $0.contains("redis is reached") } == 2)
        }
    }

    @Test("a read that Redis refuses is asked for again")
    func readsAgain() async throws {
        let rules = ["--user", "node", "on", ">secret", "~*", "&*", "+@all"]
        try await Cluster.with(nodes: 1, redisOptions: rules, redisUser: "node:secret") { cluster in
            let node = cluster.nodes[0]
            let streams = try StreamClient(
                [StreamClient.Stream(port: node.port, target: "/sse?channel=holed")],
                in: cluster.scratch
            )
            try await streams.opened()
            let first = try await cluster.redis.publish("first", to: "holed")
            try await streams.reach(first, in: "holed")

            // One that is stored and never heard, then one that tells the node of it.
            try await cluster.redis.command("ACL", "SETUSER", "node", "-fcall_ro")
            let key = RedisServer.key("holed")
            let unheard = first.successor
            try await cluster.redis.command("XADD", key, "\(unheard)", "v", "\(first)", "t", "t", "p", "unheard")
            try await cluster.redis.command("SET", key + ":head", "\(unheard)")
            let last = try await cluster.redis.publish("last", to: "holed")
            try await eventually(
                "the node finds the hole",
                isTrue: {
                    try await node.metric("perseid_gaps_found_total") == 1
                }
            )
            try await cluster.redis.command("ACL", "SETUSER", "node", "+fcall_ro")

            try await streams.reach(last, in: "holed")
            try await Verifier("holed", on: cluster.redis).checkChains(try streams.received())
        }
    }

    @Test("who comes while Redis is away waits for it, or is told that it cannot be had")
    func comesDuringOutage() async throws {
        // One waits for longer than a busy machine takes to start the others.
        try await Cluster.with(nodes: 2, environment: ["PERSEID_LIMITS_OPEN_MILLISECONDS": "30000"]) { cluster in
            let impatient = try await PerseidNode(
                id: "c",
                redis: cluster.redis.url,
                environment: ["PERSEID_LIMITS_OPEN_MILLISECONDS": "500"],
                in: cluster.scratch
            )
            let publishing = try await WebSocketClient([(cluster.nodes[0].port, "/ws")], in: cluster.scratch)
            try await eventually("it is welcome", isTrue: { try !publishing.received()[0].isEmpty })
            let seen = try await cluster.redis.publish("seen", to: "news")
            _ = try await cluster.redis.publish("missed", to: "news")
            cluster.redis.signal(SIGSTOP)
            for node in cluster.nodes + [impatient] {
                try await eventually("node \(node.id) is not ready", isTrue: { await node.readiness == 503 })
            }

            let targets = ["/ws?channel=news", "/ws?channel=news&cursor=news@\(seen)"]
            let waiting = try await WebSocketClient(
                targets.map { (cluster.nodes[1].port, $0) },
                in: cluster.scratch
            )
            let told = try await WebSocketClient([(impatient.port, targets[0])], in: cluster.scratch)
            let ended = try StreamClient(
                [StreamClient.Stream(port: impatient.port, target: "/sse?channel=news")],
                in: cluster.scratch
            )
            try await eventually(
                "a socket is told",
                isTrue: {
                    try told.received()[0].contains { $0.type == "error" && $0.code == 503 }
                }
            )
            try await eventually(
                "a stream is told and ended",
                isTrue: {
                    try ended.received()[0].contains { $0.type == "bye" && $0.code == 4_002 }
                        && ended.ended().count == 1
                }
            )
            for target in ["/channels/news", "/channels/news/history"] {
                let answer = try await cluster.nodes[0].ask("GET", target)
                try #require(answer.status == 503 && answer.fields["retry-after"] != nil)
            }
            try publishing.send(#"{"type":"publish","id":1,"channel":"news","data":"refused"}"#)
            try await eventually(
                "the publisher is told",
                isTrue: {
                    try publishing.received()[0].contains { $0.type == "error" && $0.code == 503 }
                }
            )

            cluster.redis.signal(SIGCONT)
            try await waiting.opened()
            let last = try await cluster.redis.publish("last", to: "news")
            try await waiting.reach(last, in: "news")
            let payloads = try waiting.messages().map { $0.compactMap(\.data) }
            try #require(payloads == [["last"], ["missed", "last"]])
            try await Verifier("news", on: cluster.redis).checkChains(try waiting.received())
            try #require(try await impatient.stop() == .exited(0))
        }
    }

    @Test("a node that stands still for a while goes on where it was")
    func stoppedNode() async throws {
        // More than a busy machine keeps Redis from answering.
        try await Cluster.with(nodes: 2, environment: ["PERSEID_LIMITS_REDIS_MILLISECONDS": "3000"]) { cluster in
            let node = cluster.nodes[1]
            let streams = try StreamClient(
                (0..<4).map { _ in StreamClient.Stream(port: node.port, target: "/sse?channel=news") },
                in: cluster.scratch
            )
            try await streams.opened()
            let direct = try DirectPublisher(to: ["news"], on: cluster.redis, in: cluster.scratch)
            let publisher = Publisher(to: "news", on: cluster.nodes[0])
            try await publisher.acknowledge(more: 10)
            node.signal(SIGSTOP)
            // Twice as long as Redis has to answer.
            try await Task.sleep(for: .milliseconds(6_000))
            node.signal(SIGCONT)
            try await publisher.acknowledge(more: 10)
            try await publisher.stop()
            try await direct.stop()
            let last = try await cluster.redis.publish("last", to: "news")
            try await streams.reach(last, in: "news")
            let verifier = try await Verifier("news", on: cluster.redis)
            try verifier.checkChains(try streams.received())
            try verifier.checkAcknowledged([publisher.record])
            try #require(try await node.metric("perseid_backplane_losses_total") == 0)
        }
    }
}
