internal import Broker

/// How long a link waits for Redis to answer before it is given up.
///
/// Thread: owned by the link. A Redis that is slow has more to do with each link that is made anew than with one that waits: a greeting, all
/// channels to be heard, all to be read. Fifty-six nodes that gave up theirs after three seconds, again and again, kept one that had a fiftieth
/// of a core from ever coming to an end. So who waited in vain and is not done with what a new link asks for waits longer the next time.
struct RedisPatience {
    private let millisecondsMin: UInt64
    private let millisecondsMax: UInt64

    /// How long it waits now.
    private(set) var milliseconds: UInt64

    /// Whether all that a new link asks for was answered since it was waited for in vain.
    private var isSettled = true

    init(limits: Limits) {
        millisecondsMin = limits.redisMilliseconds
        millisecondsMax = max(limits.redisMilliseconds, limits.redisMillisecondsMax)
        milliseconds = limits.redisMilliseconds
    }

    /// Whether a moment is longer ago than that.
    func isOver(since moment: UInt64, _ now: UInt64) -> Bool {
        now > moment && (now - moment) / 1_000_000 > milliseconds
    }

    /// It was waited for in vain. The time doubles, less up to a quarter: nodes that lost their links together do not come back together.
    mutating func runOut() {
        defer { isSettled = false }
        guard !isSettled else { return }
        let doubled = milliseconds > millisecondsMax / 2 ? millisecondsMax : 2 * milliseconds
        milliseconds = max(millisecondsMin, UInt64.random(in: (doubled - doubled / 4)...doubled))
    }

    /// All is heard and read: the next silence is the first again.
    mutating func settle() {
        isSettled = true
        milliseconds = millisecondsMin
    }
}
