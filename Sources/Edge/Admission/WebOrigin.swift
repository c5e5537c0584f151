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
        guard let authority = Authority(String(text[end...])) else { return nil }
        host = authority.host
        port = authority.port ?? (isSecure ? 443 : 80)
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
        host == authority.host && port == authority.port ?? (isSecure ? 443 : 80)
    }
}

/// A host and perhaps a port, as in `Host`, RFC 9110 §7.2.
struct Authority: Equatable {
    /// In lower case, without the dot that may end a full name; an IPv6 address in its brackets.
    let host: String

    let port: UInt16?

    /// Reads `host` or `host:port`.
    init?(_ text: String) {
        let text = text.lowercased()
        let bracket = text.lastIndex(of: "]") ?? text.startIndex
        let colon = text[bracket...].lastIndex(of: ":") ?? text.endIndex
        let name = text[..<colon]
        host = String(name.hasSuffix(".") ? name.dropLast() : name)
        // A colon with nothing behind it is as good as none, RFC 3986 §3.2.3.
        let digits = text[colon...].dropFirst()
        // bounded: reads text, and gives nil
        port = digits.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? UInt16(digits) : nil
        guard !host.isEmpty, !host.contains("/"), digits.isEmpty || port != nil else { return nil }
    }

    /// Whether the host is an address and no name.
    var isAddress: Bool {
        if host.hasPrefix("[") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } && UInt8($0) != nil }
    }
}
