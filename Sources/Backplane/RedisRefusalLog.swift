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

    mutating func isNews(_ error: String, _ now: UInt64) -> Bool {
        if let lastToldAt, now < lastToldAt || now - lastToldAt < Self.pauseNanoseconds { return false }
        if let before = toldAt[error], now < before || now - before < Self.repeatNanoseconds { return false }
        if toldAt.count >= Self.errorsMax { toldAt.removeAll() }
        toldAt[error] = now
        lastToldAt = now
        return true
    }
}
