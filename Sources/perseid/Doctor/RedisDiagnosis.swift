import Backplane

/// What a Redis says of itself, judged. A function of what it said: the figures are in `redis.conf` of Redis 7.0, the reasons in
/// deploy/redis.conf.
struct RedisDiagnosis {
    private let facts: RedisFacts
    private(set) var findings: [Finding] = []

    /// Clients that a small cluster needs: some links of each node and of each backend.
    static let clientsMin = 256

    /// Bytes that a node may be behind in its subscriptions before Redis cuts it off: a second of a heavy burst.
    static let subscriberBufferBytesMin = 64 << 20

    /// Clocks that differ by more make latencies wrong, and positions after a failover.
    static let clockMillisecondsMax = 250

    static let roundTripMillisecondsMax = 20

    /// The first that has functions.
    static let majorVersionMin = 7

    init(_ facts: RedisFacts) {
        self.facts = facts
        judgeVersion()
        judgeRole()
        judgeRights()
        judgeMemory()
        judgeClients()
        judgePersistence()
        judgeTime()
        judgeName()
        judgeCertificate()
        if facts.info.isEmpty {
            warn(
                "INFO",
                "this user may not ask for it",
                "run doctor with a user of Redis who may ask INFO and CONFIG GET"
            )
        }
    }

    private func number(_ name: String) -> Int? { facts.info[name].flatMap { Int($0) } }

    /// Valkey says which Redis it is compatible with, and its own version besides.
    private mutating func judgeVersion() {
        guard let version = facts.info["redis_version"], let major = Int(version.prefix { $0 != "." }) else { return }
        if major < Self.majorVersionMin {
            fail("version", "it is \(version), which knows no functions", "use Redis 7 or Valkey 7.2, or later")
        }
    }

    private mutating func judgeRights() {
        guard !facts.missingRights.isEmpty else { return }
        let rights = facts.missingRights.joined(separator: " ")
        fail("rights", "this user lacks \(rights)", "ask an administrator for: ACL SETUSER <user> \(rights)")
    }

    private mutating func judgeRole() {
        if facts.info["role"] == "slave" {
            fail("role", "it is a replica", "name the master in the setting redis, or use redis+sentinel://")
        }
        if facts.info["loading"] == "1" { warn("role", "it is loading its data", "wait") }
        guard let wanted = number("min_slaves_good_slaves"), wanted == 0 else { return }
        fail(
            "replicas",
            "it refuses writes for want of replicas",
            "bring replicas back, or set min-replicas-to-write 0"
        )
    }

    private mutating func judgeMemory() {
        guard let policy = facts.info["maxmemory_policy"] else { return }
        if policy != "noeviction" {
            fail(
                "memory",
                "it evicts keys (\(policy))",
                "set maxmemory-policy noeviction: evicted history is a gap, an evicted session a lost one"
            )
        }
        if let evicted = number("evicted_keys"), evicted > 0 {
            warn("memory", "it has evicted \(evicted) keys", "give it more memory; maxmemory-policy noeviction")
        }
        guard let most = number("maxmemory"), let used = number("used_memory") else { return }
        if let machine = number("total_system_memory"), most > machine {
            fail(
                "memory",
                "maxmemory is \(most), and its machine has \(machine) bytes",
                "set maxmemory to 60 % of the machine at most: the kernel would end it at a bad moment"
            )
        } else if most == 0 {
            warn(
                "memory",
                "it has no limit",
                "set maxmemory to 60 % of the machine at most: the kernel would end it at a bad moment"
            )
        } else if used / 4 > most / 5 {
            fail(
                "memory",
                "\(used) of \(most) bytes are used",
                "raise maxmemory, or keep less history: at the limit publishes are refused"
            )
        } else if policy == "noeviction" {
            findings.append(.fine("redis \(facts.place) memory", "\(used) of \(most) bytes, nothing is evicted"))
        }
    }

    private mutating func judgeClients() {
        let most = number("maxclients") ?? facts.settings["maxclients"].flatMap { Int($0) }
        if let most {
            let connected = number("connected_clients") ?? 0
            if most < Self.clientsMin {
                fail("clients", "maxclients is \(most)", "set maxclients 10000")
            } else if connected > most - most / 5 {
                fail("clients", "\(connected) of \(most) are connected", "raise maxclients")
            }
        }
        if let refused = number("rejected_connections"), refused > 0 {
            warn("clients", "it has turned \(refused) connections away", "raise maxclients, and its own ulimit -n")
        }
        if let limit = facts.settings["client-output-buffer-limit"] { judgeBuffers(limit) }
        if let timeout = facts.settings["timeout"], timeout != "0" {
            warn("clients", "it closes links that are idle for \(timeout) s", "set timeout 0")
        }
    }

    private mutating func judgeBuffers(_ limit: String) {
        guard let (most, lasting, seconds) = Self.subscriberBuffer(limit) else { return }
        let cure = "set client-output-buffer-limit pubsub 256mb 128mb 60"
        if most > 0, most < Self.subscriberBufferBytesMin {
            warn("buffers", "a node is cut off when it is \(most) bytes behind", cure)
        } else if lasting > 0, lasting < Self.subscriberBufferBytesMin / 2 {
            warn("buffers", "a node is cut off when it is \(lasting) bytes behind for \(seconds) s", cure)
        }
    }

    /// The limits of subscribers in bytes, at once and for some seconds: of
    /// `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60` the last three.
    static func subscriberBuffer(_ limit: String) -> (most: Int, lasting: Int, seconds: Int)? {
        let words = limit.split(separator: " ")
        guard let place = words.firstIndex(of: "pubsub"), words.count > place + 3, let most = Int(words[place + 1]),
            let lasting = Int(words[place + 2]), let seconds = Int(words[place + 3])
        else { return nil }
        return (most, lasting, seconds)
    }

    private mutating func judgePersistence() {
        let isAppended = facts.info["aof_enabled"] == "1"
        if facts.info["aof_last_write_status"] == "err" || facts.info["rdb_last_bgsave_status"] == "err"
            || facts.info["aof_last_bgrewrite_status"] == "err"
        {
            fail("disk", "it could not write to its disk", "see its log and the disk: it refuses writes, or loses them")
        }
        if facts.info["aof_enabled"] == "0" {
            warn("disk", "it has no append-only file: a restart loses history and sessions", "set appendonly yes")
        } else if isAppended, facts.settings["appendfsync"] == "no" {
            warn("disk", "it leaves it to the system when to write", "set appendfsync everysec, or always")
        } else if isAppended {
            findings.append(.fine("redis \(facts.place) disk", "its append-only file is written"))
        }
    }

    private mutating func judgeTime() {
        let offset = facts.clockOffsetMilliseconds
        if offset.magnitude > UInt(clamping: Self.clockMillisecondsMax + facts.roundTripMilliseconds) {
            fail(
                "clock",
                "its clock is \(offset) ms from this machine's",
                "let both follow the same time: chronyc tracking"
            )
        }
        if facts.roundTripMilliseconds > Self.roundTripMillisecondsMax {
            warn(
                "network",
                "a question takes \(facts.roundTripMilliseconds) ms",
                "put it near the nodes; each publication waits so long. Look for slow commands: SLOWLOG GET"
            )
        }
    }

    /// An expired one is not trusted, so there are no facts of who shows it: see `RedisComplaint`.
    private mutating func judgeCertificate() {
        guard let left = facts.certificateMilliseconds else { return }
        let days = left / Int(clamping: FileDiagnosis.dayMilliseconds)
        guard days < Int(clamping: FileDiagnosis.certificateDaysMin) else { return }
        warn(
            "certificate",
            "its certificate expires in \(days) days",
            "renew it and have Redis read it: CONFIG SET tls-cert-file <file>; see why it was not renewed by itself"
        )
    }

    private mutating func judgeName() {
        guard let node = facts.nodeOfThatName else { return }
        warn(
            "node-id",
            "a node of this name lives: \(node)",
            "if that is not the node of these settings, give each its own node-id"
        )
    }

    private mutating func fail(_ subject: String, _ text: String, _ cure: String) {
        findings.append(.trouble("redis \(facts.place) \(subject)", text, cure: cure))
    }

    private mutating func warn(_ subject: String, _ text: String, _ cure: String) {
        findings.append(.warning("redis \(facts.place) \(subject)", text, cure: cure))
    }
}
