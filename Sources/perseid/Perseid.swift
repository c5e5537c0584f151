import ArgumentParser

/// The command line: `perseid serve` runs a node, the rest talk to one.
@main
struct Perseid: ParsableCommand {
    /// The version that `perseid version` and the logs tell.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "perseid",
        abstract: "A clustered Comet push broker.",
        discussion: """
            Options can also be set as environment variables (PERSEID_LISTEN for --listen) and in a YAML file; a flag \
            wins over the environment, and that over the file.
            """,
        version: version,
        subcommands: [
            Serve.self, Publish.self, Subscribe.self, Top.self, Check.self, Doctor.self, Token.self, Redis.self,
            Version.self,
        ]
    )

    static func main() {
        StandardDescriptors.fill()
        main(nil)
    }
}

/// Tells the version.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() {
        print(Perseid.version)
    }
}
