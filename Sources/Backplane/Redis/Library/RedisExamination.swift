internal import Broker
internal import Reactor

/// What a Redis says of itself, as far as it matters to nodes. A value; see `perseid doctor`.
public struct RedisFacts: Sendable, Equatable {
    /// Where it is, for logs and messages.
    public var place: String

    /// What `INFO` tells, by the names that it has there; empty where the user may not ask.
    public var info: [String: String] = [:]

    /// What `CONFIG GET` tells of `RedisExamination.settingNames`; empty where the user may not ask.
    public var settings: [String: String] = [:]

    /// The clock of Redis less that of this machine, as of the middle of a question.
    public var clockOffsetMilliseconds = 0

    /// The quickest of some questions, from sending it to having its answer.
    public var roundTripMilliseconds = 0

    /// How long the certificate that it showed is good yet; nothing without TLS.
    public var certificateMilliseconds: Int?

    /// Rights that this user lacks and a node needs, in the words of `ACL SETUSER`.
    public var missingRights: [String] = []

    /// What a living node of the asked name says of itself, if there is one.
    public var nodeOfThatName: String?

    /// Of some place, with nothing known of it.
    public init(place: String) { self.place = place }
}

/// Asks a Redis what it is like, and leaves nothing there: for the command line, not for a node.
public struct RedisExamination {
    private let master: RedisMaster
    private let isClustered: Bool
    private let keys: RedisKeys
    private let nodeID: String?

    /// Settings that are asked for. Source: `redis.conf` of Redis 7.0.
    static let settingNames = [
        "appendonly", "appendfsync", "save", "timeout", "client-output-buffer-limit", "maxclients",
    ]

    /// Questions for the time, of which the quickest counts.
    private static let questions = 5

    /// Names the Redis, what begins the names of keys there, and the node that is to be asked for.
    public init(_ master: RedisMaster, of deployment: RedisDeployment, keyPrefix: String, nodeID: String?) {
        self.master = master
        isClustered = deployment.isCluster
        keys = RedisKeys(prefix: keyPrefix, database: master.address.database)
        self.nodeID = nodeID
    }

    /// Asks all that the user may ask; what it may not is left out.
    public func examine() throws(RedisFailure) -> RedisFacts {
        let redis = try RedisConversation.begin(with: master, isClustered: isClustered)
        var facts = RedisFacts(place: master.placeText)
        facts.certificateMilliseconds = redis.certificateEndMilliseconds.map {
            Int(clamping: $0) - Int(clamping: Clock.realtimeMilliseconds)
        }
        facts.info = Self.fields(try? redis.ask(["INFO"]))
        for name in Self.settingNames {
            guard let words = try? redis.list(["CONFIG", "GET", .text(name)]), words.count == 2 else { continue }
            facts.settings[name] = words[1]
        }
        try Self.compareClocks(redis, &facts)
        if let nodeID, let text = try? redis.ask(["GET", .text(keys.node(nodeID))]), !text.isEmpty {
            facts.nodeOfThatName = text
        }
        facts.missingRights = RedisRights(of: redis, keys: keys, database: master.address.database).missing()
        return facts
    }

    private static func compareClocks(_ redis: RedisConversation, _ facts: inout RedisFacts) throws(RedisFailure) {
        var quickest = Int.max
        for _ in 0..<questions {
            let start = Clock.monotonicNanoseconds
            guard let words = try? redis.list(["TIME"]), words.count == 2 else { return }
            // bounded: reads text, and gives nil
            let numbers = words.compactMap { Int($0) }
            guard numbers.count == 2 else { return }
            let milliseconds = Int(clamping: (Clock.monotonicNanoseconds &- start) / 1_000_000)
            guard milliseconds < quickest else { continue }
            quickest = milliseconds
            let there = numbers[0] &* 1_000 &+ numbers[1] / 1_000
            facts.clockOffsetMilliseconds = there &- Int(clamping: Clock.realtimeMilliseconds) &+ milliseconds / 2
            facts.roundTripMilliseconds = milliseconds
        }
    }

    /// `name:value` lines, among others. Source: `INFO` of Redis.
    static func fields(_ text: String?) -> [String: String] {
        var fields: [String: String] = [:]
        for line in (text ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }
}
