internal import Broker

/// Which channels are wanted, which Redis was asked for, and which it has acknowledged.
///
/// Thread: owned by the subscription link. Size: a byte beside each name, in a dictionary of them. Who wants channels and gives them up faster than
/// Redis takes them costs Redis nothing for those that were given up in time, and this list no more than those that are
/// wanted.
struct SubscriptionList {
    /// Names of one command, whose acknowledgements come in this order.
    struct Batch {
        let isLeaving: Bool
        var names: ArraySlice<ChannelName>

        var halves: (Batch, Batch) {
            let middle = names.startIndex + names.count / 2
            return (
                Batch(isLeaving: isLeaving, names: names[..<middle]),
                Batch(isLeaving: isLeaving, names: names[middle...])
            )
        }
    }

    /// Names in the queue that nobody wants and that are not worth a look at the others.
    private static let staleMax = 1_024

    private enum Standing: UInt8 {
        case absent
        case entering
        case heard
        case leaving
    }

    /// What is known of a channel: in one byte, for there are as many as the node has channels.
    private struct Entry {
        private var bits: UInt8

        init(isQueued: Bool = false, isAwaited: Bool = false) {
            bits = Self.wanted
            self.isQueued = isQueued
            self.isAwaited = isAwaited
        }

        private static let standings: UInt8 = 0b11
        private static let wanted: UInt8 = 0b100
        private static let queued: UInt8 = 0b1000
        private static let awaited: UInt8 = 0b1_0000

        var standing: Standing {
            get { Standing(rawValue: bits & Self.standings) ?? .absent }
            set { bits = bits & ~Self.standings | newValue.rawValue }
        }

        var isWanted: Bool {
            get { bits & Self.wanted != 0 }
            set { set(Self.wanted, newValue) }
        }

        /// It stands in `queue`.
        var isQueued: Bool {
            get { bits & Self.queued != 0 }
            set { set(Self.queued, newValue) }
        }

        /// It was wanted when the link was made, and is not settled yet.
        var isAwaited: Bool {
            get { bits & Self.awaited != 0 }
            set { set(Self.awaited, newValue) }
        }

        private mutating func set(_ bit: UInt8, _ isSet: Bool) {
            if isSet { bits |= bit } else { bits &= ~bit }
        }
    }

    private var entries: [ChannelName: Entry] = [:]

    /// What may have to be asked, oldest first.
    private var queue = BurstQueue<ChannelName>()

    /// Those in `queue` that nobody wants any more and Redis never heard of.
    private var staleCount = 0
    /// Channels that were wanted when the link was made and are not heard yet.
    private(set) var awaitedCount = 0
    private var underWay = 0

    /// Whether some of the channels that were wanted when the link was made are not heard yet.
    var isRestarting: Bool { awaitedCount > 0 }

    /// Channels it knows of, and those that may have to be asked for.
    var count: Int { entries.count }
    var queueCount: Int { queue.count }

    // MARK: Wanting

    /// Says whether the channel is heard already: it was given up, and Redis was not told yet.
    mutating func want(_ channel: ChannelName) -> Bool {
        var entry = entries[channel] ?? Entry()
        if entry.isQueued, !entry.isWanted, entry.standing == .absent { staleCount -= 1 }
        entry.isWanted = true
        if entry.standing == .absent { enqueue(channel, &entry) }
        entries[channel] = entry
        return entry.standing == .heard
    }

    mutating func giveUp(_ channel: ChannelName) {
        guard var entry = entries[channel], entry.isWanted else { return }
        entry.isWanted = false
        settle(&entry)
        switch entry.standing {
        case .heard: enqueue(channel, &entry)
        case .absent where entry.isQueued: staleCount += 1
        case .absent, .entering, .leaving: break
        }
        entries[channel] = entry
        if staleCount > max(queue.count / 2, Self.staleMax) { forgetStale() }
    }

    private mutating func enqueue(_ channel: ChannelName, _ entry: inout Entry) {
        guard !entry.isQueued else { return }
        entry.isQueued = true
        queue.append(channel)
    }

    private mutating func settle(_ entry: inout Entry) {
        guard entry.isAwaited else { return }
        entry.isAwaited = false
        awaitedCount -= 1
    }

    private mutating func forgetStale() {
        staleCount = 0
        var kept = BurstQueue<ChannelName>()
        for channel in queue.all {
            if let entry = entries[channel], entry.isWanted || entry.standing != .absent {
                kept.append(channel)
            } else {
                entries[channel] = nil
            }
        }
        queue = kept
    }

    // MARK: Asking

    /// The next names to be asked for, all to enter or all to leave; none while so many are asked for and not acknowledged.
    mutating func nextBatch(underWayMax: Int) -> Batch? {
        var names: [ChannelName] = []
        var isLeaving = false
        while underWay < underWayMax, let channel = queue.first {
            guard var entry = entries[channel] else {
                _ = queue.popFirst()
                continue
            }
            let isDue = entry.isWanted ? entry.standing == .absent : entry.standing == .heard
            if isDue, !names.isEmpty, isLeaving == entry.isWanted { break }
            _ = queue.popFirst()
            entry.isQueued = false
            if isDue {
                isLeaving = !entry.isWanted
                entry.standing = isLeaving ? .leaving : .entering
                names.append(channel)
                underWay += 1
            }
            if !entry.isWanted, entry.standing == .absent {
                entries[channel] = nil
                staleCount -= 1
            } else {
                entries[channel] = entry
            }
        }
        return names.isEmpty ? nil : Batch(isLeaving: isLeaving, names: names[...])
    }

    /// Redis did what it was asked; says whether a channel that is wanted is heard from now on.
    mutating func acknowledge(_ channel: ChannelName, isLeaving: Bool) -> Bool {
        underWay -= 1
        guard var entry = entries[channel] else { return false }
        entry.standing = isLeaving ? .absent : .heard
        settle(&entry)
        if entry.isWanted == isLeaving { enqueue(channel, &entry) }
        let isGone = entry.standing == .absent && !entry.isWanted && !entry.isQueued
        entries[channel] = isGone ? nil : entry
        return entry.isWanted && !isLeaving
    }

    /// Redis did not let the node hear a channel; says whether somebody still wants it, and forgets it.
    mutating func refuse(_ channel: ChannelName) -> Bool {
        underWay -= 1
        guard var entry = entries.removeValue(forKey: channel) else { return false }
        settle(&entry)
        return entry.isWanted
    }

    /// The channel is heard somewhere else from now on, if anybody wants it: says whether that is so, and forgets it.
    mutating func evict(_ channel: ChannelName) -> Bool {
        guard var entry = entries.removeValue(forKey: channel) else { return false }
        if entry.standing == .entering || entry.standing == .leaving { underWay -= 1 }
        if entry.isQueued, !entry.isWanted, entry.standing == .absent { staleCount -= 1 }
        settle(&entry)
        return entry.isWanted
    }

    /// All that are wanted are heard somewhere else from now on.
    mutating func evictAll() -> [ChannelName] {
        let wanted = entries.filter(\.value.isWanted).keys
        self = SubscriptionList()
        return Array(wanted)
    }

    /// The link is lost: what is wanted is to be asked for anew.
    mutating func restart() {
        let wanted = entries.filter(\.value.isWanted).keys
        self = SubscriptionList()
        entries.reserveCapacity(wanted.count)
        for channel in wanted { entries[channel] = Entry(isQueued: true, isAwaited: true) }
        queue = BurstQueue(wanted)
        awaitedCount = wanted.count
    }
}
