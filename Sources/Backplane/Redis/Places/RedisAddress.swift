public import TLS
internal import Text

/// Where a Redis is and who we are there: `redis://[user[:password]@]host[:port][/database]`, `rediss://…` with TLS, or
/// `unix://[user[:password]@]/path[?db=database]` for a socket in the file system.
public struct RedisAddress: Sendable, Equatable {
    /// Host name or number; empty for a socket in the file system, and where others have to say where it is.
    public private(set) var host: String
    /// TCP port; 6379 unless given.
    public private(set) var port: UInt16
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

    /// The port of a Redis unless one is named.
    static let usualPort: UInt16 = 6_379

    /// Reads a URL, or `nil` where it is not one of these schemes.
    public init?(_ url: String) {
        guard let url = RedisURL(url) else { return nil }
        self.init(url)
    }

    init?(_ url: RedisURL) {
        (user, password) = (url.user, url.password)
        switch url.scheme {
        case "unix":
            let database = url.query.isEmpty ? 0 : url.query["db"].flatMap { RedisURL.number($0) }
            guard url.hosts.isEmpty, let path = url.path.flatMap(RedisURL.decode), !path.isEmpty,
                !path.utf8.contains(0), let database, url.query.count <= 1
            else { return nil }
            (host, port, self.path, self.database) = ("", 0, "/" + path, database)
        case "redis", "rediss":
            guard let authority = Authority(url.hosts), !url.hosts.hasSuffix(":"), authority.port != 0,
                !authority.host.contains(","), url.query.isEmpty
            else { return nil }
            let path = url.path ?? ""
            guard let database = path.isEmpty ? 0 : RedisURL.number(path) else { return nil }
            (host, port, self.path, self.database) = (authority.host, authority.port ?? Self.usualPort, nil, database)
        default: return nil
        }
        security = url.scheme == "rediss" ? TLSClientPolicy() : nil
    }

    /// Who we are on a server that others have to say the place of.
    init(user: String?, password: String?, database: Int, isSecure: Bool) {
        (host, port, path) = ("", 0, nil)
        (self.user, self.password, self.database) = (user, password, database)
        security = isSecure ? TLSClientPolicy() : nil
    }

    /// Whether it says where the server is.
    var isPlace: Bool { path != nil || !host.isEmpty }

    /// The same for a server that is somewhere else.
    func moved(to place: RedisPlace) -> RedisAddress {
        var moved = self
        (moved.host, moved.port) = (place.host, place.port)
        return moved
    }

    /// User and password as they stand in a URL for all to see.
    var credentialsText: String {
        let text = (user ?? "") + (password == nil ? "" : ":(hidden)")
        return text.isEmpty ? "" : "\(text)@"
    }

    /// Host and port, or the socket's path, as logs and messages name it.
    public var place: String {
        if let path { return path }
        return host.isEmpty ? "unknown" : RedisPlace(host: host, port: port).description
    }
}
