/// Which of the errors that requests were answered with the log is told of: each once a minute, one a second.
///
/// Thread: owned by the backplane.
struct RedisRefusalLog {
    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private static let repeatNanoseconds: UInt64 = 60_000_000_000

    /// Errors that are remembered. They may name what a client chose; more of them are told again.
    private static let errorsMax = 64

    private var toldAt: [String: UInt64] = [:]
    private var lastToldAt: UInt64?

    /// The first word of what the function library says of data that it cannot have written: `BROKEN <kind> in <key>`.
    static let brokenMark = "BROKEN "

    mutating func isNews(_ error: String, _ now: UInt64) -> Bool {
        let isBroken = error.hasPrefix(Self.brokenMark)
        if !isBroken, let lastToldAt, now < lastToldAt || now - lastToldAt < Self.pauseNanoseconds { return false }
        let cause = isBroken ? Self.kind(of: error) : error
        if let before = toldAt[cause], now < before || now - before < Self.repeatNanoseconds { return false }
        if toldAt.count >= Self.errorsMax { toldAt.removeAll() }
        toldAt[cause] = now
        lastToldAt = now
        return true
    }

    /// Of broken data the kind is the cause, whichever key has it. The library knows a handful of kinds, so each may be told at
    /// once, behind whatever was told a moment ago.
    private static func kind(of error: String) -> String {
        brokenMark + error.dropFirst(brokenMark.count).prefix { $0 != " " }
    }
}
