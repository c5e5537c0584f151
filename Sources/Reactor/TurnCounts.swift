/// How long a reactor's turns were: from the end of one wait to the start of the next, which is how long whoever came in between
/// had to wait.
///
/// Thread: owned by one reactor. Size: 96 bytes.
public struct TurnCounts: Sendable {
    /// Upper bounds in microseconds; one more bucket holds the rest.
    public static let boundsMicroseconds: [UInt64] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000,
    ]

    /// Turns per bucket, not cumulated.
    public private(set) var buckets = [Int](repeating: 0, count: boundsMicroseconds.count + 1)

    /// Length of all turns together, in microseconds.
    public private(set) var sumMicroseconds: UInt64 = 0

    mutating func add(nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1_000
        sumMicroseconds &+= microseconds
        var bucket = 0
        while bucket < Self.boundsMicroseconds.count, microseconds > Self.boundsMicroseconds[bucket] { bucket += 1 }
        buckets[bucket] += 1
    }
}
