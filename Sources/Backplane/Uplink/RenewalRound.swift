internal import Reactor

/// Goes through all of something within a time, an equal share in each tick, and begins anew: so that the leases of very
/// many make no burst. Where they are more than may be renewed in that time, it takes longer, and their leases have to last longer.
///
/// Thread: owned by the uplink.
struct RenewalRound<Key> {
    private var left: [Key] = []
    private var share = 0
    private var beginsAtTick: Tick = .start

    /// How long the round under way takes; 0 before the first.
    private(set) var milliseconds: UInt64 = 0

    /// The keys whose turn it is in this tick; `all` is asked when a round begins. Two rounds may lie between two turns of a key, and the
    /// second is at most twice as long as the first.
    mutating func next(
        _ tick: Tick,
        within millisecondsMin: UInt64,
        perSecondMax: Int = .max,
        seat: ReactorSeat,
        all: () -> [Key]
    ) -> [Key] {
        if left.isEmpty {
            guard beginsAtTick.isReached(by: tick) else { return [] }
            left = all()
            let wanted = UInt64(left.count) * 1_000 / UInt64(max(perSecondMax, 1))
            milliseconds = max(millisecondsMin, min(wanted, 2 * max(milliseconds, millisecondsMin)))
            let steps = Tick.steps(in: milliseconds)
            share = (left.count + steps - 1) / steps
            beginsAtTick = seat.tick(afterMilliseconds: milliseconds)
        }
        defer { left.removeLast(min(share, left.count)) }
        return Array(left.suffix(share))
    }
}
