internal import Reactor

/// Goes through all of something within a time, an equal share in each tick, and begins anew: so that the leases of very
/// many make no burst.
///
/// Thread: owned by the uplink.
struct RenewalRound<Key> {
    private var left: [Key] = []
    private var share = 0
    private var beginsAtTick: Tick = .start

    /// The keys whose turn it is in this tick; `all` is asked when a round begins.
    mutating func next(_ tick: Tick, within milliseconds: UInt64, seat: ReactorSeat, all: () -> [Key]) -> [Key] {
        if left.isEmpty {
            guard beginsAtTick.isReached(by: tick) else { return [] }
            left = all()
            let steps = Tick.steps(in: milliseconds)
            share = (left.count + steps - 1) / steps
            beginsAtTick = seat.tick(afterMilliseconds: milliseconds)
        }
        defer { left.removeLast(min(share, left.count)) }
        return Array(left.suffix(share))
    }
}
