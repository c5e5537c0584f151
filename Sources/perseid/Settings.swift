import Backplane
import Broker
import Configuration
import Edge
import Logging
import SystemPackage

/// What a node is told: by flags, by the environment, by one YAML file, in that order.
struct Settings {
    var edge = EdgeConfiguration()
    var redis: RedisAddress?
    var keyPrefix = RedisBackplane.usualKeyPrefix
    var isInsecure = false
    var logLevel = Logger.Level.info
    var isLogJSON = false

    /// Reads and checks all settings.
    ///
    /// - Throws: `SettingsError` naming the first setting that cannot be used.
    init(flags: [String: ConfigContent], file: String?) async throws {
        let config = try await Self.reader(flags: flags, file: file)
        try readListen(config)
        try readNode(config)
        try readPublishers(config)
        try readPolicies(config)
        try readPresence(config)
        try readLimits(config)
        try readLog(config)
        try checkExposure()
    }

    private static func reader(flags: [String: ConfigContent], file: String?) async throws -> ConfigReader {
        let given = Dictionary(
            uniqueKeysWithValues: flags.map {
                (AbsoluteConfigKey([$0.key]), ConfigValue($0.value, isSecret: $0.key == "api-keys"))
            }
        )
        let environment = EnvironmentVariablesProvider().prefixKeys(with: "perseid")
        var providers: [any ConfigProvider] = [InMemoryProvider(name: "flags", values: given), environment]
        let path = file ?? ConfigReader(provider: environment).string(forKey: "config")
        if let path {
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(path)))
            } catch {
                throw SettingsError(name: "config", reason: "\(path) cannot be read: \(error)")
            }
        }
        return ConfigReader(providers: providers)
    }

    private mutating func readListen(_ config: ConfigReader) throws {
        let listen = config.string(forKey: "listen", default: "127.0.0.1:8080")
        guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
            throw SettingsError(name: "listen", reason: "\(listen) is not HOST:PORT")
        }
        let host = listen[..<colon]
        edge.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
        edge.port = port
        isInsecure = config.bool(forKey: "insecure", default: false)
    }

    private mutating func readNode(_ config: ConfigReader) throws {
        if let url = config.string(forKey: "redis"), !url.isEmpty {
            redis = RedisAddress(url)
            if redis == nil {
                throw SettingsError(name: "redis", reason: "not redis://[user[:password]@]host[:port][/database]")
            }
        }
        keyPrefix = config.string(forKey: "key-prefix", default: keyPrefix)
        // It begins the names of keys, and what follows it there is told apart by colons and braces.
        guard keyPrefix.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw SettingsError(name: "key-prefix", reason: "not 1 to 64 letters, digits, dots, dashes or underscores")
        }
        let drawn = "node-\(String(UInt32.random(in: 0...(.max)), radix: 36))"
        edge.nodeID = config.string(forKey: "node-id", default: drawn)
        // It stands in a cookie and in the name of a pub/sub channel.
        guard edge.nodeID.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw SettingsError(name: "node-id", reason: "not 1 to 64 letters, digits, dots, dashes or underscores")
        }
        edge.reactorCount = config.int(forKey: "reactors", default: ProcessorCount.current)
        guard (1...64).contains(edge.reactorCount) else {
            throw SettingsError(name: "reactors", reason: "not between 1 and 64")
        }
        switch config.string(forKey: "io-uring", default: "auto") {
        case "auto": edge.usesRing = true
        case "off": edge.usesRing = false
        default: throw SettingsError(name: "io-uring", reason: "neither auto nor off")
        }
    }

    private mutating func readPublishers(_ config: ConfigReader) throws {
        edge.apiKeys = config.stringArray(forKey: "api-keys", isSecret: true, default: []).filter { !$0.isEmpty }
        edge.allowedOrigins = config.stringArray(forKey: "allowed-origins", default: [])
        edge.allowedHosts = config.stringArray(forKey: "allowed-hosts", default: [])
        edge.publicOrigins = config.stringArray(forKey: "public-origin", default: [])
        for text in edge.publicOrigins where WebOrigin(text) == nil {
            throw SettingsError(name: "public-origin", reason: "\(text) is not http[s]://HOST[:PORT]")
        }
    }

    /// Policies are written `pattern=policy` or `pattern=policy:window`, as in `ticker/**=latest`.
    private mutating func readPolicies(_ config: ConfigReader) throws {
        if let text = config.string(forKey: "slow-reader") {
            guard let policy = SlowReaderPolicy(rawValue: text) else {
                throw SettingsError(name: "slow-reader", reason: "not one of disconnect, skip, latest")
            }
            edge.slowReader = policy
        }
        for text in config.stringArray(forKey: "policies", default: []) {
            guard let policy = ChannelPolicy(text) else {
                throw SettingsError(name: "policies", reason: "\(text) is not PATTERN=POLICY[:WINDOW]")
            }
            edge.policies.append(policy)
        }
    }

    private mutating func readPresence(_ config: ConfigReader) throws {
        for text in config.stringArray(forKey: "presence", default: []) where !text.isEmpty {
            guard let pattern = ChannelPattern(text) else {
                throw SettingsError(name: "presence", reason: "\(text) is not a channel pattern")
            }
            edge.presence.append(pattern)
        }
    }

    private mutating func readLimits(_ config: ConfigReader) throws {
        let limits = config.scoped(to: "limits")
        for (name, path) in LimitNames.counts {
            guard let value = limits.int(forKey: ConfigKey(stringLiteral: name)) else { continue }
            guard value > 0 else { throw SettingsError(name: "limits.\(name)", reason: "must be positive") }
            edge.limits[keyPath: path] = value
        }
        for (name, path) in LimitNames.times {
            guard let value = limits.int(forKey: ConfigKey(stringLiteral: name)) else { continue }
            guard value > 0 else { throw SettingsError(name: "limits.\(name)", reason: "must be positive") }
            edge.limits[keyPath: path] = UInt64(value)
        }
    }

    private mutating func readLog(_ config: ConfigReader) throws {
        let level = config.string(forKey: "log-level", default: "info")
        guard let parsed = Logger.Level(rawValue: level) else {
            throw SettingsError(name: "log-level", reason: "not one of trace, debug, info, notice, warning, error")
        }
        logLevel = parsed
        switch config.string(forKey: "log-format", default: "text") {
        case "text": isLogJSON = false
        case "json": isLogJSON = true
        default: throw SettingsError(name: "log-format", reason: "neither text nor json")
        }
    }

    /// Refuses to let the whole network publish by oversight.
    private func checkExposure() throws {
        let isLoopback = edge.host == "localhost" || edge.host == "::1" || edge.host.hasPrefix("127.")
        guard isLoopback || isInsecure || !edge.apiKeys.isEmpty else {
            throw SettingsError(
                name: "listen",
                reason:
                    "\(edge.host) can be reached from other machines and no api-keys are set: set some, or pass --insecure"
            )
        }
    }
}

/// A setting that cannot be used.
struct SettingsError: Error, CustomStringConvertible {
    let name: String
    let reason: String

    var description: String { "\(name): \(reason)" }
}

extension ChannelPolicy {
    /// Reads `pattern=policy` or `pattern=policy:window`.
    init?(_ text: String) {
        guard let equals = text.lastIndex(of: "="), let pattern = ChannelPattern(String(text[..<equals])) else {
            return nil
        }
        let parts = text[text.index(after: equals)...].split(separator: ":", omittingEmptySubsequences: false)
        guard let policy = parts.first.flatMap({ SlowReaderPolicy(rawValue: String($0)) }), parts.count <= 2 else {
            return nil
        }
        var window: Int?
        if parts.count == 2 {
            guard let number = Int(parts[1]), number > 0 else { return nil }
            window = number
        }
        self.init(pattern: pattern, slowReader: policy, windowBytesMax: window)
    }
}
