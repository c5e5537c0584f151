import Foundation
import TestCertificates
import Testing

/// The client that nodes serve, as pages in a real Chromium and programs in Node have it. What they do is written in their own
/// language, in `Clients`: here are the nodes, which are killed and started when a case asks for it.
@Suite struct BrowserClientTests {
    /// What a case came to.
    private struct Outcome {
        let name: String
        let failure: String?
        let facts: String
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let clients = root.appending(path: "Tests/IntegrationTests/Clients")
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
        .enabled(if: hasNode, "Node 20 is needed"),
        arguments: [[], ["--experimental-websocket"]]
    )
    func programs(options: [String]) async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_PRESENCE": "room/**"]) { cluster in
            let small = try await node("small", ["PERSEID_LIMITS_HISTORY_COUNT_MAX": "5"], in: cluster)
            let guarded = try await node("guarded", Self.guardedEnvironment, in: cluster)
            let token = try await ChildProcess.run(
                [PerseidNode.executable, "token", "make", "alice"],
                environment: Self.guardedEnvironment,
                in: cluster.scratch
            )
            let facts: [String: Any] = [
                "nodes": cluster.nodes.map(Self.address), "small": Self.address(small),
                "guarded": Self.address(guarded), "token": token.trimmingCharacters(in: .whitespacesAndNewlines),
                "file": cluster.scratch.file("perseid.mjs").path,
            ]
            let process = try ChildProcess(
                ["node", "--no-warnings"] + options + [Self.clients.appending(path: "perseid_client.mjs").path]
                    + [try Self.json(facts)],
                in: cluster.scratch
            )
            try await run(process, atLeast: 10, on: cluster)
        }
    }

    private static var hasNode: Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["node", "-e", "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)"]
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    // MARK: Browser

    private static let selenium = root.appending(path: ".build/selenium")

    /// deploy/test says so where they cannot be had.
    private static var hasBrowser: Bool {
        let paths = ["/usr/bin/chromedriver", "/usr/bin/chromium", selenium.appending(path: "selenium").path]
        return paths.allSatisfy(FileManager.default.fileExists(atPath:))
    }

    @Test("pages in Chromium", .enabled(if: hasBrowser, "chromium, chromium-driver and selenium are needed"))
    func pages() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let (page, secure) = (Port.free(), Port.free())
        let environment = ["PERSEID_ALLOWED_ORIGINS": "http://localhost:\(page)"]
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let files = ["pem", "key"].map { "\(authority.directory)/node.\($0)" }.joined(separator: "=")
            let tls = ["PERSEID_TLS_LISTEN": "127.0.0.1:\(secure)", "PERSEID_TLS_CERTIFICATES": files]
            let secured = try await node("secure", tls, in: cluster)
            let guarded = try await node("guarded", Self.guardedEnvironment, in: cluster)
            defer { withExtendedLifetime(secured) {} }
            let facts: [String: Any] = [
                "nodes": cluster.nodes.map { Int($0.port) }, "page": Int(page), "site": "http://localhost:\(page)/",
                "foreign": "http://127.0.0.1:\(page)/", "secure": "https://localhost:\(secure)",
                "guarded": Self.address(guarded), "secret": Self.secret, "kills": 5,
            ]
            let process = try ChildProcess(
                ["/usr/bin/python3", Self.clients.appending(path: "browser/run.py").path, try Self.json(facts)],
                environment: [
                    "PYTHONPATH": Self.selenium.path, "PYTHONDONTWRITEBYTECODE": "1",
                    "HOME": cluster.scratch.directory.path,
                ],
                in: cluster.scratch
            )
            try await run(process, atLeast: 16, on: cluster)
        }
    }

    // MARK: Both

    private func node(_ id: String, _ environment: [String: String], in cluster: Cluster) async throws -> PerseidNode {
        try await PerseidNode(id: id, redis: nil, environment: environment, in: cluster.scratch)
    }

    private static func address(_ node: PerseidNode) -> String { "http://127.0.0.1:\(node.port)" }

    private static func json(_ facts: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: facts), as: UTF8.self)
    }

    /// Does what the cases ask for, and says what became of each.
    private func run(_ process: ChildProcess, atLeast count: Int, on cluster: Cluster) async throws {
        var read = 0
        var outcomes: [Outcome] = []
        let end = ContinuousClock.now + .seconds(400)
        while true {
            let isOver = process.poll() != nil
            for line in process.outputText.split(separator: "\n").dropFirst(read) {
                // The last one may not be whole.
                guard let said = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    break
                }
                read += 1
                if let name = said["case"] as? String {
                    let outcome = Outcome(name: name, failure: said["failure"] as? String, facts: "\(line)")
                    outcomes.append(outcome)
                    #expect(outcome.failure == nil, "\(name): \(outcome.failure ?? "")")
                } else if let place = said["node"] as? Int, cluster.nodes.indices.contains(place) {
                    let node = cluster.nodes[place]
                    if said["do"] as? String == "kill" {
                        try await node.kill()
                    } else {
                        try node.start()
                        try await node.becomeReady()
                    }
                    try process.tell("done")
                }
            }
            if isOver { break }
            try #require(ContinuousClock.now < end, "no end of it: \(outcomes.map(\.facts)) \(process.errorText)")
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(process.poll() == .exited(0), "\(process.errorText.suffix(4_000))")
        #expect(outcomes.count >= count, "\(outcomes.map(\.name))")
    }
}
