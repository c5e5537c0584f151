/// Lets one line of a kind into the log in a while, and counts what it held back: whoever can cause a line must not fill a
/// disk with it.
///
/// Thread: owned by one reactor. Size: 16 bytes.
struct LogThrottle {
    /// Time between two lines.
    static let pauseNanoseconds: UInt64 = 10_000_000_000

    private var nextAt: UInt64 = 0
    private var heldBackCount = 0

    /// Says whether a line may be written now, and how many were held back since the last.
    mutating func pass(now: UInt64) -> Int? {
        guard now >= nextAt else {
            heldBackCount += 1
            return nil
        }
        defer { heldBackCount = 0 }
        nextAt = now + Self.pauseNanoseconds
        return heldBackCount
    }
}
