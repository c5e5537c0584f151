import Edge
import Foundation
import Testing

@testable import perseid

/// What `perseid top` makes of what nodes say.
@Suite struct TopTests {
    /// What a node says; whatever is not given is 0, and all is well.
    private func facts(
        _ node: String = "a",
        at seconds: Double,
        up: UInt64? = nil,
        state: String = "ready",
        gauges: [String: Int] = [:],
        counters: [String: Int] = [:],
        latencies: [Int] = [0, 0, 0],
        busiest: [[String: Any]] = []
    ) throws -> NodeFacts {
        var object: [String: Any] = [
            "node": node, "version": "1", "time": UInt64(seconds * 1_000), "uptimeSeconds": up ?? UInt64(seconds),
            "state": state,
            "backplane": "redis", "connections": ["websocket": 3, "http": 1],
            "gauges": ["backplaneUp": 1, "reactors": 2].merging(gauges) { $1 }, "counters": counters,
            "fanoutMilliseconds": ["bounds": [1, 10], "counts": latencies] as [String: Any], "busiest": busiest,
        ]
        if state != "ready" { object["reason"] = "so it is" }
        return try JSONDecoder().decode(NodeFacts.self, from: JSONSerialization.data(withJSONObject: object))
    }

    @Test("rates are made of two facts and the node's own clock; of one there is none")
    func rates() throws {
        var node = NodeHistory(try facts(at: 100, counters: ["deliveries": 1_000]), now: 0)
        #expect(node.rate("deliveries") == nil && node.connections == 4)
        node.take(try facts(at: 102, counters: ["deliveries": 1_500]), now: 2)
        #expect(node.rate("deliveries") == 250 && node.increase("deliveries") == 500 && node.rate("unknown") == 0)
        // Started anew: it counts from 0.
        node.take(try facts(at: 103, up: 0, counters: ["deliveries": 10]), now: 3)
        #expect(node.rate("deliveries") == nil && node.increase("deliveries") == 0)
    }

    @Test("delays are the bound that a share of the last ten seconds is within")
    func latency() throws {
        var node = NodeHistory(try facts(at: 100, latencies: [1_000, 0, 0]), now: 0)
        node.take(try facts(at: 101, latencies: [1_090, 9, 1]), now: 1)
        #expect(node.latency(0.5) == 1 && node.latency(0.95) == 10 && node.latency(0.999) == .infinity)
        node.take(try facts(at: 112, latencies: [1_090, 9, 1]), now: 12)
        #expect(node.latency(0.5) == nil)
    }

    @Test("numbers that nobody counted trap nowhere")
    func lies() throws {
        let most = Int.max
        var node = NodeHistory(
            try facts(
                at: 0,
                up: .max,
                gauges: ["reactors": most, "residentBytes": .min],
                counters: ["a": .min],
                latencies: [most, most, most]
            ),
            now: 0
        )
        for seconds in [1, 1e15, 2, 3] {
            node.take(
                try facts(
                    at: seconds,
                    gauges: ["reactors": 0],
                    counters: ["a": most, "turnMicroseconds": most],
                    latencies: [.min]
                ),
                now: seconds
            )
        }
        let text = TopText(nodes: [node], state: nil, now: 3)
        for (width, height) in [(80, 24), (1, 1), (0, 0), (10, 3), (200, 200)] {
            let lines = text.lines(width: width, height: height)
            #expect(lines.count <= height && lines.allSatisfy { $0.count <= max(width, 1) }, "\(width) by \(height)")
        }
        _ = NodeTrouble.all(of: node, now: .infinity)
    }

    @Test("what is wrong stands first, the worst above all, and a node that is silent is marked")
    func troubles() throws {
        var well = NodeHistory(try facts("well", at: 100), now: 0)
        well.take(try facts("well", at: 101), now: 1)
        #expect(NodeTrouble.all(of: well, now: 1).isEmpty)
        #expect(TopText(nodes: [well], state: nil, now: 1).lines(width: 80, height: 24)[1] == "all is well")
        var slow = NodeHistory(try facts("slow", at: 100), now: 0)
        slow.take(
            try facts(
                "slow",
                at: 101,
                gauges: ["loopLagMicroseconds": 250_000],
                counters: ["disconnects": 3, "skips": 1, "gapsReported": 1]
            ),
            now: 1
        )
        let found = NodeTrouble.all(of: slow, now: 1)
        #expect(found.map(\.level) == [.bad, .warning, .warning, .note], "\(found)")
        #expect(found.contains { $0.text == "sent away 3 slow readers" })
        let hindered = NodeHistory(try facts("hindered", at: 100, state: "hindered"), now: 1)
        let later = NodeHistory(try facts("later", at: 100, state: "a state of another version"), now: 1)
        #expect(NodeTrouble.all(of: hindered, now: 1).first?.text == "so it is")
        #expect(NodeTrouble.all(of: later, now: 1).first?.level == .bad)
        let lines = TopText(nodes: [hindered, slow, well], state: nil, now: 1).lines(width: 80, height: 24)
        #expect(lines[1] == "4 things to look at" && lines[2] == "!! hindered so it is")
        let silent = TopText(nodes: [well], state: nil, now: 11).lines(width: 80, height: 24)
        #expect(silent[2] == "!! well is silent, for 10s" && silent.contains { $0.hasSuffix("silent for 10s") })
        let cut = NodeHistory(try facts("cut", at: 100, state: "hindered", gauges: ["backplaneUp": 0]), now: 10)
        let away = TopText(nodes: [cut, well], state: nil, now: 11).lines(width: 80, height: 24)
        #expect(away[2] == "!! cut is without its backplane: so it is")
        #expect(away[3] == " ! well is not heard without Redis, for 10s")
        let left = NodeHistory(try facts("left", at: 100, state: "draining"), now: 1)
        #expect(NodeTrouble.all(of: left, now: 20).map(\.level) == [.note])
    }

    @Test("eighty letters have room for all of it")
    func width() throws {
        let busiest = (0..<20).map { ["channel": "room/\($0)", "publications": 10, "deliveries": 100 - $0] }
        var node = NodeHistory(try facts("node-1", at: 100_000), now: 0)
        node.take(try facts("node-1", at: 100_001, counters: ["deliveries": 1_234_567], busiest: busiest), now: 1)
        let lines = TopText(nodes: [node], state: nil, now: 1).lines(width: 80, height: 24)
        #expect(lines.count <= 24 && lines.allSatisfy { $0.count <= 80 })
        let row = try #require(lines.first { $0.hasPrefix("node-1") })
        #expect(row.contains("1d3h") && row.contains("1.2M") && !row.contains("…"))
        #expect(lines.contains { $0.hasPrefix("room/0 ") && $0.hasSuffix("100") })
    }

    @Test("names that would move the cursor, or change colours, do not")
    func control() throws {
        let name = "\u{1B}[2J\u{9B}31m\u{202E}x\u{7}"
        let node = NodeHistory(
            try facts(
                name,
                at: 1,
                state: "hindered",
                busiest: [["channel": name, "publications": 1, "deliveries": 1]]
            ),
            now: 0
        )
        let text = TopText(nodes: [node], state: name, now: 0).lines(width: 80, height: 24).joined()
        #expect(
            !text.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0.value == 0x202E }
        )
        #expect(text.contains("·[2J"))
    }
}
