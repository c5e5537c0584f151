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
                "\(RedisMaster.schemes) (default: PERSEID_REDIS, else redis://127.0.0.1:6379)"
        )
        var redis: String?

        @Flag(help: "Print the library instead of loading it.")
        var print = false

        func run() throws {
            if print { return Swift.print(String(decoding: RedisFunctions.source, as: UTF8.self), terminator: "") }
            let variable = SettingsEnvironment.name(of: "redis")
            let given = redis ?? ProcessInfo.processInfo.environment[variable] ?? "redis://127.0.0.1:6379"
            let source = redis == nil ? SettingSource.environment(variable) : .flag("redis")
            let value = SettingValue(name: "redis", source: source, content: .text(given, isQuoted: false))
            for master in try masters(value) {
                do {
                    try RedisInstaller(master).install()
                } catch {
                    StandardError.say(error.complaint, at: master.placeText)
                    throw ExitCode.failure
                }
                Swift.print("functions version \(RedisFunctions.version) loaded into \(master.placeText)")
            }
        }

        /// Authorities and a certificate for rediss:// come from the environment.
        private func masters(_ value: SettingValue) throws -> [RedisMaster] {
            do throws(SettingsError) {
                let masters = try Settings.masters(value)
                guard masters.contains(where: \.isSecure) else { return masters }
            } catch {
                throw ValidationError("\(error)")
            }
            return try ServeOptions.settings(flags: [value], file: nil).redis
        }
    }
}
