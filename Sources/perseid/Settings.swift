import Backplane
import Broker
import Edge
import Logging
import TLS
import Text
import Trust

/// What a node is told: by flags, by the environment, by one YAML file, in that order.
struct Settings {
    var edge = EdgeConfiguration()
    var redis: RedisDeployment?

    /// The masters that shared the channels before.
    var redisFormer: [RedisMaster] = []
    var keyPrefix = RedisBackplane.usualKeyPrefix
    var isInsecure = false
    var logLevel = Logger.Level.info
    var isLogJSON = false

    /// Files for TLS with Redis, and what they hold.
    var redisAuthorities: SettingFile?
    var redisCertificate: SettingFile?
    var redisKey: SettingFile?
    var redisServerName: String?

    /// Keys of tokens, by which setting they come from.
    var tokenSecrets: [TokenKey] = []
    var tokenSets: [TokenKey] = []

    /// Where clients come in with TLS, and what they are shown.
    var secureListen: (host: String, port: UInt16)?
    var certificates: [CertificateFiles] = []
    var clientAuthorities: String?
    var requiresClientCertificate = false

    /// Whether the kernel is asked to encrypt.
    var asksKernel = false

    /// What could not be used when the files of certificates were looked at last; told once.
    var refusedPolicy: TLSPolicy?

    /// Where each setting comes from that somebody gave.
    private var sources: [String: SettingSource] = [:]

    /// Reads and checks all settings: also those that a flag or a variable replaces, for they are mistakes as well.
    ///
    /// - Throws: `SettingsErrors` with all that cannot be used.
    init(flags: [SettingValue], environment: [String: String], file: String?) throws(SettingsErrors) {
        edge.version = Perseid.version
        edge.nodeID = "node-\(String(UInt32.random(in: 0...(.max)), radix: 36))"
        edge.reactorCount = ProcessorCount.current
        var errors: [SettingsError] = []
        if let path = file ?? environment[SettingsEnvironment.file] {
            take({ () throws(SettingsErrors) in try SettingsFile.read(path) }, &errors)
        }
        take({ () throws(SettingsErrors) in try SettingsEnvironment.read(environment) }, &errors)
        take({ () throws(SettingsErrors) in flags }, &errors)
        if errors.isEmpty { takeSecureListener(&errors) }
        if errors.isEmpty, let error = formerFault { errors.append(error) }
        if errors.isEmpty { takeRedisSecurity(&errors) }
        if errors.isEmpty, let error = accessFault { errors.append(error) }
        if !errors.isEmpty { throw SettingsErrors(all: errors) }
    }

    /// Takes what one source gives, and notes what is wrong with it.
    private mutating func take(_ read: () throws(SettingsErrors) -> [SettingValue], _ errors: inout [SettingsError]) {
        do throws(SettingsErrors) {
            for value in try read() {
                do throws(SettingsError) {
                    try SettingTable[value.name]?.take(value, &self)
                    sources[value.name] = value.source
                } catch {
                    errors.append(error)
                }
            }
        } catch {
            errors += error.all
        }
    }

    // MARK: Read anew

    /// These with what a running node can change as another reading has it.
    ///
    /// - Throws: if that does not go with what the node was started with.
    func changed(by other: Settings) throws(SettingsError) -> Settings {
        var next = self
        next.takeAccess(of: other)
        LimitNames.takeChangeable(of: other.edge.limits, into: &next.edge.limits)
        for setting in SettingTable.all where Serve.isChangeable(setting.name) {
            next.sources[setting.name] = other.sources[setting.name]
        }
        if let error = next.accessFault { throw error }
        return next
    }

    /// Files that say what nobody but the node is to know.
    var secretFiles: Set<String> {
        var files = Set(certificates.map(\.key) + (redisKey.map { [$0.path] } ?? []))
        for (name, source) in sources where SettingTable[name]?.isSecret == true {
            if case .file(let path, _, _) = source { files.insert(path) }
        }
        return files
    }

    /// Where the value in use comes from.
    func source(of setting: String) -> SettingSource { sources[setting] ?? .usual }

    /// What is wrong with who may do what, as the other settings are.
    private var accessFault: SettingsError? { exposure ?? hookFault ?? durableFault ?? historyFault }

    /// Refuses to let the whole network publish by oversight.
    private var exposure: SettingsError? {
        guard !isInsecure, edge.apiKeys.isEmpty, edge.rules.isEmpty else { return nil }
        let places = [("listen", edge.host)] + (edge.tls.map { [("tls.listen", $0.host)] } ?? [])
        guard let (name, host) = places.first(where: { !Self.isLoopback($0.1) }) else { return nil }
        return SettingsError(
            name: name,
            source: source(of: name),
            reason:
                "\(host) can be reached from other machines and there are neither rules nor api-keys: set some, or pass --insecure"
        )
    }

    /// Whether only this machine can reach the node: 127.0.0.0/8 in numbers, `::1`, or the name for both.
    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.wholeMatch(of: /127(\.\d{1,3}){3}/) != nil
    }
}

// What each setting is made of.
extension Settings {
    mutating func takeListen(_ value: SettingValue) throws(SettingsError) {
        (edge.host, edge.port) = try value.place()
    }

    mutating func takeRedis(_ value: SettingValue) throws(SettingsError) {
        redis = try Self.deployment(value)
        edge.isClustered = true
    }

    /// The Redis that a setting names: a cluster, or masters, one at least.
    static func deployment(_ value: SettingValue) throws(SettingsError) -> RedisDeployment {
        let items = try value.words()
        if items.count == 1, let seeds = RedisClusterSeeds(try items[0].text()) { return .cluster(seeds) }
        var masters: [RedisMaster] = []
        for item in items {
            // Not what was given: a password may stand in it.
            guard let master = RedisMaster(try item.text()) else {
                throw item.error("is not \(RedisDeployment.schemes)")
            }
            guard !masters.contains(where: { $0.name == master.name }) else {
                throw item.error("two masters are called \(master.name): give each a name of its own, redis://…#name")
            }
            guard master.address.database == masters.first?.address.database ?? master.address.database else {
                throw item.error("masters that share the channels must have the same number of a database")
            }
            masters.append(master)
        }
        guard masters.count <= RedisDeployment.mastersMax else {
            throw value.error("names more than \(RedisDeployment.mastersMax) masters")
        }
        return .masters(masters)
    }

    mutating func takeFormerRedis(_ value: SettingValue) throws(SettingsError) {
        guard case .masters(let masters) = try Self.deployment(value) else {
            throw value.error("names a Redis Cluster, which moves channels by itself")
        }
        redisFormer = masters
    }

    /// Channels are moved between masters of one list, and of one kind.
    private var formerFault: SettingsError? {
        guard !redisFormer.isEmpty else { return nil }
        let fault = { SettingsError(name: "redis-former", source: source(of: "redis-former"), reason: $0) }
        guard case .masters(let masters)? = redis else {
            return fault("is of no use without redis: the masters that share the channels from now on")
        }
        guard masters[0].address.database == redisFormer[0].address.database else {
            return fault("must have the number of a database that redis has")
        }
        let count = Set((masters + redisFormer).map(\.name)).count
        guard count <= RedisDeployment.mastersMax else {
            return fault("and redis name more than \(RedisDeployment.mastersMax) masters together")
        }
        return nil
    }

    mutating func takeKeyPrefix(_ value: SettingValue) throws(SettingsError) {
        let text = try value.text()
        // It begins the names of keys, and what follows it there is told apart by colons and braces.
        guard text.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw value.error("\(text) is not 1 to 64 letters, digits, dots, dashes or underscores")
        }
        keyPrefix = text
    }

    mutating func takeNodeID(_ value: SettingValue) throws(SettingsError) {
        let text = try value.text()
        // It stands in a cookie and in the name of a pub/sub channel.
        guard text.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw value.error("\(text) is not 1 to 64 letters, digits, dots, dashes or underscores")
        }
        edge.nodeID = text
    }

    mutating func takeKeys(_ value: SettingValue) throws(SettingsError) {
        var keys: [APIKey] = []
        for (place, item) in try value.items().enumerated() {
            let key = try item.apiKey(place + 1)
            guard !keys.contains(where: { $0.name == key.name || $0.hash == key.hash }) else {
                throw item.error("there is another key with the same name or secret")
            }
            keys.append(key)
        }
        edge.apiKeys = keys
    }

    mutating func takeOrigins(_ value: SettingValue) throws(SettingsError) {
        var origins: [String] = []
        for item in try value.items() {
            let origin = try item.text()
            // As browsers write them, or it would never match.
            guard
                origin == "*" || origin == "null"
                    || origin.wholeMatch(of: /[A-Za-z][A-Za-z0-9+.\-]*:\/\/[^\/?#@\s]+/) != nil
            else {
                throw item.error(
                    "\(origin) is not an origin, such as https://www.example.org: no path, no slash behind it"
                )
            }
            origins.append(origin)
        }
        edge.allowedOrigins = origins
    }

    mutating func takeHosts(_ value: SettingValue) throws(SettingsError) {
        var hosts: [String] = []
        for item in try value.items() {
            let host = try item.text()
            // A port would not be looked at, and nothing that is more than a name could match.
            guard host.wholeMatch(of: /[^\s\/:@?#*]+|\*/) != nil else {
                throw item.error("\(host) is not the name of a host: no scheme, no port, no star within")
            }
            hosts.append(host)
        }
        edge.allowedHosts = hosts
    }

    mutating func takeTrustedProxies(_ value: SettingValue) throws(SettingsError) {
        var blocks: [AddressBlock] = []
        for item in try value.items() {
            let text = try item.text()
            if text == "none" { continue }
            guard let block = AddressBlock(text) else {
                throw item.error("\(text) is not an address or a network, such as 192.0.2.7 or 10.0.0.0/8")
            }
            blocks.append(block)
        }
        edge.trustedProxies = blocks
    }

    mutating func takeBayeuxPaths(_ value: SettingValue) throws(SettingsError) {
        var paths: [String] = []
        for item in try value.items() {
            let path = try item.text()
            if path == "none" { continue }
            guard path.wholeMatch(of: /(\/[A-Za-z0-9._~-]+)+/) != nil,
                !Self.ownPaths.contains(String(path.split(separator: "/")[0]))
            else {
                throw item.error("\(path) is not a path such as /cometd, or one that the node has for something else")
            }
            paths.append(path)
        }
        edge.bayeuxPaths = paths
    }

    /// What a node has besides.
    private static let ownPaths: Set<String> = [
        "calls", "ws", "sse", "stream", "multipart", "frame", "poll", "publish", "channels", "healthz", "readyz",
        "metrics",
        "demo",
        "openapi.json", "nodes", "sessions", "users", "tokens", "perseid.js", "perseid.mjs", "perseid.d.ts",
    ]

    mutating func takePublicOrigins(_ value: SettingValue) throws(SettingsError) {
        var origins: [String] = []
        for item in try value.items() {
            let origin = try item.text()
            guard WebOrigin(origin) != nil else { throw item.error("\(origin) is not http[s]://HOST[:PORT]") }
            origins.append(origin)
        }
        edge.publicOrigins = origins
    }

    mutating func takeSlowReader(_ value: SettingValue) throws(SettingsError) {
        let word = try value.choice(of: SlowReaderPolicy.allCases.map(\.rawValue))
        edge.slowReader = SlowReaderPolicy(rawValue: word) ?? edge.slowReader
    }

    mutating func takePolicies(_ value: SettingValue) throws(SettingsError) {
        var policies: [ChannelPolicy] = []
        for item in try value.items() {
            let text = try item.text()
            guard let equals = text.lastIndex(of: "="), let policy = ChannelPolicy(text) else {
                throw item.error("\(text) is not PATTERN=POLICY[:WINDOW], as in logs/**=skip:4194304")
            }
            try item.checkPattern(text[..<equals])
            policies.append(policy)
        }
        edge.policies = policies
    }

    mutating func takePresence(_ value: SettingValue) throws(SettingsError) {
        var patterns: [ChannelPattern] = []
        for item in try value.items() {
            let text = try item.text()
            guard let pattern = ChannelPattern(text) else { throw item.error("\(text) is not a channel pattern") }
            try item.checkPattern(text[...])
            guard !text.hasPrefix("$") else { throw item.error("\(text): channels of the system have no presence") }
            patterns.append(pattern)
        }
        edge.presence = patterns
    }

    mutating func takeLogLevel(_ value: SettingValue) throws(SettingsError) {
        let word = try value.choice(of: Logger.Level.allCases.map(\.rawValue))
        logLevel = Logger.Level(rawValue: word) ?? logLevel
    }
}

extension SettingValue {
    /// Where to listen.
    func place() throws(SettingsError) -> (host: String, port: UInt16) {
        let text = try text()
        guard !text.hasPrefix(":") else {
            throw error("\(text) names no host: 0.0.0.0\(text) is every address of this machine")
        }
        guard let place = Authority(text), let port = place.port else { throw error("\(text) is not HOST:PORT") }
        return (place.host, port)
    }

    /// Refuses a star within a segment: it would stand for itself, and the pattern for nothing that was meant.
    fileprivate func checkPattern(_ pattern: Substring) throws(SettingsError) {
        for segment in pattern.split(separator: "/") where segment.contains("*") && segment != "*" && segment != "**" {
            throw error("\(pattern): a star stands for a whole segment, as in room/*, or room/** for all below room")
        }
    }
}
