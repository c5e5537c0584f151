import Foundation
import Testing

/// The demos, each in two browsers at two nodes, as people would use them. What they do is written in `Clients/browser/demo_….py`, and of
/// the shared note's text in `Clients/sequence_check.mjs`. One after the other: each has two browsers and three nodes.
@Suite(.serialized) struct BrowserDemoTests {
    /// What nodes have that show the demos. Little is kept, as by default: so a page has to make do with that.
    private static let environment = ["PERSEID_PRESENCE": "demo/**", "PERSEID_LIMITS_HISTORY_COUNT_MAX": "100"]
        .merging(PerseidNode.patience) { $1 }

    @Test("whoever writes to a note comes to the same text", .enabled(if: BrowserCases.hasNode, "Node 20 is needed"))
    func sequences() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let arguments = [
                BrowserCases.clients.appending(path: "sequence_check.mjs").path,
                BrowserCases.root.appending(path: "Sources/Edge/Resources/demo/sequence.mjs").path, "30", "1",
            ]
            let process = try ChildProcess(["node", "--no-warnings"] + arguments, in: cluster.scratch)
            try await BrowserCases.run(process, atLeast: 6, on: cluster)
        }
    }

    /// `PERSEID_PICTURES` names a directory for the pictures that are taken.
    @Test(
        "two browsers",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed"),
        arguments: [("demo_feed", 5), ("demo_chat", 2), ("demo_note", 2), ("demo_pages", 8)]
    )
    func pages(module: String, count: Int) async throws {
        try await Cluster.with(nodes: 3, environment: Self.environment) { cluster in
            // Each request goes to the next node, whoever asks.
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, isAffine: false)
            let closed = try await BrowserCases.node(
                "closed",
                ["PERSEID_RULES": "room/* subscribe=anyone"],
                in: cluster
            )
            let pictures = ProcessInfo.processInfo.environment["PERSEID_PICTURES"]
            let facts: [String: Any] = [
                "module": module, "browsers": 2, "nodes": cluster.nodes.map { Int($0.port) },
                "site": "http://127.0.0.1:\(balancer.port)", "closed": BrowserCases.address(closed),
                "feed": BrowserCases.root.appending(path: "deploy/feed").path,
                "pictures": pictures ?? cluster.scratch.directory.path,
            ]
            try await BrowserCases.run(try BrowserCases.browsers(facts, in: cluster), atLeast: count, on: cluster)
        }
    }
}
