import Foundation
import TestCertificates
import Testing

/// The client that nodes serve, as pages in a real Chromium and programs in Node have it. What they do is written in their own
/// language, in `Clients`: here are the nodes, which are killed and started when a case asks for it.
@Suite struct BrowserClientTests {
    private static let secret = "a-secret-of-the-tests-with-more-than-32-bytes"

    /// Nodes that only those may use who show a token; tokens end when they say so, and not a moment later.
    private static let guardedEnvironment = [
        "PERSEID_TOKENS_HMAC": "main=\(secret)", "PERSEID_TOKENS_LEEWAY_SECONDS": "0",
        "PERSEID_RULES": "room/* subscribe=users publish=users history=users",
    ]

    // MARK: Node

    /// The global `WebSocket` is there by itself since Node 22.
    @Test(
        "programs in Node, without a WebSocket of its own and with one",
        .enabled(if: BrowserCases.hasNode, "Node 20 is needed"),
        arguments: [[], ["--experimental-websocket"]]
    )
    func programs(options: [String]) async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_PRESENCE": "room/**"]) { cluster in
            let small = try await BrowserCases.node("small", ["PERSEID_LIMITS_HISTORY_COUNT_MAX": "5"], in: cluster)
            let guarded = try await BrowserCases.node("guarded", Self.guardedEnvironment, in: cluster)
            let token = try await ChildProcess.run(
                [PerseidNode.executable, "token", "make", "alice"],
                environment: Self.guardedEnvironment,
                in: cluster.scratch
            )
            let facts: [String: Any] = [
                "nodes": cluster.nodes.map(BrowserCases.address), "small": BrowserCases.address(small),
                "guarded": BrowserCases.address(guarded),
                "token": token.trimmingCharacters(in: .whitespacesAndNewlines),
                "file": cluster.scratch.file("perseid.mjs").path,
            ]
            let process = try ChildProcess(
                ["node", "--no-warnings"] + options + [BrowserCases.clients.appending(path: "perseid_client.mjs").path]
                    + [try BrowserCases.json(facts)],
                in: cluster.scratch
            )
            try await BrowserCases.run(process, atLeast: 10, on: cluster)
        }
    }

    // MARK: Browser

    @Test(
        "pages in Chromium",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed")
    )
    func pages() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let (page, secure) = (Port.free(), Port.free())
        let environment = ["PERSEID_ALLOWED_ORIGINS": "http://localhost:\(page)"]
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let files = ["pem", "key"].map { "\(authority.directory)/node.\($0)" }.joined(separator: "=")
            let tls = ["PERSEID_TLS_LISTEN": "127.0.0.1:\(secure)", "PERSEID_TLS_CERTIFICATES": files]
            let secured = try await BrowserCases.node("secure", tls, in: cluster)
            let guarded = try await BrowserCases.node("guarded", Self.guardedEnvironment, in: cluster)
            defer { withExtendedLifetime(secured) {} }
            let facts: [String: Any] = [
                "nodes": cluster.nodes.map { Int($0.port) }, "page": Int(page), "site": "http://localhost:\(page)/",
                "foreign": "http://127.0.0.1:\(page)/", "secure": "https://localhost:\(secure)",
                "guarded": BrowserCases.address(guarded), "secret": Self.secret, "kills": 5,
            ]
            try await BrowserCases.run(try BrowserCases.browsers(facts, in: cluster), atLeast: 16, on: cluster)
        }
    }
}
