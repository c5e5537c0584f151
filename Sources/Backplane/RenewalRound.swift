internal import Reactor

/// Goes through all of something within a time, an equal share in each tick, and begins anew: so that the leases of very
/// many make no burst.
///
/// Thread: owned by the uplink.
struct RenewalRound<Key> {
    private var left: [Key] = []
    private var share = 0
    private var beginsAtTick: UInt32 = 0

    /// The keys whose turn it is in this tick; `all` is asked when a round begins.
    mutating func next(_ tick: UInt32, within milliseconds: UInt64, seat: ReactorSeat, all: () -> [Key]) -> [Key] {
        if left.isEmpty {
            guard Int32(bitPattern: tick &- beginsAtTick) >= 0 else { return [] }
            left = all()
            let ticks = max(Int(clamping: milliseconds / CoarseClock.tickMilliseconds), 1)
            share = (left.count + ticks - 1) / ticks
            beginsAtTick = seat.tick(afterMilliseconds: milliseconds)
        }
        defer { left.removeLast(min(share, left.count)) }
        return Array(left.suffix(share))
    }
}
