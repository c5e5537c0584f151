import ArgumentParser
import Configuration

/// The options of `serve` and `check`. They are text here: `Settings` judges all sources alike.
struct ServeOptions: ParsableArguments {
    @Option(help: "YAML file with settings.")
    var config: String?

    @Option(help: "Where to listen (default: 127.0.0.1:8080).")
    var listen: String?

    @Option(
        help: "Redis to share with the other nodes, redis://[user[:password]@]host[:port][/database]; none: embedded."
    )
    var redis: String?

    @Option(help: "What begins the names of keys in Redis; each cluster its own (default: perseid).")
    var keyPrefix: String?

    @Option(help: "This node's name in the cluster.")
    var nodeId: String?

    @Option(help: "Reactor threads (default: one per processor).")
    var reactors: Int?

    @Option(help: "Send by io_uring where the kernel allows it: auto or off (default: auto).")
    var ioUring: String?

    @Flag(help: "Listen beyond loopback although no API keys are set.")
    var insecure = false

    @Option(help: "API keys publishers must show, separated by commas.")
    var apiKeys: String?

    @Option(help: "Origins whose pages may publish and connect, separated by commas; * for all.")
    var allowedOrigins: String?

    @Option(
        help: "Host names that requests may be for, separated by commas; * for all. Addresses and localhost always."
    )
    var allowedHosts: String?

    @Option(help: "Origins that clients know the nodes by, separated by commas, such as https://push.example.org.")
    var publicOrigin: String?

    @Option(help: "What happens to readers past their window: disconnect, skip or latest (default: disconnect).")
    var slowReader: String?

    @Option(help: "The same by channel, PATTERN=POLICY[:WINDOW], separated by commas.")
    var policies: String?

    @Option(help: "Channels that tell who is subscribed, as patterns separated by commas, such as room/**.")
    var presence: String?

    @Option(help: "trace, debug, info, notice, warning or error (default: info).")
    var logLevel: String?

    @Option(help: "text or json (default: text).")
    var logFormat: String?

    /// What was given, by the names that the other sources use.
    var flags: [String: ConfigContent] {
        var flags: [String: ConfigContent] = [:]
        let texts = [
            "listen": listen, "redis": redis, "key-prefix": keyPrefix, "node-id": nodeId, "slow-reader": slowReader, "log-level": logLevel,
            "log-format": logFormat, "io-uring": ioUring,
        ]
        for (name, text) in texts { flags[name] = text.map { .string($0) } }
        let lists = [
            "presence": presence, "api-keys": apiKeys, "allowed-origins": allowedOrigins, "policies": policies,
            "allowed-hosts": allowedHosts, "public-origin": publicOrigin,
        ]
        for (name, list) in lists { flags[name] = list.map { .stringArray($0.split(separator: ",").map(String.init)) } }
        flags["reactors"] = reactors.map { .int($0) }
        if insecure { flags["insecure"] = .bool(true) }
        return flags
    }
}
