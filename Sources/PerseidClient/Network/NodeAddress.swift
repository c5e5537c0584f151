internal import Text

/// Where a node is, or a balancer in front of several.
package struct NodeAddress: Sendable, Hashable {
    package let host: String
    package let port: UInt16

    /// Whether it is spoken to with TLS.
    package let isSecure: Bool

    /// What is wrong with a URL.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads `http://host[:port]` or `https://host[:port]`, with or without a slash behind it.
    package init(_ url: String) throws(Unusable) {
        let scheme = url.prefix { $0 != ":" }
        guard scheme == "http" || scheme == "https", url.hasPrefix("\(scheme)://") else {
            throw Unusable(description: "\(url) is neither http://host[:port] nor https://host[:port]")
        }
        isSecure = scheme == "https"
        let rest = url.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" }
        guard rest.dropFirst(authority.count).allSatisfy({ $0 == "/" }) else {
            throw Unusable(description: "\(url): nodes know no path in front of their own")
        }
        guard !authority.contains(where: { "@?#".contains($0) }) else {
            throw Unusable(description: "no user, query or fragment can be given here: \(scheme)://host[:port]")
        }
        guard let place = Authority(authority), !authority.hasSuffix(":"), place.port != 0 else {
            throw Unusable(description: "\(url) names no host, or a port that is no number from 1 to 65535")
        }
        host = place.host
        port = place.port ?? (isSecure ? 443 : 80)
    }

    /// The host, and the port unless it is the usual one: what `Host` says.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? host : "\(host):\(port)"
    }

    /// The address as it is written.
    package var url: String { "\(isSecure ? "https" : "http")://\(authority)" }
}
