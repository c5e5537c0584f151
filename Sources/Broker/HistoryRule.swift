/// How much of a channel is remembered, where that is less than a node's limits allow.
///
/// Size: 18 bytes. A publish carries it to the backplane, which keeps as much as the newest publish says.
public struct HistoryRule: Sendable, Hashable {
    /// Publications, or keys of a keyed channel; 0 where nothing is to be remembered, `nil` where the node's limit counts.
    public let countMax: Int?

    /// Age up to which they are remembered; `nil` where the node's limit counts.
    public let ageMilliseconds: UInt64?

    /// The node's limits count.
    public static let usual = HistoryRule()

    /// Makes a rule.
    public init(countMax: Int? = nil, ageMilliseconds: UInt64? = nil) {
        self.countMax = countMax
        self.ageMilliseconds = ageMilliseconds
    }

    /// How many are remembered: never more than the limits allow, for a rule may be read anew and limits are not. A keyed channel
    /// remembers one key at least, or it would not be keyed.
    public func countMax(isKeyed: Bool, _ limits: Limits) -> Int {
        let allowed = isKeyed ? limits.keysMax : limits.historyCountMax
        return min(max(countMax ?? allowed, isKeyed ? 1 : 0), allowed)
    }

    /// Up to which age they are.
    public func ageMilliseconds(isKeyed: Bool, _ limits: Limits) -> UInt64 {
        let allowed = isKeyed ? limits.keysMilliseconds : limits.historyMilliseconds
        return min(ageMilliseconds ?? allowed, allowed)
    }
}
