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
        guard let (host, port) = Self.splitHostAndPort(rest) else { return nil }
        guard let database = path.isEmpty ? 0 : Self.number(path) else { return nil }
        self.host = host
        self.port = port
        self.database = database
        user = credentials.first.flatMap { $0.isEmpty ? nil : Self.decode($0) }
        password = credentials.count == 2 ? Self.decode(credentials[1]) : nil
    }

    private static func splitHostAndPort(_ text: Substring) -> (String, UInt16)? {
        if text.hasPrefix("["), let bracket = text.firstIndex(of: "]") {
            let host = String(text[text.index(after: text.startIndex)..<bracket])
            guard !host.isEmpty else { return nil }
            let rest = text[text.index(after: bracket)...]
            if rest.isEmpty { return (host, 6_379) }
            guard rest.hasPrefix(":"), let port = Self.port(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return (String(host), 6_379) }
        guard let port = Self.port(parts[1]) else { return nil }
        return (String(host), port)
    }

    private static func port(_ text: Substring) -> UInt16? {
        number(text).flatMap { $0 > 0 ? UInt16(exactly: $0) : nil }
    }

    /// Reads decimal digits and nothing else; `Int` itself takes a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func decode(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, rest.first != UInt8(ascii: "+"),
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
