import Edge

/// What an operator should look at, as `problems.mjs` has it for the console.
struct NodeTrouble: Equatable {
    enum Level: Int, Comparable {
        case bad
        case warning
        case note

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    let level: Level
    let text: String

    /// A turn of a reactor as long as this is felt by its readers.
    private static let lagMilliseconds = 100.0
    /// As slow as this a publication is no longer live.
    private static let latencyMilliseconds = 1_000.0
    private static let roundTripMilliseconds = 50.0

    /// What grew in the last minute and should not.
    private static let counted: [(name: String, level: Level, before: String, after: String)] = [
        ("publishesRefused", .bad, "could not publish", "times, for its backplane was away"),
        ("gapsReported", .bad, "told readers of", "gaps that could not be filled"),
        ("redisLosses", .warning, "lost its links to Redis", "times"),
        ("disconnects", .warning, "sent away", "slow readers"),
        ("evictions", .warning, "closed", "connections for the memory they held"),
        ("shed", .warning, "turned away", "new clients because it has too much to do"),
        ("refused", .warning, "refused", "connections by a limit"),
        ("skips", .note, "moved", "slow readers on with a gap"),
        ("latests", .note, "moved", "slow readers to the newest publication"),
    ]

    /// All that is wrong with a node, the worst first. Where one that speaks does not reach Redis, others are heard no more and may well
    /// live.
    static func all(of node: NodeHistory, now: Double, isCutOff: Bool = false) -> [NodeTrouble] {
        if node.isSilent(now) {
            let silence = TopNumber.duration(node.silence(now))
            if isCutOff, node.facts.state != .draining {
                return [NodeTrouble(level: .warning, text: "is not heard without Redis, for \(silence)")]
            }
            return node.facts.state == .draining
                ? [NodeTrouble(level: .note, text: "left, \(silence) ago")]
                : [NodeTrouble(level: .bad, text: "is silent, for \(silence)")]
        }
        return (standing(node) + delays(node) + events(node)).sorted { $0.level < $1.level }
    }

    private static func standing(_ node: NodeHistory) -> [NodeTrouble] {
        var found: [NodeTrouble] = []
        switch node.facts.state {
        case .ready: break
        case .draining: found.append(NodeTrouble(level: .note, text: "lets its clients go"))
        case .overloaded, .hindered:
            let reason = node.facts.reason ?? node.facts.state.rawValue
            let isAway = node.gauge("backplaneUp") == 0
            found.append(NodeTrouble(level: .bad, text: isAway ? "is without its backplane: \(reason)" : reason))
        }
        if node.gauge("hooksLetAlone") > 0 {
            found.append(NodeTrouble(level: .bad, text: "lets a backend alone that failed too often"))
        }
        return found
    }

    private static func delays(_ node: NodeHistory) -> [NodeTrouble] {
        var found: [NodeTrouble] = []
        func warn(_ text: String) { found.append(NodeTrouble(level: .warning, text: text)) }
        let lag = node.samples.suffix(5).map { Double($0.gauges["loopLagMicroseconds"] ?? 0) / 1_000 }.max() ?? 0
        if lag >= lagMilliseconds { warn("is late: a turn of a reactor took \(TopNumber.milliseconds(lag))") }
        if let latency = node.latency(0.99), latency >= latencyMilliseconds {
            warn("delivers late: 99 % within \(TopNumber.milliseconds(latency))")
        }
        if let wait = node.roundTripMilliseconds, wait >= roundTripMilliseconds {
            warn("waits for Redis: \(TopNumber.milliseconds(wait)) for an answer")
        }
        return found
    }

    private static func events(_ node: NodeHistory) -> [NodeTrouble] {
        counted.compactMap { each in
            let number = node.increase(each.name)
            guard number > 0 else { return nil }
            return NodeTrouble(level: each.level, text: "\(each.before) \(TopNumber.count(number)) \(each.after)")
        }
    }
}
