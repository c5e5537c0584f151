import Broker

/// Which channels of a world are keyed, and how often readers are told. Not drawn: a seed stays the world that it was.
struct KeyedScenario {
    private let seed: UInt64

    /// Keys that a channel has.
    static let keyCount = 3

    init(seed: UInt64) { self.seed = seed }

    // The seeds that once found something are of the other remainders.

    /// Whether a newer publication of a key takes the place of an older one.
    func isKeyed(_ channel: Int) -> Bool {
        switch seed % 10 {
        case 2, 7: true
        case 5: channel % 2 == 0
        case 1: channel % 2 == 1
        default: false
        }
    }

    /// Whether some reader is told in batches.
    var isPaced: Bool { [1, 5, 7, 9].contains(seed % 10) }

    /// Keys of a channel that are kept; the one that was silent longest is forgotten.
    var keysMax: Int { seed / 10 % 4 == 1 ? 2 : 1_000 }

    /// What a rule says of all channels.
    var rule: PaceRule {
        isPaced ? PaceRule(rateMax: [nil, MaxRate("5"), MaxRate("20")][Int(seed / 10 % 3)]) : PaceRule()
    }

    /// What a client asks for.
    func pace(of client: Int) -> Pace {
        guard isPaced else { return .any }
        return [.any, Pace(MaxRate("10")!), Pace(MaxRate("2")!)][client % 3]
    }

    /// What happens to slow readers of a keyed channel.
    func policy(of channel: Int) -> SlowReaderPolicy { SlowReaderPolicy.allCases[(channel + Int(seed / 10 % 4)) % 4] }

    /// What a publication is about.
    func key(of number: Int, in channel: Int) -> PublicationKey? {
        isKeyed(channel) ? PublicationKey("k\(number % Self.keyCount)") : nil
    }
}
