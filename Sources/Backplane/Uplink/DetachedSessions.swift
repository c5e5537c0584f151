internal import Reactor

/// How many sessions a node let go of that can still be resumed. The backplane has them and the node forgot their names, so
/// they are only counted, by when they were left.
///
/// Thread: owned by the uplink. Size: a ring of buckets, each for a part of the time in which a session can be resumed.
struct DetachedSessions {
    /// Parts of that time; one more is being filled.
    private static let parts: UInt64 = 15

    private var buckets = [Int](repeating: 0, count: Int(clamping: parts) + 1)
    private var current = 0
    private var nextTick: Tick = .start

    /// Those that may still be resumed.
    private(set) var count = 0

    /// One was left.
    mutating func add() {
        buckets[current] += 1
        count += 1
    }

    /// One was resumed here: most likely one that was left of late. It may have been another node's; that node's count is
    /// then too high by one for a while, and the sum of all is right.
    mutating func resume() {
        for age in buckets.indices {
            let place = (current + buckets.count - age) % buckets.count
            guard buckets[place] > 0 else { continue }
            buckets[place] -= 1
            count -= 1
            return
        }
    }

    /// Forgets those whose time is over.
    mutating func advance(_ tick: Tick, resumeMilliseconds: UInt64, seat: ReactorSeat) {
        guard nextTick.isReached(by: tick) else { return }
        nextTick = seat.tick(afterMilliseconds: resumeMilliseconds / Self.parts)
        current = (current + 1) % buckets.count
        count -= buckets[current]
        buckets[current] = 0
    }
}
