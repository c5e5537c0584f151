public import TLS

/// One master of Redis: where it is, or who says so, and what it is called among several.
public struct RedisMaster: Sendable, Equatable {
    /// What it is called where several share the channels; which channels it has follows from this alone, wherever it is.
    public let name: String

    /// Who we are there, which database, whether by TLS; and where it is, unless Sentinels say so.
    public private(set) var address: RedisAddress

    /// Who says where it is; `nil` for one that stays where it is.
    public let sentinels: RedisSentinels?

    /// The schemes, as messages tell them.
    public static let schemes =
        "redis[s]://[user[:password]@]host[:port][/database], unix://[user[:password]@]/path[?db=database] or "
        + "redis[s]+sentinel://[user[:password]@]host[:port][,host[:port]…]/master-name[/database], each with #name if wished"

    /// Reads a URL, or `nil` where it is not one of these schemes.
    public init?(_ url: String) {
        guard let url = RedisURL(url) else { return nil }
        let usualName: String
        switch url.scheme {
        case "redis+sentinel", "rediss+sentinel":
            let parts = (url.path ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let database = parts.count == 2 ? RedisURL.number(parts[1]) : 0
            guard let database, let sentinels = RedisSentinels(url, masterName: parts[0]) else { return nil }
            self.sentinels = sentinels
            address = RedisAddress(
                user: url.user,
                password: url.password,
                database: database,
                isSecure: url.scheme == "rediss+sentinel"
            )
            usualName = "\(sentinels.masterName)/\(database)"
        default:
            guard let address = RedisAddress(url) else { return nil }
            self.address = address
            sentinels = nil
            usualName = "\(address.place)/\(address.database)"
        }
        if let fragment = url.fragment {
            guard !fragment.isEmpty, let name = RedisURL.decode(fragment) else { return nil }
            self.name = name
        } else {
            name = usualName
        }
    }

    /// A server that stays where it is.
    public init(_ address: RedisAddress) {
        self.address = address
        sentinels = nil
        name = "\(address.place)/\(address.database)"
    }

    /// Whether links to it are by TLS.
    public var isSecure: Bool { address.security != nil }

    /// Has its links trust and show what is given, where they are by TLS.
    public mutating func secure(by policy: TLSClientPolicy, serverName: String?) {
        guard isSecure else { return }
        address.security = policy
        address.serverName = serverName
    }

    /// Where it is or who says so, as logs and messages name it.
    public var placeText: String {
        sentinels.map { "\($0.masterName) of the Sentinels \($0.placesText)" } ?? address.place
    }

    /// The URL for all to see.
    public var textWithoutPasswords: String {
        let who = address.credentialsText
        let scheme = isSecure ? "rediss" : "redis"
        if let sentinels {
            return "\(scheme)+sentinel://\(who)\(sentinels.placesText)/\(sentinels.masterName)/\(address.database)"
        }
        if let path = address.path { return "unix://\(who)\(path)?db=\(address.database)" }
        return "\(scheme)://\(who)\(address.place)/\(address.database)"
    }
}
