import ArgumentParser
import Backplane
import Foundation

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

        @Option(
            help:
                "\(RedisAddress.schemes) (default: PERSEID_REDIS, else redis://127.0.0.1:6379)"
        )
        var redis: String?

        @Flag(help: "Print the library instead of loading it.")
        var print = false

        func run() throws {
            if print { return Swift.print(String(decoding: RedisFunctions.source, as: UTF8.self), terminator: "") }
            let variable = SettingsEnvironment.name(of: "redis")
            let given = redis ?? ProcessInfo.processInfo.environment[variable] ?? "redis://127.0.0.1:6379"
            guard let address = RedisAddress(given) else {
                // Not what was given: a password may stand in it.
                throw ValidationError(
                    "\(redis == nil ? variable : "--redis") is not \(RedisAddress.schemes)"
                )
            }
            // Authorities and a certificate for rediss:// come from the environment.
            let flag = SettingValue(name: "redis", source: .flag("redis"), content: .text(given, isQuoted: false))
            let secured =
                address.security == nil ? address : try ServeOptions.settings(flags: [flag], file: nil).redis ?? address
            do {
                try RedisInstaller(secured).install()
            } catch {
                StandardError.say(error.complaint, at: address)
                throw ExitCode.failure
            }
            Swift.print("functions version \(RedisFunctions.version) loaded into \(address.place)")
        }
    }
}
