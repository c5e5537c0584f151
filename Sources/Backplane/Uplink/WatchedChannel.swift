internal import Broker

/// One channel as the uplink sees it: who wants it, how far it was delivered, and what is being read.
///
/// Thread: owned by the uplink.
final class WatchedChannel: OfChannel {
    let name: ChannelName

    /// Reactors with subscribers, a bit each.
    var reactors: UInt64 = 0

    /// Reactors that still have to be told that the channel is open.
    var reactorsToOpen: UInt64 = 0

    /// Reactors whose inbox was full when there was something for them.
    var reactorsMissed: UInt64 = 0

    /// The patterns of the node among which those were looked for that stand for it.
    var patternsVersion = 0

    /// Patterns by which it is heard.
    var patternCount = 0

    /// Whether the node hears it by itself.
    var isSubscribed = false

    /// Whether reactors were told that it waits for a read.
    var isTold = false

    var isInTailLine = false

    /// Whether the node hears it no longer.
    var isGone = false

    /// Subscribers by reactor.
    var counts = SubscriberCounts()

    /// Whether they changed since the backplane was told.
    var isCountDue = false

    /// Whether the backplane was told of some, and must be told when there are none.
    var isCounted = false

    /// The chain.
    var continuity: Continuity

    /// What its tail was counted with; see `TailMemory`.
    var tailBytes = 0

    /// What waits for a read of it was counted with.
    var heldBytes = 0

    /// Its mark among those that nobody wants, or 0; see `LingeringChannels`.
    var lingersAs: UInt64 = 0

    private var reads = Seldom<Reads>()

    /// What is to be read for somebody.
    private struct Reads {
        var recoveries: [Position: UInt64] = [:]
        var recoveryUnderWay: Position?
        var missed: MissedRead?
        var attempts = 0
        var pageAhead: HistoryPage?

        var isEmpty: Bool {
            recoveries.isEmpty && recoveryUnderWay == nil && attempts == 0 && missed == nil && pageAhead == nil
        }
    }

    enum MissedRead {
        case open
        case fill(after: Position)
    }

    init(_ name: ChannelName, limits: Limits) {
        self.name = name
        continuity = Continuity(tailCountMax: limits.historyCountMax, tailBytesMax: limits.tailBytesMax)
    }

    // MARK: Reads

    /// Positions clients come back with that the tail does not reach, and the reactors that ask.
    var recoveries: [Position: UInt64] {
        get { reads.known?.recoveries ?? [:] }
        _modify {
            // In place: ten thousand clients may come back to one channel.
            yield &reads[orNew: Reads()].recoveries
            tidy()
        }
    }

    /// The oldest position the recovery read under way covers.
    var recoveryUnderWay: Position? {
        get { reads.known?.recoveryUnderWay }
        set {
            reads[orNew: Reads()].recoveryUnderWay = newValue
            tidy()
        }
    }

    /// Reads for those who come back that were asked for anew, for they led elsewhere.
    var recoveryAttempts: Int {
        get { reads.known?.attempts ?? 0 }
        set {
            guard newValue != recoveryAttempts else { return }
            reads[orNew: Reads()].attempts = newValue
            tidy()
        }
    }

    /// Of a keyed channel: what was read for those who come back, while its newest publication is still on its way by the bus.
    var pageAhead: HistoryPage? {
        get { reads.known?.pageAhead }
        set {
            guard newValue != nil || reads.known?.pageAhead != nil else { return }
            reads[orNew: Reads()].pageAhead = newValue
            tidy()
        }
    }

    /// A read that must be asked for again once the backplane is back.
    var missedRead: MissedRead? {
        get { reads.known?.missed }
        set {
            reads[orNew: Reads()].missed = newValue
            tidy()
        }
    }

    private func tidy() { if reads.known?.isEmpty == true { reads.clear() } }
}

/// How many subscribers a channel has at each reactor; most channels have some at one alone.
struct SubscriberCounts {
    private var reactor = 0
    private var count = 0
    private var others: [Int: Int] = [:]

    /// Of all reactors.
    var total: Int { others.values.reduce(count, +) }

    subscript(reactor: Int) -> Int {
        get { reactor == self.reactor ? count : others[reactor, default: 0] }
        set {
            if count == 0, others[reactor] == nil { self.reactor = reactor }
            if reactor == self.reactor { count = newValue } else { others[reactor] = newValue > 0 ? newValue : nil }
        }
    }
}
