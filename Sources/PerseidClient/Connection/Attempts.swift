/// Decides what follows a link that is over: the next transport or the next node, at once or after a while, or nothing any more.
///
/// All times are milliseconds of one monotonic clock.
struct Attempts {
    /// What follows.
    struct Verdict {
        enum Next: Equatable {
            case atOnce
            case wait(milliseconds: UInt64)
            /// It is over for good.
            case over
        }

        let next: Next

        /// Whether the session is gone, or somebody else's: then the client goes on with its cursor alone.
        var losesSession = false

        /// Whether the token that was shown is not taken.
        var losesToken = false
    }

    private let addressCount: Int
    private let isTokenRenewable: Bool
    private var ladder: Ladder
    private var backoff = Backoff()

    /// The address that is next.
    private(set) var addressIndex = 0

    /// Attempts in a row that found no node, and tokens in a row that were refused.
    private var missingCount = 0
    private var refusedTokenCount = 0

    init(_ transports: [Transport], addressCount: Int, isTokenRenewable: Bool) {
        ladder = Ladder(transports)
        self.addressCount = addressCount
        self.isTokenRenewable = isTokenRenewable
    }

    /// The transport that is next.
    var transport: Transport { ladder.transport }

    // MARK: What goes well

    /// A link speaks. Returns when a better transport is to be tried; nothing if there is none.
    mutating func noteOpen(now: UInt64) -> UInt64? {
        missingCount = 0
        ladder.stay(now: now)
        return ladder.climbMilliseconds
    }

    /// A node takes the client in: the token that was shown, too.
    mutating func noteWelcome() { refusedTokenCount = 0 }

    /// A link held for a while: the next failure is the first again.
    mutating func noteGood() { backoff.reset() }

    /// A better transport is to be tried.
    mutating func climb(now: UInt64) { ladder.climb(now: now) }

    // MARK: What does not

    /// Takes note of why a link is over. Without the one of several channels that is refused the next may be better.
    mutating func learn(_ end: LinkEnd, wasOpen: Bool, isOfChannel: Bool = false, now: UInt64) -> Verdict {
        if isOfChannel { return Verdict(next: .wait(milliseconds: backoff.next(asked: nil))) }
        if case .refused(let error) = end { return accept(error, now: now) }
        if wasOpen {
            leave(now: now)
            return Verdict(next: .wait(milliseconds: backoff.next(asked: nil)))
        }
        // It never spoke: either there is no node, or no way for this transport. Where there is none the next one tells.
        if case .blocked = end, ladder.descend(now: now) { return Verdict(next: .atOnce) }
        leave(now: now)
        missingCount += 1
        let hasOthers = missingCount % addressCount != 0
        return Verdict(next: .wait(milliseconds: hasOthers ? 0 : backoff.next(asked: nil)))
    }

    /// A node said goodbye, or something else than what was asked for.
    private mutating func accept(_ error: PerseidError, now: UInt64) -> Verdict {
        let isOfSession = error.field == "session" || error.code == 4_001 || error.code == 4_003
        let isOfToken = !isOfSession && [401, 4_010, 4_011].contains(error.code)
        if isOfToken {
            // The next token may be taken, and if not, there is no use in a third.
            guard isTokenRenewable, refusedTokenCount == 0 else { return Verdict(next: .over, losesToken: true) }
            refusedTokenCount += 1
        } else if error.isFinal, !isOfSession {
            return Verdict(next: .over)
        }
        ladder.climb(now: now)
        // The node is going away, or its Redis is; or it is no node, or has too much to do: another one may do better.
        if error.code < 1_000 || error.code == 4_000 || error.code == 4_002 { leave(now: now) }
        return Verdict(
            next: .wait(milliseconds: backoff.next(asked: error.retryMilliseconds)),
            losesSession: isOfSession,
            losesToken: isOfToken
        )
    }

    /// Turns to the next node.
    private mutating func leave(now: UInt64) {
        ladder.climb(now: now)
        addressIndex = (addressIndex + 1) % addressCount
    }
}
