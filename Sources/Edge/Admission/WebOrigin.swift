internal import Text

/// Where a page comes from: scheme, host and port, as browsers write it in `Origin`, RFC 6454 §6.1.
public struct WebOrigin: Sendable, Hashable, CustomStringConvertible {
    /// `https` rather than `http`.
    let isSecure: Bool

    /// In lower case.
    let host: String

    /// The scheme's own where none is written.
    let port: UInt16

    /// Reads `http://host`, `https://host:port`; nil where it is not that.
    public init?(_ text: String) {
        let text = text.lowercased()
        guard let end = text.firstRange(of: "://")?.upperBound else { return nil }
        switch text[..<end] {
        case "http://": isSecure = false
        case "https://": isSecure = true
        default: return nil
        }
        guard let authority = Authority(text[end...]) else { return nil }
        host = authority.name
        port = authority.port ?? (isSecure ? 443 : 80)
    }

    /// Where a page is from whose address this is.
    init?(ofAddress address: String) {
        guard let scheme = address.firstRange(of: "://") else { return nil }
        self.init(String(address[..<scheme.upperBound] + address[scheme.upperBound...].prefix { !"/?#".contains($0) }))
    }

    /// As browsers write it: the port only where it is not the scheme's.
    public var description: String {
        let hasOwnPort = port != (isSecure ? 443 : 80)
        return "\(isSecure ? "https" : "http")://\(host)\(hasOwnPort ? ":\(port)" : "")"
    }

    /// Whether a page from here that asks its own site names this host. A port that is not written is the scheme's.
    ///
    /// Behind a balancer that ends TLS the scheme here is not the page's, so the authority alone is compared.
    func isOwn(of authority: Authority) -> Bool {
        host == authority.name && port == authority.port ?? (isSecure ? 443 : 80)
    }
}

extension Authority {
    /// By what it is known, as addresses have it: in lower case, without the dot that may end a full name.
    var name: String {
        let name = hostText.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
