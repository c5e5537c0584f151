internal import Broker
internal import DequeModule
internal import Reactor

/// Channels that nobody wants any more and that are still heard for a while, oldest first.
///
/// Thread: owned by the uplink. A channel that is wanted again stays in the queue until its turn, when its own mark says that
/// it is no longer meant; so that coming and going costs the same however many linger.
struct LingeringChannels {
    /// What is due is looked at in slices: whoever gives up a hundred thousand channels at once must not stop the thread.
    static let slice = 1_000

    private struct Entry {
        let channel: WatchedChannel
        let untilTick: Tick
        let number: UInt64
    }

    private var queue = Deque<Entry>()
    private var nextNumber: UInt64 = 0

    /// Channels that linger.
    private(set) var count = 0

    /// Those that linger, and marks of those that are wanted again.
    var queueCount: Int { queue.count }

    mutating func append(_ channel: WatchedChannel, untilTick: Tick) {
        nextNumber += 1
        channel.lingersAs = nextNumber
        queue.append(Entry(channel: channel, untilTick: untilTick, number: nextNumber))
        count += 1
        // Those that are wanted again cost no more than those that linger.
        if queue.count > 2 * count + Self.slice { queue.removeAll { !Self.isMeant($0) } }
    }

    /// It is wanted again.
    mutating func remove(_ channel: WatchedChannel) {
        guard channel.lingersAs != 0 else { return }
        channel.lingersAs = 0
        count -= 1
    }

    /// Takes the one that was given up first, if there are more than so many.
    mutating func takeOldest(countMax: Int) -> WatchedChannel? {
        guard count > countMax else { return nil }
        return takeOldest { _ in true }
    }

    /// Takes the next one whose time is over.
    mutating func takeDue(_ tick: Tick) -> WatchedChannel? {
        takeOldest { $0.isReached(by: tick) }
    }

    private mutating func takeOldest(where isDue: (Tick) -> Bool) -> WatchedChannel? {
        while let oldest = queue.first {
            guard Self.isMeant(oldest) else {
                queue.removeFirst()
                continue
            }
            guard isDue(oldest.untilTick) else { return nil }
            queue.removeFirst()
            remove(oldest.channel)
            return oldest.channel
        }
        return nil
    }

    private static func isMeant(_ entry: Entry) -> Bool { entry.channel.lingersAs == entry.number }
}
