import ArgumentParser
import Backplane
import Edge

/// Checks settings as `serve` would read them, and that Redis can be used.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check the settings, and Redis if there is one.")

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let settings: Settings
        do {
            settings = try await Settings(flags: options.flags, file: options.config)
        } catch let error as SettingsError {
            throw ValidationError(error.description)
        }
        print("listen     \(settings.edge.host):\(settings.edge.port)")
        print("node-id    \(settings.edge.nodeID)")
        print("reactors   \(settings.edge.reactorCount)")
        print("api-keys   \(settings.edge.apiKeys.count)")
        guard let redis = settings.redis else { return print("backplane  embedded") }
        do {
            let installed = try RedisInstaller(redis).installedVersion()
            print(
                "backplane  redis \(redis.host):\(redis.port), functions \(installed.map { "version \($0)" } ?? "absent")"
            )
        } catch {
            print("backplane  redis \(redis.host):\(redis.port): \(error)")
            throw ExitCode.failure
        }
    }
}
