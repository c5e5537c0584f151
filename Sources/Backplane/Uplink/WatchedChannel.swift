internal import Broker

/// One channel as the uplink sees it: who wants it, how far it was delivered, and what is being read.
///
/// Thread: owned by the uplink.
final class WatchedChannel {
    let name: ChannelName

    /// Reactors with subscribers, a bit each.
    var reactors: UInt64 = 0

    /// Reactors that still have to be told that the channel is open.
    var reactorsToOpen: UInt64 = 0

    /// Reactors whose inbox was full when there was something for them.
    var reactorsMissed: UInt64 = 0

    /// Whether the node hears it by itself.
    var isSubscribed = false

    /// The patterns of the node among which those were looked for that stand for it.
    var patternsVersion = 0

    /// Patterns by which it is heard.
    var patternCount = 0

    /// Whether reactors were told that it waits for a read.
    var isTold = false

    /// Subscribers by reactor.
    var counts: [Int: Int] = [:]

    /// Whether they changed since the backplane was told.
    var isCountDue = false

    /// Whether the backplane was told of some, and must be told when there are none.
    var isCounted = false

    /// The chain.
    var continuity: Continuity

    /// What its tail was counted with; see `TailMemory`.
    var tailBytes = 0
    var isInTailLine = false

    /// What waits for a read of it was counted with.
    var heldBytes = 0

    /// Whether the node hears it no longer.
    var isGone = false

    /// Positions clients come back with that the tail does not reach, and the reactors that ask.
    var recoveries: [Position: UInt64] = [:]

    /// The oldest position the recovery read under way covers.
    var recoveryUnderWay: Position?

    /// Reads for those who come back that were asked for anew, for they led elsewhere.
    var recoveryAttempts = 0

    /// A read that must be asked for again once the backplane is back.
    var missedRead: MissedRead?

    /// Its mark among those that nobody wants; see `LingeringChannels`.
    var lingersAs: UInt64?

    enum MissedRead {
        case open
        case fill(after: Position)
    }

    init(_ name: ChannelName, limits: Limits) {
        self.name = name
        continuity = Continuity(tailCountMax: limits.historyCountMax, tailBytesMax: limits.tailBytesMax)
    }

    var subscribers: Int { counts.values.reduce(0, +) }
}
