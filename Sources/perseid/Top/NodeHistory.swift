import Edge

/// What one node said in the last minute, and what follows from it: the same as `facts.mjs` has for the console.
///
/// Numbers come from the network and may be anything: they are reckoned with as floating point, which does not trap.
struct NodeHistory {
    /// Of one a second a minute's.
    private static let samplesMax = 61

    /// Seconds that rare events, and the times of deliveries, are told of.
    static let recentSeconds = 60.0
    private static let latencySeconds = 10.0

    /// A node speaks once a second: after three that it misses, something is wrong with it.
    private static let silentSeconds = 3.5

    private(set) var samples: [NodeFacts]

    /// When the newest came, in seconds of the reader's clock that never jumps.
    private(set) var heardAt: Double

    init(_ facts: NodeFacts, now: Double) {
        samples = [facts]
        heardAt = now
    }

    mutating func take(_ facts: NodeFacts, now: Double) {
        // A node that was started anew counts from 0.
        if facts.uptimeSeconds < self.facts.uptimeSeconds { samples.removeAll() }
        samples.append(facts)
        if samples.count > Self.samplesMax { samples.removeFirst() }
        heardAt = now
    }

    var facts: NodeFacts { samples[samples.count - 1] }
    var connections: Double { facts.connections.values.reduce(0) { $0 + Double($1) } }
    var lagMilliseconds: Double { gauge("loopLagMicroseconds") / 1_000 }

    func gauge(_ name: String) -> Double { Double(facts.gauges[name] ?? 0) }
    func silence(_ now: Double) -> Double { now - heardAt }
    func isSilent(_ now: Double) -> Bool { silence(now) > Self.silentSeconds }

    /// The facts of so many seconds ago, or the oldest there are; `nil` where there is no second of them.
    private func before(_ seconds: Double) -> NodeFacts? {
        let end = Double(facts.time) - seconds * 1_000 + 500
        return samples.last { Double($0.time) <= end } ?? (samples.count > 1 ? samples.first : nil)
    }

    /// By how much a counter grew.
    func increase(_ name: String, _ seconds: Double = recentSeconds) -> Double {
        guard let before = before(seconds) else { return 0 }
        return max(0, Double(facts.counters[name] ?? 0) - Double(before.counters[name] ?? 0))
    }

    /// How fast it grows, a second.
    func rate(_ name: String, _ seconds: Double = 1) -> Double? {
        guard let before = before(seconds) else { return nil }
        let passed = (Double(facts.time) - Double(before.time)) / 1_000
        return passed > 0 ? increase(name, seconds) / passed : nil
    }

    /// The bound that such a share of the last publications was delivered within, in milliseconds; infinite beyond the last bound.
    func latency(_ share: Double) -> Double? {
        let old = before(Self.latencySeconds)?.fanoutMilliseconds.counts ?? []
        let counts = facts.fanoutMilliseconds.counts.enumerated().map { place, count in
            Double(count) - (place < old.count ? Double(old[place]) : 0)
        }
        var left = share * counts.reduce(0, +)
        guard left > 0 else { return nil }
        for (place, count) in counts.enumerated() {
            left -= count
            let bounds = facts.fanoutMilliseconds.bounds
            if left <= 0 { return place < bounds.count ? Double(bounds[place]) : .infinity }
        }
        return .infinity
    }

    /// Mean time Redis took to answer, in milliseconds.
    var roundTripMilliseconds: Double? {
        let answers = increase("redisRoundTrips", Self.latencySeconds)
        return answers > 0 ? increase("redisRoundTripMicroseconds", Self.latencySeconds) / answers / 1_000 : nil
    }

    /// The share of their time that its reactors were not waiting for anything.
    var busy: Double? { rate("turnMicroseconds", Self.latencySeconds).map { $0 / 1e6 / max(gauge("reactors"), 1) } }
}
