import ArgumentParser
import Foundation

/// The options of `serve` and `check`. They are text here: `Settings` judges all sources alike.
struct ServeOptions: ParsableArguments {
    private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    @Option(help: "YAML file with settings.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: .setting("listen")) var listen: String?
    @Option(help: .setting("redis")) var redis: String?
    @Option(help: .setting("redis-former")) var redisFormer: String?
    @Option(help: .setting("key-prefix")) var keyPrefix: String?
    @Option(help: .setting("node-id")) var nodeId: String?
    @Option(help: .setting("reactors")) var reactors: String?
    @Option(help: .setting("io-uring")) var ioUring: String?
    @Flag(help: .setting("insecure")) var insecure = false
    @Option(help: .setting("api-keys")) var apiKeys: String?
    @Option(help: .setting("rules")) var rules: String?
    @Option(help: .setting("allowed-origins")) var allowedOrigins: String?
    @Option(help: .setting("trusted-proxies")) var trustedProxies: String?
    @Flag(help: .setting("proxy-protocol")) var proxyProtocol = false
    @Option(help: .setting("forwarded-field"), completion: .list(["x-forwarded-for", "forwarded", "none"]))
    var forwardedField: String?
    @Option(help: .setting("allowed-hosts")) var allowedHosts: String?
    @Flag(help: .setting("jsonp")) var jsonp = false
    @Option(help: .setting("bayeux")) var bayeux: String?
    @Option(help: .setting("public-origin")) var publicOrigin: String?
    @Option(help: .setting("slow-reader"), completion: .list(["disconnect", "skip", "latest", "merge"])) var slowReader:
        String?
    @Option(help: .setting("policies")) var policies: String?
    @Option(help: .setting("presence")) var presence: String?
    @Option(help: .setting("log-level"), completion: .list(Self.logLevels)) var logLevel: String?
    @Option(help: .setting("log-format"), completion: .list(["text", "json"])) var logFormat: String?

    /// What was given, by the names that the other sources use.
    var flags: [SettingValue] {
        let given = [
            ("listen", listen), ("redis", redis), ("redis-former", redisFormer), ("key-prefix", keyPrefix),
            ("node-id", nodeId),
            ("reactors", reactors), ("io-uring", ioUring),
            ("insecure", insecure ? "true" : nil), ("api-keys", apiKeys), ("rules", rules),
            ("allowed-origins", allowedOrigins),
            ("trusted-proxies", trustedProxies), ("proxy-protocol", proxyProtocol ? "true" : nil),
            ("forwarded-field", forwardedField), ("allowed-hosts", allowedHosts), ("jsonp", jsonp ? "true" : nil),
            ("bayeux", bayeux),
            ("public-origin", publicOrigin), ("slow-reader", slowReader), ("policies", policies),
            ("presence", presence), ("log-level", logLevel), ("log-format", logFormat),
        ]
        return given.compactMap { name, text in
            text.map { SettingValue(name: name, source: .flag(name), content: .text($0, isQuoted: false)) }
        }
    }

    /// The settings of all sources. If any cannot be used, says which and ends the command.
    func settings() throws -> Settings { try Self.settings(flags: flags, file: config) }

    /// The same for a node that goes on with those it has if any of the others cannot be used.
    func read() throws(SettingsErrors) -> Settings { try Self.read(flags: flags, file: config) }

    private static func read(flags: [SettingValue], file: String?) throws(SettingsErrors) -> Settings {
        try Settings(flags: flags, environment: ProcessInfo.processInfo.environment, file: file)
    }

    static func settings(flags: [SettingValue] = [], file: String?) throws -> Settings {
        do throws(SettingsErrors) {
            return try read(flags: flags, file: file)
        } catch {
            for each in error.all { StandardError.say(each.description) }
            throw ExitCode.failure
        }
    }
}

extension ArgumentHelp {
    /// What the table says of a setting. Other users of the machine see the command line in `ps`, so a secret is better put
    /// elsewhere.
    static func setting(_ name: String) -> ArgumentHelp {
        guard let setting = SettingTable[name] else { return ArgumentHelp("") }
        let secrecy = setting.isSecret ? " Secrets are better put in the file or in \(setting.environmentName)." : ""
        return ArgumentHelp("\(setting.meaning) (default: \(setting.usual)).\(secrecy)")
    }
}
