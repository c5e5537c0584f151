import ArgumentParser

/// The command line: `perseid serve` runs a node, the rest talk to one.
@main
struct Perseid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perseid",
        abstract: "A clustered Comet push broker."
    )
}
