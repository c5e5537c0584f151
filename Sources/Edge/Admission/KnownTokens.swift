internal import Broker

/// What became of tokens that were looked at, by their hashes: nothing that is kept shows a token.
///
/// Thread: owned by one reactor. Memory: an entry of 56 bytes for each token of two periods, beside what it says; past a ceiling the older
/// ones are forgotten.
struct KnownTokens {
    private struct Known {
        let outcome: Result<Identity, TokenFault>
        /// When it must be looked at anew; a token that is not valid yet may be by then.
        let endMilliseconds: UInt64
    }

    /// How long a token is said to be refused that may be taken soon: one that is not valid yet, and one whose key nobody knows.
    private static let notYetMilliseconds: UInt64 = 1_000

    private let countMax: Int
    private var now: [SecretHash: Known] = [:]
    private var before: [SecretHash: Known] = [:]

    init(countMax: Int) { self.countMax = countMax }

    /// What is known of a token; one whose time is over is expired since.
    mutating func find(_ key: SecretHash, nowMilliseconds: UInt64) -> Result<Identity, TokenFault>? {
        guard let known = now[key] ?? before[key], nowMilliseconds < known.endMilliseconds else { return nil }
        if case .success(let identity) = known.outcome, identity.isOver(at: nowMilliseconds) {
            return .failure(.expired)
        }
        if now[key] == nil { keep(known, for: key) }
        return known.outcome
    }

    mutating func insert(_ outcome: Result<Identity, TokenFault>, for key: SecretHash, nowMilliseconds: UInt64) {
        var end = UInt64.max
        switch outcome {
        case .failure(.notYetValid), .failure(.unknownKey): end = nowMilliseconds + Self.notYetMilliseconds
        default: break
        }
        keep(Known(outcome: outcome, endMilliseconds: end), for: key)
    }

    private mutating func keep(_ known: Known, for key: SecretHash) {
        if now.count >= countMax, now[key] == nil { turn() }
        now[key] = known
    }

    /// A period is over: what was not asked for in it is forgotten with the next.
    mutating func turn() {
        before = now
        now.removeAll()
    }
}
