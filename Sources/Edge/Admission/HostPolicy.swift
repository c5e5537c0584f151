internal import Text

/// Which hosts a request may be for.
///
/// A page whose name resolves to this node, by chance or on purpose, is of one origin with it: a browser lets it ask and
/// read, and `Origin` agrees with `Host`. So a name must be known here. An address in numbers cannot be another's name, and
/// `localhost` is no name that others could have (RFC 6761 §6.3).
struct HostPolicy: Sendable {
    private let names: Set<String>
    private let allowsAll: Bool

    /// Takes names, or `*` for all, and the origins that clients know the nodes by.
    init(allowed: [String], publicOrigins: [WebOrigin]) {
        names = Set(allowed.compactMap { Authority($0)?.name } + publicOrigins.map(\.host))
        allowsAll = allowed.contains("*")
    }

    /// Judges what stands in `Host` or in an absolute target. Browsers always say it: a client that does not is none.
    func allows(_ host: String?) -> Bool {
        guard let host, !host.isEmpty, !allowsAll else { return true }
        guard let authority = Authority(host) else { return false }
        let name = authority.name
        return authority.isAddress || name == "localhost" || name.hasSuffix(".localhost") || names.contains(name)
    }
}
