/// How long to wait before the next attempt: what was asked for, and on top of it a random part whose bound doubles with
/// each failure in a row, so that many who lost the same node do not come back in step.
struct Backoff {
    /// The first bound, in milliseconds.
    private static let firstMilliseconds: UInt64 = 250

    /// The last bound, in milliseconds.
    private static let lastMilliseconds: UInt64 = 30_000

    /// The longest wait that is obeyed, in milliseconds: an hour.
    private static let askedMillisecondsMax: UInt64 = 3_600_000

    private var failures = 0

    /// Something worked: the next failure is the first again.
    mutating func reset() { failures = 0 }

    /// Milliseconds to wait after one more failure.
    mutating func next(asked: UInt64?) -> UInt64 {
        let bound = min(Self.lastMilliseconds, Self.firstMilliseconds << UInt64(min(failures, 16)))
        failures += 1
        return min(asked ?? 0, Self.askedMillisecondsMax) + UInt64.random(in: 0...bound)
    }
}
