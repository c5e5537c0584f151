import Edge

/// The nodes as lines of text, for a screen of any size: first what is wrong, then each node, then where most goes on.
struct TopText {
    let nodes: [NodeHistory]
    /// Why nothing new comes, if so.
    let state: String?
    let now: Double

    private static let troublesMax = 6
    private static let channelsMax = 10

    func lines(width: Int, height: Int) -> [String] {
        var lines = [headline, verdict]
        lines += troubles.prefix(Self.troublesMax)
        lines.append("")
        let channels = channelLines(width)
        let room = max(height - lines.count - 1 - min(channels.count, 5), 3)
        lines.append(Self.nodeHead(width))
        lines += nodes.prefix(room - 1).map { nodeLine($0, width) }
        if nodes.count > room - 1 { lines.append("… and \(nodes.count - room + 1) more") }
        lines += channels
        return lines.prefix(height).map { Self.fit($0, width) }
    }

    // MARK: Head

    private var heard: [NodeHistory] { nodes.filter { !$0.isSilent(now) } }

    private var isCutOff: Bool { heard.contains { $0.facts.backplane != "memory" && $0.gauge("backplaneUp") == 0 } }

    private var headline: String {
        let connections = heard.reduce(0) { $0 + $1.connections }
        let deliveries = heard.reduce(0) { $0 + ($1.rate("deliveries") ?? 0) }
        return "Perseid  \(heard.count) of \(nodes.count) nodes  \(TopNumber.count(connections)) connections  "
            + "\(TopNumber.count(deliveries)) deliveries/s"
    }

    private var all: [(node: String, trouble: NodeTrouble)] {
        nodes.flatMap { node in
            NodeTrouble.all(of: node, now: now, isCutOff: isCutOff).map { (node.facts.node, $0) }
        }
        .sorted { $0.trouble.level < $1.trouble.level }
    }

    private var verdict: String {
        if let state { return state }
        if nodes.isEmpty { return "waiting for the nodes" }
        let grave = all.count { $0.trouble.level != .note }
        return grave == 0 ? "all is well" : grave == 1 ? "1 thing to look at" : "\(grave) things to look at"
    }

    private var troubles: [String] {
        all.map { node, trouble in
            let mark =
                switch trouble.level {
                case .bad: "!!"
                case .warning: " !"
                case .note: "  "
                }
            return "\(mark) \(node) \(trouble.text)"
        }
    }

    // MARK: Nodes

    private struct Column {
        let title: String
        let width: Int
        let text: @Sendable (NodeHistory) -> String
    }

    /// Behind the name: 70 letters, so that 80 have room for all.
    private static let columns = [
        Column(title: "UP", width: 8) { TopNumber.duration(Double($0.facts.uptimeSeconds)) },
        Column(title: "CONN", width: 7) { TopNumber.count($0.connections) },
        Column(title: "PUB/S", width: 7) { TopNumber.count($0.rate("publications")) },
        Column(title: "DLV/S", width: 7) { TopNumber.count($0.rate("deliveries")) },
        Column(title: "99%", width: 7) { TopNumber.milliseconds($0.latency(0.99)) },
        Column(title: "TURN", width: 8) { TopNumber.milliseconds($0.lagMilliseconds) },
        Column(title: "BUSY", width: 6) { TopNumber.percent($0.busy) },
        Column(title: "SLOW", width: 5) { TopNumber.count($0.gauge("laggards")) },
        Column(title: "REDIS", width: 7) { node in
            node.facts.backplane == "memory"
                ? "none" : node.gauge("backplaneUp") > 0 ? TopNumber.milliseconds(node.roundTripMilliseconds) : "away"
        },
        Column(title: "MEM", width: 8) { TopNumber.bytes($0.gauge("residentBytes")) },
    ]

    private static func nameWidth(_ width: Int) -> Int { max(width - columns.reduce(0) { $0 + $1.width }, 6) }

    private static func nodeHead(_ width: Int) -> String {
        left("NODE", nameWidth(width)) + columns.map { right($0.title, $0.width) }.joined()
    }

    private func nodeLine(_ node: NodeHistory, _ width: Int) -> String {
        let name = Self.left(node.facts.node, Self.nameWidth(width))
        if node.isSilent(now) { return name + "  silent for \(TopNumber.duration(node.silence(now)))" }
        return name + Self.columns.map { Self.right($0.text(node), $0.width) }.joined()
    }

    // MARK: Channels

    /// Of all nodes; publications as of the node that hears most of them.
    private var busiest: [(channel: String, publications: Double, deliveries: Double)] {
        var sums: [String: (publications: Double, deliveries: Double)] = [:]
        for each in heard.flatMap(\.facts.busiest) {
            let known = sums[each.channel] ?? (0, 0)
            sums[each.channel] = (
                max(known.publications, Double(each.publications)), known.deliveries + Double(each.deliveries)
            )
        }
        return sums.map { ($0.key, $0.value.publications, $0.value.deliveries) }
            .sorted { ($1.deliveries, $1.publications, $0.channel) < ($0.deliveries, $0.publications, $1.channel) }
    }

    private func channelLines(_ width: Int) -> [String] {
        let found = busiest.prefix(Self.channelsMax)
        guard !found.isEmpty else { return [] }
        let nameWidth = max(width - 20, 6)
        return ["", Self.left("CHANNEL", nameWidth) + Self.right("PUB/S", 10) + Self.right("DLV/S", 10)]
            + found.map { each in
                Self.left(each.channel, nameWidth) + Self.right(TopNumber.count(each.publications), 10)
                    + Self.right(TopNumber.count(each.deliveries), 10)
            }
    }

    // MARK: Letters

    private static func left(_ text: String, _ width: Int) -> String {
        let shown = fit(text, width - 1)
        return shown + String(repeating: " ", count: width - shown.count)
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 1)) + text
    }

    /// What a terminal shows of a text: as much as there is room for, and nothing that would move its cursor or change its colours, for
    /// names come from the network.
    static func fit(_ text: String, _ width: Int) -> String {
        let harmless = text.unicodeScalars.map { isHarmless($0) ? Character($0) : "·" }
        return harmless.count > width ? String(harmless.prefix(max(width - 1, 0))) + "…" : String(harmless)
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
