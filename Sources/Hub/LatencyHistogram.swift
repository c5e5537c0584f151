public import Broker

/// Counts by upper bound in milliseconds.
///
/// Positions carry milliseconds, so finer bounds would say nothing.
public final class LatencyHistogram: Sendable {
    /// Upper bounds; one more bucket holds the rest.
    public static let boundsMilliseconds: [UInt64] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000]

    /// Observations per bucket, not cumulated.
    public let buckets = (0...boundsMilliseconds.count).map { _ in Counter() }

    /// Sum of all observations, in milliseconds.
    public let sumMilliseconds = Counter()

    /// Starts at zero.
    public init() {}

    /// Counts one observation; only the owning thread may.
    func observe(milliseconds: UInt64) {
        let bucket = Self.boundsMilliseconds.firstIndex { milliseconds <= $0 } ?? Self.boundsMilliseconds.count
        buckets[bucket].add()
        sumMilliseconds.add(Int(clamping: milliseconds))
    }
}
