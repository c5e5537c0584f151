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
                "\(RedisDeployment.schemes) (default: PERSEID_REDIS, else redis://127.0.0.1:6379)"
        )
        var redis: String?

        @Flag(help: "Print the library instead of loading it.")
        var print = false

        @Flag(help: "Load it even in place of a newer one.")
        var force = false

        func run() throws {
            if print { return Swift.print(String(decoding: RedisFunctions.source, as: UTF8.self), terminator: "") }
            let variable = SettingsEnvironment.name(of: "redis")
            let given = redis ?? ProcessInfo.processInfo.environment[variable] ?? "redis://127.0.0.1:6379"
            let source = redis == nil ? SettingSource.environment(variable) : .flag("redis")
            let value = SettingValue(name: "redis", source: source, content: .text(given, isQuoted: false))
            let deployment = try deployment(value)
            do {
                for master in try deployment.masters() {
                    let installer = RedisInstaller(master, of: deployment)
                    if !force { try refuseNewer(installer.newerVersion(), at: master.placeText) }
                    try installer.install()
                    Swift.print("functions version \(RedisFunctions.version) loaded into \(master.placeText)")
                }
            } catch let error as RedisFailure {
                StandardError.say(error.complaint, at: deployment.placesText)
                throw ExitCode.failure
            }
        }

        /// Nodes of the release that brought it ask for what this one lacks, and this release's nodes work with it.
        private func refuseNewer(_ version: Int?, at place: String) throws(ExitCode) {
            guard let version else { return }
            StandardError.say(
                "functions version \(version) is loaded into \(place), and this program has \(RedisFunctions.version): "
                    + "nodes of both releases work with the newer one, so leave it; --force replaces it"
            )
            throw ExitCode.failure
        }

        /// Authorities and a certificate for rediss:// come from the environment.
        private func deployment(_ value: SettingValue) throws -> RedisDeployment {
            do throws(SettingsError) {
                let deployment = try Settings.deployment(value)
                guard deployment.isSecure else { return deployment }
            } catch {
                throw ValidationError("\(error)")
            }
            guard let secured = try ServeOptions.settings(flags: [value], file: nil).redis else {
                throw ExitCode.failure
            }
            return secured
        }
    }
}
