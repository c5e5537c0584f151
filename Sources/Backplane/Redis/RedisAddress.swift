internal import Text

/// Where Redis is and who we are there, as `redis://[user[:password]@]host[:port][/database]`.
public struct RedisAddress: Sendable, Equatable {
    /// Host name or number.
    public let host: String
    /// TCP port; 6379 unless given.
    public let port: UInt16
    /// ACL user, if one is given.
    public let user: String?
    /// Password, if one is given. `redis://:secret@host` gives a password and no user.
    public let password: String?
    /// Database number.
    public let database: Int

    /// Reads a URL, or `nil` where it is not one of this scheme.
    public init?(_ url: String) {
        guard url.hasPrefix("redis://") else { return nil }
        var rest = url.dropFirst("redis://".count)
        var path = Substring()
        if let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        var credentials: [Substring] = []
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
        }
        guard let authority = Authority(rest), !rest.hasSuffix(":"), authority.port != 0 else { return nil }
        guard let database = path.isEmpty ? 0 : Self.number(path) else { return nil }
        host = authority.host
        port = authority.port ?? 6_379
        self.database = database
        user = credentials.first.flatMap { $0.isEmpty ? nil : Self.decode($0) }
        password = credentials.count == 2 ? Self.decode(credentials[1]) : nil
    }

    /// Reads decimal digits and nothing else; `Int` itself takes a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func decode(_ text: Substring) -> String? { PercentCoding.decode(text, strayPercent: .kept) }
}
