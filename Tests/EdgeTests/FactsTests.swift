import Backplane
import Broker
import Foundation
import Hooks
import Hub
import Synchronization
import Testing

@testable import Edge

/// What a node says of itself while somebody listens.
@Suite("Facts of a node")
struct FactsTests {
    private func facts(_ stream: EventStreamClient) throws -> NodeFacts {
        let message = try stream.next().message
        let data = try JSONSerialization.data(withJSONObject: try #require(message["data"]))
        return try JSONDecoder().decode(NodeFacts.self, from: data)
    }

    /// Those that show something; it takes a second or two until it does.
    private func facts(
        _ stream: EventStreamClient,
        _ what: String,
        _ condition: (NodeFacts) -> Bool
    ) throws -> NodeFacts {
        for _ in 0..<20 {
            let facts = try facts(stream)
            if condition(facts) { return facts }
        }
        throw TestFailure("not told: \(what)")
    }

    @Test("each second it says who it is, what its readers get, and which channels are busy")
    func told() throws {
        try withNode {
            $0.version = "7.0"
        } _: { (node: TestNode) throws in
            let stream = try node.eventStream("?channel=$nodes&session=none")
            try stream.begin()
            let first = try facts(stream)
            #expect(first.node == "n1" && first.version == "7.0" && first.backplane == "memory")
            #expect(first.state == .ready && first.reason == nil)
            #expect(first.connections["eventstream"] == 1 && first.gauges["reactors"] == 1)
            let sockets = try (0..<3).map { _ in try node.webSocket("?channel=room%2F1") }
            for socket in sockets { try socket.begin() }
            try node.webSocket("?channel=quiet").begin()
            try eventually("it counts channels") { node.node.status.uplink.factsListeners.value == 1 }
            _ = try facts(stream)
            try node.publish("room%2F1", (0..<10).map { Array("\($0)".utf8) })
            try node.publish("nobody", "x")
            let busy = try facts(stream, "a busy channel") { $0.busiest.contains { $0.channel == "room/1" } }
            // Ten may be told in two seconds.
            #expect(busy.busiest.allSatisfy { $0.channel != "room/1" || $0.deliveries == 3 * $0.publications })
            #expect(!busy.busiest.contains { ["quiet", "nobody"].contains($0.channel) }, "\(busy.busiest)")
            let later = try facts(stream, "all of them") {
                ($0.counters["deliveries"] ?? 0) - (first.counters["deliveries"] ?? 0) >= 30
            }
            #expect(later.counters["publishes"] == 11)
            #expect(later.connections["websocket"] == 4 && later.gauges["sessions"] == 4)
            #expect(later.fanoutMilliseconds.counts.reduce(0, +) >= 10)
            #expect(later.time > first.time && later.time - first.time < 60_000)
        }
    }

    @Test("nobody is told while nobody listens, but for an attempt now and then, and no channel is counted")
    func nobody() throws {
        try withNode {
            $0.limits.factsAttemptMilliseconds = 1_000_000
        } _: { (node: TestNode) throws in
            let uplink = node.node.status.uplink
            try eventually("it tried once") { uplink.factsTold.value == 1 }
            try node.webSocket("?channel=a").begin()
            let turns = node.metrics.turns.sumMicroseconds.value
            for _ in 0..<3 {
                try node.publish("a", "x")
                let before = monotonicMilliseconds
                try eventually("a second is over") { monotonicMilliseconds > before + 1_000 }
            }
            #expect(uplink.factsTold.value == 1 && uplink.factsListeners.value == 0)
            #expect(node.metrics.busiest.withLock { $0 }.isEmpty)
            #expect(node.metrics.turns.sumMicroseconds.value >= turns)
        }
    }

    @Test("once the last who listened is gone, it is told no more")
    func gone() throws {
        try withNode {
            $0.limits.factsAttemptMilliseconds = 1_000
            $0.limits.lingerMilliseconds = 250
        } _: { (node: TestNode) throws in
            let uplink = node.node.status.uplink
            let stream = try node.eventStream("?channel=$nodes&session=none")
            try stream.begin()
            _ = try facts(stream, "who listens") { _ in uplink.factsListeners.value == 1 }
            stream.close()
            try eventually("nobody listens") { uplink.factsListeners.value == 0 }
        }
    }

    @Test("while Redis is away, who comes to a node is told how that one is, and why")
    func withoutRedis() throws {
        try withNodeWithoutRedis {
            $0.isClustered = true
        } _: { (node: TestNode) throws in
            let stream = try node.eventStream("?channel=$nodes&session=none")
            try stream.begin()
            for _ in 0..<2 {
                let facts = try facts(stream)
                #expect(facts.state == .hindered && facts.reason != nil && facts.backplane == "redis")
                #expect(facts.gauges["backplaneUp"] == 0)
            }
        }
    }

    @Test("a node says what hinders it, that it goes before all else")
    func hindrances() {
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: [EdgeMetrics()])
        func state() -> NodeFacts.State { NodeFacts(status, EdgeConfiguration()).state }
        #expect(state() == .hindered)
        status.uplink.isUp.set(1)
        #expect(state() == .ready)
        status.overload = .memory
        #expect(state() == .overloaded)
        status.hooks.keySetsMissing.set(1)
        #expect(state() == .hindered)
        status.isDraining = true
        #expect(state() == .draining)
    }

    @Test("the busiest of several lists: one channel counts once, the busier first, and no more than are wanted")
    func busiest() {
        func activity(_ name: String, _ publications: Int, _ deliveries: Int) -> ChannelActivity {
            ChannelActivity(channel: ChannelName(name)!, publications: publications, deliveries: deliveries)
        }
        let lists = [[activity("a", 1, 5), activity("b", 2, 4)], [activity("b", 3, 4), activity("c", 9, 0)], []]
        let all = ChannelActivity.busiest(of: lists, countMax: 9)
        #expect(all == [activity("b", 3, 8), activity("a", 1, 5), activity("c", 9, 0)])
        #expect(ChannelActivity.busiest(of: lists, countMax: 1) == [activity("b", 3, 8)])
        #expect(
            ChannelActivity.busiest(of: [[activity("b", 1, 1), activity("a", 1, 1)]], countMax: 2).map(\.channel.text)
                == ["a", "b"]
        )
    }
}
