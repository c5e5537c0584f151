internal import Broker

/// One channel as the uplink sees it: who wants it, how far it was delivered, and what is being read.
///
/// Thread: owned by the uplink. Size: 152 bytes, and what is seldom there: a node may hear a hundred thousand.
final class WatchedChannel: OfChannel {
    let name: ChannelName

    /// Reactors with subscribers, a bit each.
    var reactors: UInt64 = 0

    /// Reactors that still have to be told that the channel is open.
    var reactorsToOpen: UInt64 = 0

    private var rare = Seldom<Rare>()

    /// Subscribers by reactor.
    var counts = SubscriberCounts()

    // Side by side: what stands apart from others of its size takes as much as the largest.
    /// Whether the node hears it by itself.
    var isSubscribed = false

    /// Whether reactors were told that it waits for a read.
    var isTold = false

    var isInTailLine = false

    /// Whether the node hears it no longer.
    var isGone = false

    /// Whether the counts changed since the backplane was told.
    var isCountDue = false

    /// Whether the backplane was told of some, and must be told when there are none.
    var isCounted = false

    /// Whether the newest of each key is kept of it; known once somebody has come back.
    var isKeyed = false

    /// The patterns of the node among which those were looked for that stand for it.
    var patternsVersion: UInt32 = 0

    /// Patterns by which it is heard.
    var patternCount: UInt32 = 0

    /// What its tail was counted with, see `TailMemory`; that has four gigabytes at most.
    private var storedTailBytes: UInt32 = 0
    var tailBytes: Int {
        get { Int(storedTailBytes) }
        set { storedTailBytes = UInt32(clamping: newValue) }
    }

    /// The chain.
    var continuity: Continuity

    /// What is seldom there: what is to be read for somebody, and what there is of one that nobody wants or that waits.
    private struct Rare {
        var recoveries: [Position: UInt64] = [:]
        var recoveryUnderWay: Position?
        var missed: MissedRead?
        var attempts = 0
        var pageAhead: HistoryPage?
        var reactorsMissed: UInt64 = 0
        var heldBytes = 0
        var lingersAs: UInt64 = 0

        var isEmpty: Bool {
            recoveries.isEmpty && recoveryUnderWay == nil && attempts == 0 && missed == nil && pageAhead == nil
                && reactorsMissed == 0 && heldBytes == 0 && lingersAs == 0
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

    /// Reactors whose inbox was full when there was something for them.
    var reactorsMissed: UInt64 {
        get { rare.known?.reactorsMissed ?? 0 }
        set { set(\.reactorsMissed, newValue) }
    }

    /// What waits for a read of it was counted with.
    var heldBytes: Int {
        get { rare.known?.heldBytes ?? 0 }
        set { set(\.heldBytes, newValue) }
    }

    /// Its mark among those that nobody wants, or 0; see `LingeringChannels`.
    var lingersAs: UInt64 {
        get { rare.known?.lingersAs ?? 0 }
        set { set(\.lingersAs, newValue) }
    }

    /// Sets a number that mostly is 0, and stays so.
    private func set<Number: FixedWidthInteger>(_ number: WritableKeyPath<Rare, Number>, _ value: Number) {
        guard rare.known?[keyPath: number] ?? 0 != value else { return }
        rare[orNew: Rare()][keyPath: number] = value
        tidy()
    }

    // MARK: Reads

    /// Positions clients come back with that the tail does not reach, and the reactors that ask.
    var recoveries: [Position: UInt64] {
        get { rare.known?.recoveries ?? [:] }
        _modify {
            // In place: ten thousand clients may come back to one channel.
            yield &rare[orNew: Rare()].recoveries
            tidy()
        }
    }

    /// The oldest position the recovery read under way covers.
    var recoveryUnderWay: Position? {
        get { rare.known?.recoveryUnderWay }
        set {
            rare[orNew: Rare()].recoveryUnderWay = newValue
            tidy()
        }
    }

    /// Reads for those who come back that were asked for anew, for they led elsewhere.
    var recoveryAttempts: Int {
        get { rare.known?.attempts ?? 0 }
        set {
            guard newValue != recoveryAttempts else { return }
            rare[orNew: Rare()].attempts = newValue
            tidy()
        }
    }

    /// Of a keyed channel: what was read for those who come back, while its newest publication is still on its way by the bus.
    var pageAhead: HistoryPage? {
        get { rare.known?.pageAhead }
        set {
            guard newValue != nil || rare.known?.pageAhead != nil else { return }
            rare[orNew: Rare()].pageAhead = newValue
            tidy()
        }
    }

    /// A read that must be asked for again once the backplane is back.
    var missedRead: MissedRead? {
        get { rare.known?.missed }
        set {
            rare[orNew: Rare()].missed = newValue
            tidy()
        }
    }

    private func tidy() { if rare.known?.isEmpty == true { rare.clear() } }
}

/// How many subscribers a channel has at each reactor; most channels have some at one alone.
///
/// Size: 13 bytes, and a dictionary where there are several reactors with some.
struct SubscriberCounts {
    private var others: [Int: Int] = [:]
    private var count: UInt32 = 0
    private var reactor: UInt8 = 0

    /// Of all reactors.
    var total: Int { others.values.reduce(Int(count), +) }

    subscript(reactor: Int) -> Int {
        get { reactor == Int(self.reactor) ? Int(count) : others[reactor, default: 0] }
        set {
            if count == 0, others[reactor] == nil { self.reactor = UInt8(clamping: reactor) }
            if reactor == Int(self.reactor) {
                count = UInt32(clamping: newValue)
            } else {
                others[reactor] = newValue > 0 ? newValue : nil
            }
        }
    }
}
