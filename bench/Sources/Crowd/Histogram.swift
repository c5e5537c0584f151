/// Distributions on the board, in microseconds: eight buckets for each power of two, so a value is known to 12 %.
enum Histogram: Int, CaseIterable {
    /// From publishing to a client that kept its connection.
    case delivery
    /// The same, to clients that have lost one since the last `settle`.
    case deliveryAfterLoss
    /// From losing a connection to being subscribed again.
    case absence
    /// From beginning to connect to being subscribed.
    case connect

    static let bucketCount = 512
    private static let perDouble = 8

    @inline(__always)
    static func bucket(of microseconds: UInt64) -> Int {
        guard microseconds >= 8 else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        let part = Int(truncatingIfNeeded: microseconds >> UInt64(exponent - 3)) & (perDouble - 1)
        return min(bucketCount - 1, (exponent - 2) * perDouble + part)
    }
}
