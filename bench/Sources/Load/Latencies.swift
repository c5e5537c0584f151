internal import Histogram

/// Latencies in microseconds.
///
/// Up to 10 minutes with three significant digits: an overloaded server shows as seconds, not as a missing sample.
struct Latencies: Codable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 600_000_000,
        numberOfSignificantValueDigits: .three
    )

    mutating func record(nanoseconds: UInt64) { _ = histogram.record(min(nanoseconds / 1_000, 600_000_000)) }

    mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

    /// The figures that are reported.
    struct Summary: Codable {
        let count: Int
        let p50: UInt64
        let p90: UInt64
        let p99: UInt64
        let p999: UInt64
        let max: UInt64
    }

    var summary: Summary {
        Summary(
            count: Int(histogram.totalCount),
            p50: histogram.valueAtPercentile(50),
            p90: histogram.valueAtPercentile(90),
            p99: histogram.valueAtPercentile(99),
            p999: histogram.valueAtPercentile(99.9),
            max: histogram.totalCount == 0 ? 0 : histogram.maxRecorded
        )
    }
}
