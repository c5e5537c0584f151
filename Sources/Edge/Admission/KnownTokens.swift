internal import Broker
internal import Crypto

/// What became of tokens that were looked at, by their hashes.
///
/// Thread: owned by one reactor. Memory: 120 bytes for each token of two periods, up to a ceiling; past it nothing is remembered, and
/// each request is looked at by itself.
struct KnownTokens {
    /// A token is not kept, and nothing that is kept shows it.
    typealias Key = SHA256.Digest

    static func key(of token: String) -> Key { SHA256.hash(data: Array(token.utf8)) }

    private let countMax: Int
    private var now: [Key: Result<Identity, TokenFault>] = [:]
    private var before: [Key: Result<Identity, TokenFault>] = [:]

    init(countMax: Int) { self.countMax = countMax }

    /// What is known of a token; one whose time is over is expired since.
    mutating func find(_ key: Key, nowMilliseconds: UInt64) -> Result<Identity, TokenFault>? {
        guard let known = now[key] ?? before[key] else { return nil }
        if case .success(let identity) = known, identity.isOver(at: nowMilliseconds) {
            insert(.failure(.expired), for: key)
            return .failure(.expired)
        }
        if now[key] == nil { insert(known, for: key) }
        return known
    }

    mutating func insert(_ outcome: Result<Identity, TokenFault>, for key: Key) {
        if now.count >= countMax, now[key] == nil { turn() }
        now[key] = outcome
    }

    /// A period is over: what was not asked for in it is forgotten with the next.
    mutating func turn() {
        before = now
        now.removeAll()
    }
}
