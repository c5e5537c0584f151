public import TLS
internal import Text

/// Where Redis is and who we are there: `redis://[user[:password]@]host[:port][/database]`, `rediss://…` with TLS, or
/// `unix://[user[:password]@]/path[?db=database]` for a socket in the file system.
public struct RedisAddress: Sendable, Equatable {
    /// Host name or number; empty for a socket in the file system.
    public let host: String
    /// TCP port; 6379 unless given.
    public let port: UInt16
    /// A socket in the file system.
    public let path: String?
    /// ACL user, if one is given.
    public let user: String?
    /// Password, if one is given. `redis://:secret@host` gives a password and no user.
    public let password: String?
    /// Database number.
    public let database: Int

    /// Whom TLS trusts, and what it shows; `nil` for a link in plain.
    public var security: TLSClientPolicy?

    /// What Redis' certificate must be for, where that is not the host.
    public var serverName: String?

    /// The schemes, as messages tell them.
    public static let schemes =
        "redis[s]://[user[:password]@]host[:port][/database] or unix://[user[:password]@]/path[?db=database]"

    /// Reads a URL, or `nil` where it is not one of these schemes.
    public init?(_ url: String) {
        let scheme = ["redis://", "rediss://", "unix://"].first { url.hasPrefix($0) }
        guard let scheme else { return nil }
        var rest = url.dropFirst(scheme.count)
        var tail = Substring()
        if let slash = rest.firstIndex(of: "/") {
            tail = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        } else if scheme == "unix://" {
            return nil
        }
        var credentials: [Substring] = []
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
        }
        user = credentials.first.flatMap { $0.isEmpty ? nil : Self.decode($0) }
        password = credentials.count == 2 ? Self.decode(credentials[1]) : nil
        security = scheme == "rediss://" ? TLSClientPolicy() : nil
        if scheme == "unix://" {
            let parts = tail.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let query = parts.count == 2 ? parts[1] : "db=0"
            guard rest.isEmpty, !parts[0].isEmpty, query.hasPrefix("db="), let path = Self.decode(parts[0]),
                !path.utf8.contains(0), let database = Self.number(query.dropFirst(3))
            else { return nil }
            (host, port, self.path, self.database) = ("", 0, "/" + path, database)
        } else {
            guard let authority = Authority(rest), !rest.hasSuffix(":"), authority.port != 0 else { return nil }
            guard let database = tail.isEmpty ? 0 : Self.number(tail) else { return nil }
            (host, port, path, self.database) = (authority.host, authority.port ?? 6_379, nil, database)
        }
    }

    /// Reads decimal digits and nothing else; `Int` itself takes a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func decode(_ text: Substring) -> String? { PercentCoding.decode(text, strayPercent: .kept) }
}
