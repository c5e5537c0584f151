import ArgumentParser
import Backplane

/// What concerns Redis itself.
struct Redis: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage Perseid's functions in Redis.",
        subcommands: [Install.self]
    )

    /// Loads the function library, or prints it for someone who may.
    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Load the function library into Redis, or print it."
        )

        @Option(help: "redis://[user[:password]@]host[:port][/database]")
        var redis = "redis://127.0.0.1:6379"

        @Flag(help: "Print the library instead of loading it.")
        var print = false

        func run() throws {
            if print { return Swift.print(String(decoding: RedisFunctions.source, as: UTF8.self), terminator: "") }
            guard let address = RedisAddress(redis) else { throw ValidationError("\(redis) is not a Redis URL") }
            try RedisInstaller(address).install()
            Swift.print("functions version \(RedisFunctions.version) loaded into \(address.host):\(address.port)")
        }
    }
}
