/// What is wrong with Redis or the way to it, and what to do about it, told from the words in which Redis, the system or a
/// link said so. The one place for these texts: `serve` logs them, `check` prints them.
///
/// Sources: the error prefixes of Redis 7.0 (`server.c`, `acl.c`, `cluster.c`, `script.c`) and of Valkey 7.2, which has
/// the same.
public struct RedisComplaint: Sendable, Equatable {
    /// Kinds of trouble that ask for different things to be done.
    public enum Cause: Sendable, CaseIterable {
        /// Nobody answers there, or what answers is no Redis.
        case unreached, notRedis
        /// TLS is not agreed on, or its certificate is not trusted.
        case security
        /// The certificate of Redis has ended, or the node's own, which Redis was shown.
        case expired, expiredOwn
        /// It took the connection and does not answer.
        case silent
        /// It does not know us, or we may not do what nodes do.
        case password, rights
        /// It takes no writes: a replica, a full memory, a disk that fails.
        case replica, memory, disk
        /// It is not what the setting says, or not what nodes can use: an old version, without that database.
        case cluster, version, database
        /// It is a cluster that serves nothing, or not these slots.
        case down
        /// It forgets what it was told when memory is short.
        case eviction
        /// What it has under a key, no node wrote.
        case data
        /// Another master has the channel or session now, and this node does not look there.
        case elsewhere
        /// Channels were moved to other masters than this node names.
        case outdated
        /// It is busy starting.
        case loading
        /// It ended a link that worked.
        case closed
        /// Something else.
        case other
    }

    /// What kind it is.
    public let cause: Cause

    /// What was said.
    public let text: String

    /// Understands an error reply of Redis, or the reason for which a link was lost.
    public init(_ text: String) {
        self.text = text
        cause = Self.signs.first { text.contains($0.sign) }?.cause ?? .other
    }

    /// The first that is found decides, so what is more special stands before what is more general.
    private static let signs: [(sign: String, cause: Cause)] = [
        ("WRONGPASS", .password), ("NOAUTH", .password), ("without any password configured", .password),
        ("NOPERM", .rights), ("The user executing the script", .rights), ("ACL failure in script", .rights),
        ("BROKEN ", .data), ("WRONGTYPE", .data), ("maxmemory-policy is", .eviction),
        ("READONLY", .replica), ("MASTERDOWN", .replica), ("NOREPLICAS", .replica),
        ("cluster support disabled", .cluster), ("Redis Cluster", .cluster), ("Redis Sentinel", .cluster),
        ("MOVED ", .cluster), ("ASK ", .cluster),
        ("CROSSSLOT", .cluster), ("CLUSTERDOWN", .down),
        ("SELECT is not allowed in cluster mode", .cluster),
        ("ELSEWHERE ", .elsewhere), ("UNDERWAY ", .elsewhere), ("OUTDATED ", .outdated),
        ("OOM ", .memory), ("MISCONF", .disk), ("LOADING", .loading),
        ("DB index is out of range", .database), ("invalid DB index", .database),
        ("unknown command", .version),
        ("has no address", .unreached), ("no name server", .unreached),
        ("alert certificate expired", .expiredOwn), ("certificate has expired", .expired),
        ("TLS", .security), ("certificate", .security),
        ("not an answer of Redis", .notRedis), ("protocol error", .notRedis), ("Protocol error", .notRedis),
        ("no answer in", .silent), ("silent for", .silent), ("Resource temporarily unavailable", .silent),
        ("closed by Redis", .closed), ("Server closed", .closed), ("max number of clients", .closed),
        ("connect", .unreached), ("Connection", .unreached), ("no connection in time", .unreached),
        ("resolve", .unreached), ("Name or service", .unreached), ("Temporary failure in name", .unreached),
        ("unreachable", .unreached), ("No route", .unreached), ("timed out", .unreached),
    ]

    /// What is wrong, in a few words.
    public var message: String {
        switch cause {
        case .unreached: "redis is not reached"
        case .notRedis: "what answers is not redis"
        case .security: "redis and the node do not agree on TLS"
        case .expired: "the certificate of redis has expired"
        case .expiredOwn: "the certificate that the node shows to redis has expired"
        case .silent: "redis does not answer"
        case .password: "redis refuses the user or password"
        case .rights: "redis does not permit what a node does"
        case .replica: "redis is a replica, or lacks one, and takes no writes"
        case .memory: "redis has no memory left"
        case .disk: "redis cannot save to its disk and takes no writes"
        case .cluster: "redis is of another kind than the setting redis says"
        case .version: "redis is too old"
        case .database: "redis has no such database"
        case .down: "the redis cluster is down, or has slots that no master has"
        case .eviction: "redis evicts keys when its memory is short"
        case .data: "redis has something under a key that no node wrote"
        case .elsewhere: "redis has given a channel or session to another master"
        case .outdated: "the setting redis names masters of before"
        case .loading: "redis is still loading its data"
        case .closed: "redis ended the connection"
        case .other: "redis refuses"
        }
    }

    /// What to do about it.
    public var advice: String {
        switch cause {
        case .unreached: "see that it runs and listens there, and that no firewall is between"
        case .notRedis: "see whether host and port are those of Redis, and whether it wants TLS: rediss://"
        case .security:
            "see redis-tls.ca and redis-tls.server-name, what certificate it shows, and whether it wants one of the node"
        case .expired:
            "renew it and have Redis read it: CONFIG SET tls-cert-file <file>; see why it was not renewed by itself"
        case .expiredOwn:
            "renew redis-tls.certificate and restart the node; see why it was not renewed by itself"
        case .silent: "see whether it is stopped, swapping, busy with a slow command (SLOWLOG GET), or no Redis at all"
        case .password: "correct user and password in the setting redis"
        case .rights:
            "give the user the keys and channels of the key-prefix and the commands that the reference of Redis lists; "
                + "if it may not load functions, let one who may run: perseid redis install"
        case .replica:
            "name the master in the setting redis, or see whom the Sentinels take for it (SENTINEL MASTERS); see ROLE and "
                + "min-replicas-to-write there"
        case .memory: "raise maxmemory there, or keep less history"
        case .disk: "see its log and the disk there"
        case .cluster:
            "begin the URL with redis:// for a server, redis+sentinel:// for Sentinels, redis+cluster:// for a Redis Cluster"
        case .version: "use Redis 7 or Valkey 7.2, or later"
        case .database: "correct the number behind the slash in the setting redis"
        case .down:
            "see CLUSTER INFO and CLUSTER NODES there; start the masters that are missing, or give their slots to others"
        case .eviction: "set maxmemory-policy noeviction there: what is evicted is lost, and nobody is told"
        case .data: "look at the key, and delete it: only that channel or session is of no use"
        case .elsewhere: "name that master in the setting redis of this node, too, and those of before in redis-former"
        case .outdated:
            "name the masters that the other nodes name; if this one is right, name in redis-former those that channels were moved to last"
        case .loading: "wait"
        case .closed: "see its log, maxclients and client-output-buffer-limit pubsub there"
        case .other: "see its log"
        }
    }
}
