/// A reactor's clock: read once a turn, counted in ticks.
///
/// Thread: owned by one reactor. Size: 24 bytes.
public struct CoarseClock: Sendable {
    /// Length of one tick.
    public static var tickMilliseconds: UInt64 { 250 }

    /// Nanoseconds of the monotonic clock when this turn began.
    public private(set) var now: UInt64

    /// The current tick.
    public private(set) var tick: UInt32 = 0

    private let start: UInt64

    /// Makes a clock that stands at tick 0.
    public init() {
        start = Clock.monotonicNanoseconds
        now = start
    }

    /// The first tick that stands at least so many milliseconds from now.
    public func tick(afterMilliseconds milliseconds: UInt64) -> UInt32 {
        let end = (now - start) / 1_000_000 + milliseconds
        return UInt32(truncatingIfNeeded: (end + Self.tickMilliseconds) / Self.tickMilliseconds)
    }

    /// Milliseconds until the next tick is due.
    public var millisecondsToNextTick: Int32 {
        let elapsed = (Clock.monotonicNanoseconds - start) / 1_000_000
        let next = (elapsed / Self.tickMilliseconds + 1) * Self.tickMilliseconds
        return Int32(clamping: next - elapsed)
    }

    /// Reads the time; `advance` says later whether a tick came due. A simulation brings its own time.
    mutating func read(_ nanoseconds: UInt64 = Clock.monotonicNanoseconds) {
        now = nanoseconds
    }

    /// The tick that came due, or `nil` while the last one lasts.
    mutating func advance() -> UInt32? {
        let due = UInt32(truncatingIfNeeded: (now - start) / (Self.tickMilliseconds * 1_000_000))
        guard due != tick else { return nil }
        tick = due
        return due
    }
}
