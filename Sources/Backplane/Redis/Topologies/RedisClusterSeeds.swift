public import TLS
internal import Text

/// Nodes of a Redis Cluster that are asked which others there are, and who we are at all of them:
/// `redis[s]+cluster://[user[:password]@]host[:port][,host[:port]…]`.
public struct RedisClusterSeeds: Sendable, Equatable {
    let places: [RedisPlace]

    /// Who we are there, whether by TLS; not where.
    private(set) var address: RedisAddress

    /// The scheme, as messages tell it.
    public static let scheme = "redis[s]+cluster://[user[:password]@]host[:port][,host[:port]…]"

    /// Reads a URL, or `nil` where it is not one of this scheme.
    public init?(_ url: String) {
        guard let url = RedisURL(url), url.scheme == "redis+cluster" || url.scheme == "rediss+cluster" else {
            return nil
        }
        // There is one database.
        guard url.query.isEmpty, url.fragment == nil, ["", "0"].contains(url.path ?? "") else { return nil }
        guard let places = Authority.places(url.hosts, usualPort: RedisAddress.usualPort) else { return nil }
        self.places = places
        address = RedisAddress(
            user: url.user,
            password: url.password,
            database: 0,
            isSecure: url.scheme == "rediss+cluster"
        )
    }

    /// Whether links to them are by TLS.
    public var isSecure: Bool { address.security != nil }

    /// Has the links trust and show what is given, where they are by TLS.
    public mutating func secure(by policy: TLSClientPolicy, serverName: String?) {
        guard isSecure else { return }
        address.security = policy
        address.serverName = serverName
    }

    /// The hosts as they were written, for all to see.
    public var placesText: String { places.map(\.description).joined(separator: ",") }

    /// The URL for all to see.
    public var textWithoutPasswords: String {
        "\(isSecure ? "rediss" : "redis")+cluster://\(address.credentialsText)\(placesText)"
    }
}

extension Authority {
    /// Hosts with or without a port, with commas between them.
    static func places(_ text: Substring, usualPort: UInt16) -> [RedisPlace]? {
        var places: [RedisPlace] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let authority = Authority(part), !part.hasSuffix(":"), authority.port != 0 else { return nil }
            places.append(RedisPlace(host: authority.host, port: authority.port ?? usualPort))
        }
        return places
    }
}
