/// That tokens are not to be taken any more, though they are signed and their time is not over.
public struct Revocation: Sendable, Equatable {
    /// Whose.
    public enum Target: Sendable, Hashable {
        /// The one with this `jti`.
        case token(String)
        /// All of a user that were issued up to then.
        case user(String)
    }

    public let target: Target

    /// When it was said, in milliseconds of the realtime clock. A token of the same second is older.
    public let milliseconds: UInt64

    /// When it is forgotten: what it is about is over by then.
    public let endMilliseconds: UInt64

    /// Makes one.
    public init(_ target: Target, milliseconds: UInt64, endMilliseconds: UInt64) {
        self.target = target
        self.milliseconds = milliseconds
        self.endMilliseconds = endMilliseconds
    }

    /// Whether it is about whoever this is. What does not say when it was issued is older, too.
    func concerns(_ identity: Identity) -> Bool {
        switch target {
        case .token(let name): identity.tokenID == name
        case .user(let name): identity.user == name && identity.issuedMilliseconds ?? 0 <= milliseconds
        }
    }
}

/// All that a node knows of.
///
/// Thread: owned by one reactor. Memory: some 100 bytes and a name for each, up to a ceiling.
public struct Revocations: Sendable {
    private var all: [Revocation.Target: Revocation] = [:]

    /// None.
    public init() {}

    /// How many there are.
    public var count: Int { all.count }

    /// Notes one more; of two for the same the later counts.
    public mutating func insert(_ revocation: Revocation) {
        if let known = all[revocation.target], known.milliseconds >= revocation.milliseconds,
            known.endMilliseconds >= revocation.endMilliseconds
        {
            return
        }
        all[revocation.target] = revocation
    }

    /// Whether somebody's token is not to be taken.
    public func contains(_ identity: Identity) -> Bool {
        guard !all.isEmpty else { return false }
        if let name = identity.tokenID, all[.token(name)] != nil { return true }
        return identity.user.flatMap { all[.user($0)] }?.concerns(identity) ?? false
    }

    /// Forgets those whose time is over.
    public mutating func forget(before milliseconds: UInt64) {
        guard all.values.contains(where: { $0.endMilliseconds <= milliseconds }) else { return }
        all = all.filter { $0.value.endMilliseconds > milliseconds }
    }
}
