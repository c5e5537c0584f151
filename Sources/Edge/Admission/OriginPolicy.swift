internal import Text

/// Which sites' pages may publish, open WebSockets and read answers here.
///
/// A browser names the page's site in `Origin`. The node's own site is always allowed; without a list nobody else is, so
/// no page on the web can reach a node on a developer's loopback.
struct OriginPolicy: Sendable {
    private let allowed: Set<String>
    private let allowsAll: Bool
    private let own: Set<WebOrigin>

    /// The sites whose pages may have an answer in a frame, as sources of a Content-Security-Policy.
    let pages: String

    /// Takes origins as browsers write them, or `*`; and those that clients know the nodes by, which are their own.
    init(allowed: [String], publicOrigins: [WebOrigin] = []) {
        self.allowed = Set(allowed.map(Self.normal))
        allowsAll = allowed.contains("*")
        own = Set(publicOrigins)
        let listed = self.allowed.subtracting(["null"]).union(own.map(\.description))
        pages = allowsAll ? "*" : (["'self'"] + listed.sorted()).joined(separator: " ")
    }

    /// What a request's `Origin` is.
    enum Verdict: Equatable {
        /// There is none, or it is the node's own.
        case own
        /// It is on the list.
        case listed
        /// All are allowed; but not what the user's browser knows of the user, such as cookies.
        case anybody
        /// It is another site's.
        case foreign

        /// Whether it is somebody's whom the node knows by name.
        var isTrusted: Bool { self == .own || self == .listed }
    }

    /// Judges an origin against the host that the request was sent to.
    func judge(origin text: String?, host: String?) -> Verdict {
        guard let text else { return .own }
        if allowed.contains(Self.normal(text)) { return .listed }
        if let origin = WebOrigin(text) {
            if own.contains(origin) { return .own }
            if let authority = host.flatMap({ Authority($0) }), origin.isOwn(of: authority) { return .own }
        }
        return allowsAll ? .anybody : .foreign
    }

    /// One text for one origin, whatever its case and whether its scheme's port is written.
    private static func normal(_ text: String) -> String { WebOrigin(text)?.description ?? text.lowercased() }
}
