/// Which errors about broken data in Redis the log is told of: each kind of data once a minute, for what one key answers it
/// answers to everybody who asks.
///
/// Thread: owned by the backplane. What is said of other things passes.
struct BrokenDataLog {
    private static let repeatNanoseconds: UInt64 = 60_000_000_000

    /// The first word of what the function library says of data that it cannot have written: `BROKEN <kind> in <key>`.
    static let mark = "BROKEN "

    /// The kinds are the library's and few; should there ever be more of them, they are told again.
    private static let kindsMax = 64

    private var toldAt: [String: UInt64] = [:]

    mutating func isNews(_ error: String, _ now: UInt64) -> Bool {
        guard error.hasPrefix(Self.mark) else { return true }
        let kind = String(error.dropFirst(Self.mark.count).prefix { $0 != " " })
        if let before = toldAt[kind], now >= before, now - before < Self.repeatNanoseconds { return false }
        if toldAt.count >= Self.kindsMax { toldAt.removeAll() }
        toldAt[kind] = now
        return true
    }
}
