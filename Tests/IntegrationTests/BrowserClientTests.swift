import Foundation
import TestCertificates
import Testing

/// The client that nodes serve, as pages in a real Chromium and programs in Node and Deno have it. What they do is written in their own
/// language, in `Clients`: here are the nodes, which are killed and started when a case asks for it.
@Suite struct BrowserClientTests {
    private static let secret = "a-secret-of-the-tests-with-more-than-32-bytes"

    /// Nodes that only those may use who show a token; tokens end when they say so, and not a moment later.
    private static let guardedEnvironment = [
        "PERSEID_TOKENS_HMAC": "main=\(secret)", "PERSEID_TOKENS_LEEWAY_SECONDS": "0",
        "PERSEID_RULES": "room/* subscribe=users publish=users history=users",
    ]

    // MARK: Programs

    private static let program = BrowserCases.clients.appending(path: "perseid_client.mjs").path

    /// The global `WebSocket` is there by itself since Node 22.
    @Test(
        "programs in Node, without a WebSocket of its own and with one",
        .enabled(if: BrowserCases.hasNode, "Node 20 is needed"),
        arguments: [false, true]
    )
    func programs(hasWebSocket: Bool) async throws {
        let option = hasWebSocket ? "--experimental-websocket" : "--no-experimental-websocket"
        try await run(["node", "--no-warnings", option, Self.program], atLeast: 12, hasWebSocket: hasWebSocket)
    }

    @Test("programs in a worker of Node", .enabled(if: BrowserCases.hasNode, "Node 20 is needed"))
    func worker() async throws {
        let program = BrowserCases.clients.appending(path: "perseid_worker.mjs").path
        let cases = ["eachTransport", "killedNodes", "changes", "noPresence", "keys"]
        let command = ["node", "--no-warnings", "--experimental-websocket", program]
        try await run(command, cases, atLeast: cases.count, hasWebSocket: true)
    }

    @Test("programs in Deno", .enabled(if: BrowserCases.hasDeno, "deno is needed: deploy/test"))
    func deno() async throws {
        try await run(
            [BrowserCases.deno, "run", "--quiet", "--allow-all", Self.program],
            atLeast: 12,
            hasWebSocket: true
        )
    }

    @Test(
        "what is written in TypeScript is what the types say",
        .enabled(if: BrowserCases.hasDeno, "deno is needed: deploy/test")
    )
    func types() async throws {
        let scratch = try Scratch()
        let file = BrowserCases.clients.appending(path: "perseid_types.ts").path
        let home = ["HOME": scratch.directory.path]
        let check = try ChildProcess([BrowserCases.deno, "check", "--quiet", file], environment: home, in: scratch)
        #expect(try await check.end() == .exited(0), "\(check.errorText)")
    }

    private func run(
        _ command: [String],
        _ cases: [String] = [],
        atLeast count: Int,
        hasWebSocket: Bool
    ) async throws {
        let environment = ["PERSEID_PRESENCE": "room/**"].merging(PerseidNode.patience) { $1 }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
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
                "file": cluster.scratch.file("perseid.mjs").path, "cases": cases, "webSocket": hasWebSocket,
            ]
            let home = ["HOME": cluster.scratch.directory.path]
            let process = try ChildProcess(
                command + [try BrowserCases.json(facts)],
                environment: home,
                in: cluster.scratch
            )
            try await BrowserCases.run(process, atLeast: count, on: cluster)
        }
    }

    // MARK: Browser

    /// How often the page's node is killed: five times, or as `PERSEID_TEST_KILLS` says; and which cases there are to be, with commas
    /// between them, if not all.
    private static let killCount = ProcessInfo.processInfo.environment["PERSEID_TEST_KILLS"].flatMap { Int($0) } ?? 5
    private static let wanted = (ProcessInfo.processInfo.environment["PERSEID_TEST_CASES"] ?? "").split(separator: ",")
        .map(String.init)

    @Test(
        "pages in Chromium",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed")
    )
    func pages() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let (page, secure) = (Port.free(), Port.free())
        let environment = ["PERSEID_ALLOWED_ORIGINS": "http://localhost:\(page)"].merging(PerseidNode.patience) { $1 }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let files = ["pem", "key"].map { "\(authority.directory)/node.\($0)" }.joined(separator: "=")
            let tls = ["PERSEID_TLS_LISTEN": "127.0.0.1:\(secure)", "PERSEID_TLS_CERTIFICATES": files]
            let secured = try await BrowserCases.node("secure", tls, in: cluster)
            let guarded = try await BrowserCases.node("guarded", Self.guardedEnvironment, in: cluster)
            defer { withExtendedLifetime(secured) {} }
            let facts: [String: Any] = [
                "nodes": cluster.nodes.map { Int($0.port) }, "page": Int(page), "site": "http://localhost:\(page)/",
                "foreign": "http://127.0.0.1:\(page)/", "secure": "https://localhost:\(secure)",
                "guarded": BrowserCases.address(guarded), "secret": Self.secret, "kills": Self.killCount,
                "cases": Self.wanted,
            ]
            let count = Self.wanted.isEmpty ? 19 : Self.wanted.count
            try await BrowserCases.run(try BrowserCases.browsers(facts, in: cluster), atLeast: count, on: cluster)
        }
    }
}
