public import TLS

/// Which Redis the nodes share.
public enum RedisDeployment: Sendable, Equatable {
    /// One master, or several that share the channels: at least one, each of another name, all with one number of a database.
    case masters([RedisMaster])
    /// A Redis Cluster.
    case cluster(RedisClusterSeeds)

    /// The schemes, as messages tell them.
    public static let schemes = "\(RedisMaster.schemes), or \(RedisClusterSeeds.scheme)"

    /// Masters that may share the channels, at most: a node has up to eight descriptors for each (`ReadySet`).
    public static let mastersMax = 16

    /// Whether it is a Redis Cluster.
    public var isCluster: Bool { if case .cluster = self { true } else { false } }

    /// Whether any link to it is by TLS.
    public var isSecure: Bool {
        switch self {
        case .masters(let masters): masters.contains(where: \.isSecure)
        case .cluster(let seeds): seeds.isSecure
        }
    }

    /// Has its links trust and show what is given, where they are by TLS.
    public mutating func secure(by policy: TLSClientPolicy, serverName: String?) {
        switch self {
        case .masters(var masters):
            for place in masters.indices { masters[place].secure(by: policy, serverName: serverName) }
            self = .masters(masters)
        case .cluster(var seeds):
            seeds.secure(by: policy, serverName: serverName)
            self = .cluster(seeds)
        }
    }

    /// Those that are named; none of a cluster, which tells of its own.
    var namedMasters: [RedisMaster] { if case .masters(let masters) = self { masters } else { [] } }

    /// The number of the database, which stands in the names of keys.
    var database: Int {
        switch self {
        case .masters(let masters): masters[0].address.database
        case .cluster: 0
        }
    }

    /// The URLs for all to see.
    public var textWithoutPasswords: String {
        switch self {
        case .masters(let masters): masters.map(\.textWithoutPasswords).joined(separator: " ")
        case .cluster(let seeds): seeds.textWithoutPasswords
        }
    }

    /// Where it is or who says so, as logs and messages name it.
    public var placesText: String {
        switch self {
        case .masters(let masters): masters.map(\.placeText).joined(separator: ", ")
        case .cluster(let seeds): "the cluster at \(seeds.placesText)"
        }
    }

    /// Whether one of its masters is named as this machine's: by a socket's path, or an address of loopback.
    public var isOnThisMachine: Bool {
        guard case .masters(let masters) = self else { return false }
        return masters.contains { master in
            // Where a master of Sentinels is, these say.
            guard master.sentinels == nil else { return false }
            let address = master.address
            return address.path != nil || address.host == "localhost" || address.host == "::1"
                || address.host.hasPrefix("127.")
        }
    }

    /// All its masters as they are now: for the command line, which waits for the answer of a node of a cluster.
    public func masters() throws(RedisFailure) -> [RedisMaster] {
        switch self {
        case .masters(let masters): masters
        case .cluster(let seeds): try RedisConversation.masters(of: seeds)
        }
    }
}
