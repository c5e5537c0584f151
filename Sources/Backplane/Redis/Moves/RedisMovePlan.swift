/// What it means for channels and sessions that one list of masters follows another.
public struct RedisMovePlan {
    /// The part of all channels and sessions that a master loses to others, or gets from them.
    public struct Share: Equatable {
        /// The master's name.
        public let master: String
        /// In percent; never 0.
        public let percent: Int
    }

    /// Who loses some, and who gets some.
    public let losses: [Share]
    public let gains: [Share]

    /// Channels that are tried: enough for a percent to be right by one.
    private static let sampleCount = 20_000

    /// Compares what the two lists say of the same channels.
    public init(from former: [RedisMaster], to masters: [RedisMaster]) {
        let (formerMap, map) = (RedisShardMap(names: former.map(\.name)), RedisShardMap(names: masters.map(\.name)))
        var (lost, won): ([String: Int], [String: Int]) = ([:], [:])
        for number in 0..<Self.sampleCount {
            let key = "{\(number)}"
            let (from, to) = (former[formerMap.place(of: key)].name, masters[map.place(of: key)].name)
            guard from != to else { continue }
            lost[from, default: 0] += 1
            won[to, default: 0] += 1
        }
        losses = Self.shares(lost)
        gains = Self.shares(won)
    }

    private static func shares(_ counts: [String: Int]) -> [Share] {
        counts.sorted { $0.key < $1.key }.map { name, count in
            Share(master: name, percent: max((count * 100 + sampleCount / 2) / sampleCount, 1))
        }
    }

    /// In one line.
    public var text: String {
        guard !losses.isEmpty else { return "nothing: both lists have the same masters" }
        let list = { (shares: [Share]) in shares.map { "\($0.percent) % \($0.master)" }.joined(separator: ", ") }
        return "of all channels and sessions, from \(list(losses)) to \(list(gains)), once all nodes have both lists"
    }
}
