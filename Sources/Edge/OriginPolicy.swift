/// Which sites' pages may publish, open WebSockets and read answers here.
///
/// A browser names the page's site in `Origin`. The node's own site is always allowed; without a list nobody else is, so
/// no page on the web can reach a node on a developer's loopback.
struct OriginPolicy: Sendable {
    private let allowed: Set<String>
    private let allowsAll: Bool

    /// Takes origins as browsers write them: `https://example.org`, port only if it is not the scheme's; or `*`.
    init(allowed: [String]) {
        self.allowed = Set(allowed.map { $0.lowercased() })
        allowsAll = allowed.contains("*")
    }

    /// What a request's `Origin` is.
    enum Verdict: Equatable {
        /// There is none, or it is the node's own.
        case own
        /// It is on the list.
        case listed
        /// It is another site's.
        case foreign
    }

    /// Judges an origin against the host that the request was sent to.
    func judge(origin: String?, host: String?) -> Verdict {
        guard let origin = origin?.lowercased() else { return .own }
        if allowsAll || allowed.contains(origin) { return .listed }
        guard let host = host?.lowercased(), !host.isEmpty else { return .foreign }
        // Behind a balancer that ends TLS the scheme here is not the page's, so the authority alone is compared.
        return origin == "http://\(host)" || origin == "https://\(host)" ? .own : .foreign
    }
}
