internal import CReactor

/// The two clocks of a node.
///
/// Sources: `clock_gettime(2)`, `CLOCK_MONOTONIC` for intervals and `CLOCK_REALTIME` for positions.
public enum Clock {
    /// Nanoseconds since an arbitrary start; never goes backwards.
    public static var monotonicNanoseconds: UInt64 { creactor_monotonic_nanoseconds() }

    /// Milliseconds since the Unix epoch; may jump.
    public static var realtimeMilliseconds: UInt64 { creactor_realtime_milliseconds() }
}
