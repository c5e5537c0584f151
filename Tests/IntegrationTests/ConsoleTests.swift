import Foundation
import Testing

/// The console in a browser, as operators have it. What they do is written in `Clients/browser/console.py`.
@Suite struct ConsoleTests {
    /// A node whose console is for those alone who have a key for it.
    private static let settings = """
        api-keys:
          - {name: operator, secret: an-admin-key}
          - {name: reader, secret: a-key-of-a-reader, scopes: [read]}
        rules:
          - {channels: "public/**", subscribe: anyone, publish: anyone, history: anyone}
        """

    /// `PERSEID_PICTURES` names a directory for the pictures that are taken.
    @Test("an operator", .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed"))
    func pages() async throws {
        // A link that was given up for a busy machine is a thing to look at, for a minute.
        let environment = ["PERSEID_PRESENCE": "room/**"].merging(PerseidNode.patience) { $1 }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let settings = cluster.scratch.file("guarded.yaml")
            try Data(Self.settings.utf8).write(to: settings)
            let guarded = try await PerseidNode(
                id: "guarded",
                redis: nil,
                arguments: ["--config", settings.path],
                in: cluster.scratch
            )
            let facts: [String: Any] = [
                "module": "console", "nodes": cluster.nodes.map { Int($0.port) },
                "guarded": BrowserCases.address(guarded), "key": "an-admin-key", "reader": "a-key-of-a-reader",
                "pictures": ProcessInfo.processInfo.environment["PERSEID_PICTURES"]
                    ?? cluster.scratch.directory.path,
            ]
            try await BrowserCases.run(try BrowserCases.browsers(facts, in: cluster), atLeast: 9, on: cluster)
        }
    }
}
