internal import Broker

/// A search for the channels of some patterns, of which a node has one at a time: it goes through all keys, however many patterns
/// look for theirs.
///
/// Thread: owned by the uplink.
struct PatternSearch {
    /// Patterns that one search looks for: their names go with each part, which then takes 1.6 ms of Redis
    /// and not half a one (10,000 channels on the machine of RESULTS.md).
    static let patternsMax = 256

    /// Searches take a fifth of the time at most: Redis belongs to those who publish.
    static let timesMin: UInt64 = 5

    /// How far that may be gone beyond for a while: who subscribes to one pattern after the other does not wait where there are few keys.
    static let aheadNanoseconds: UInt64 = 100_000_000

    /// Each has its own.
    let number: UInt64

    /// What it looks for.
    let patterns: PatternSet

    /// When it was asked for, in nanoseconds of the reactor's clock.
    let begin: UInt64

    /// Whether a part was answered.
    var isAnswered = false

    /// The earliest time that a part was of, in milliseconds of its master's clock. Each part is of a time of its own: what began later,
    /// at whichever master, may have been neither found nor heard.
    var earliestMilliseconds = UInt64.max
}
