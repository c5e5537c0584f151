/// What the log says of one link: each change once, each reason once until the link is made again, one line a second. An
/// outage of an hour is a line or two, whatever is tried meanwhile.
///
/// Thread: owned by the backplane.
struct RedisLinkLog {
    /// One line: the link was made, or lost for a reason.
    struct Line: Equatable {
        let reason: String?
    }

    private static let pauseNanoseconds: UInt64 = 1_000_000_000

    /// Reasons that are remembered as told; more of them are told again.
    private static let reasonsMax = 16

    private var current: Line?
    private var told: Line?
    private var toldReasons: Set<String> = []
    private var toldAt: UInt64?

    /// Why the link is down, if it is.
    var trouble: String? { current?.reason }

    /// The link was made, or lost for a reason.
    mutating func note(_ reason: String?) { current = Line(reason: reason) }

    /// What is to be said now.
    mutating func takeLine(_ now: UInt64) -> Line? {
        guard let current, current != told else { return nil }
        if let toldAt, now < toldAt || now - toldAt < Self.pauseNanoseconds { return nil }
        told = current
        if let reason = current.reason {
            if toldReasons.count >= Self.reasonsMax { toldReasons.removeAll() }
            guard toldReasons.insert(reason).inserted else { return nil }
        } else {
            toldReasons.removeAll()
        }
        toldAt = now
        return current
    }
}
