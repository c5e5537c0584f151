/// A reactor's clock: read once a turn, counted in ticks.
///
/// Thread: owned by one reactor. Size: 24 bytes.
public struct CoarseClock: Sendable {
    /// Nanoseconds of the monotonic clock when this turn began.
    public private(set) var now: UInt64

    /// The current tick.
    public private(set) var tick = Tick.start

    private let start: UInt64

    /// Makes a clock that stands at tick 0.
    public init() {
        start = Clock.monotonicNanoseconds
        now = start
    }

    /// The first tick that stands at least so many milliseconds from now.
    public func tick(afterMilliseconds milliseconds: UInt64) -> Tick {
        let end = (now - start) / 1_000_000 + milliseconds
        return Tick(number: UInt32(truncatingIfNeeded: (end + Tick.milliseconds) / Tick.milliseconds))
    }

    /// Milliseconds until the next tick is due.
    public var millisecondsToNextTick: Int32 {
        let elapsed = (Clock.monotonicNanoseconds - start) / 1_000_000
        let next = (elapsed / Tick.milliseconds + 1) * Tick.milliseconds
        return Int32(clamping: next - elapsed)
    }

    /// Reads the time; `advance` says later whether a tick came due. A simulation brings its own time.
    mutating func read(_ nanoseconds: UInt64 = Clock.monotonicNanoseconds) {
        now = nanoseconds
    }

    /// The tick that came due, or `nil` while the last one lasts.
    mutating func advance() -> Tick? {
        let due = Tick(number: UInt32(truncatingIfNeeded: (now - start) / (Tick.milliseconds * 1_000_000)))
        guard due != tick else { return nil }
        tick = due
        return due
    }
}
