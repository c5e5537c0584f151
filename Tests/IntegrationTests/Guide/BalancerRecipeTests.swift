import Foundation
import TestCertificates
import Testing

/// The configurations that the page about balancers gives, in front of three nodes. HAProxy's is what most tests of the cluster go
/// through; here are the others, where they are installed.
@Suite(.serialized) struct BalancerRecipeTests {
    /// A balancer as the page has it: the file, and the command that runs it.
    struct Recipe: CustomTestStringConvertible {
        let file: String
        let command: [String]

        var testDescription: String { file }

        static let all = [
            Recipe(file: "nginx.conf", command: ["nginx", "-g", "daemon off; pid nginx.pid; error_log stderr;", "-c"]),
            Recipe(file: "Caddyfile", command: ["caddy", "run", "--adapter", "caddyfile", "--config"]),
        ]

        var isInstalled: Bool {
            ["/usr/sbin", "/usr/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(command[0])") }
        }
    }

    @Test(
        "every transport comes through at once, with long heads, and a node that dies takes nothing with it",
        arguments: Recipe.all
    )
    func recipe(_ recipe: Recipe) async throws {
        guard recipe.isInstalled else { return }
        let environment = ["PERSEID_TRUSTED_PROXIES": "127.0.0.1"]
        try await Cluster.with(environment: environment) { cluster in
            let port = Port.free()
            let balancer = try await Self.start(recipe, at: port, secure: Port.free(), for: cluster)
            try await checkStreams(at: port, cluster)
            try await checkHeads(at: port)
            try await checkLoss(at: port, cluster)
            balancer.signal(SIGTERM)
            try await balancer.end()
        }
    }

    @Test(
        "twenty event streams and a WebSocket of a page are open by HTTP/2, and go on when a node dies",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed"),
        arguments: Recipe.all
    )
    func page(_ recipe: Recipe) async throws {
        guard recipe.isInstalled else { return }
        try await Cluster.with(environment: PerseidNode.patience) { cluster in
            let (port, secure) = (Port.free(), Port.free())
            let balancer = try await Self.start(recipe, at: port, secure: secure, for: cluster)
            let facts: [String: Any] = [
                "module": "front", "nodes": cluster.nodes.map { Int($0.port) }, "isSpread": true,
                "secure": "https://127.0.0.1:\(secure)", "plain": "http://127.0.0.1:\(port)",
            ]
            let process = try BrowserCases.browsers(facts, in: cluster)
            try await BrowserCases.run(process, atLeast: 2, on: cluster)
            balancer.signal(SIGTERM)
            try await balancer.end()
        }
    }

    private static func start(
        _ recipe: Recipe,
        at port: UInt16,
        secure: UInt16,
        for cluster: Cluster
    ) async throws -> ChildProcess {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let issued = try authority.writeForHere()
        for (from, to) in [(issued.certificate, "live.pem"), (issued.key, "live.key")] {
            try FileManager.default.copyItem(atPath: from, toPath: cluster.scratch.file(to).path)
        }
        let snippets = try Snippet.all(of: "deploy/guide/balancers.md")
        let snippet = try #require(snippets.first { $0.fate == .isFile(recipe.file) })
        var text = snippet.text.replacing("127.0.0.1:8080", with: "127.0.0.1:\(port)")
            .replacing("127.0.0.1:8443", with: "127.0.0.1:\(secure)")
        for (number, node) in cluster.nodes.enumerated() {
            text = text.replacing("127.0.0.1:\(8_081 + number)", with: "127.0.0.1:\(node.port)")
        }
        // Where these keep their own files if nobody says otherwise is not for a test.
        text = text.replacing("worker_processes auto;", with: "worker_processes 1;").replacing(
            "worker_connections 100000;",
            with: "worker_connections 500;"
        )
        .replacing("worker_rlimit_nofile 200000;", with: "")
        let file = cluster.scratch.file(recipe.file)
        try text.write(to: file, atomically: true, encoding: .utf8)
        let home = cluster.scratch.directory.path
        let prefix = recipe.command[0] == "nginx" ? ["-p", home] : []
        let balancer = try ChildProcess(
            ["env", "--chdir", home, recipe.command[0]] + prefix + recipe.command.dropFirst() + [file.path],
            environment: ["HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home],
            in: cluster.scratch
        )
        try await eventually(
            "the balancer lets requests through",
            isTrue: {
                guard balancer.isRunning else { throw ChildProcess.Failure(description: balancer.errorText) }
                return (try? await HTTPConnection.ask("GET", "/readyz", port: port).status) == 200
            }
        )
        return balancer
    }

    /// A stream is there before anything is published, and what is published comes at once, however short it is.
    private func checkStreams(at port: UInt16, _ cluster: Cluster) async throws {
        let socket = try await WebSocketClient([(port, "/ws?channel=news")], in: cluster.scratch)
        try await socket.opened()
        let paths = ["/sse", "/stream", "/multipart", "/frame?callback=f"]
        let streams = try paths.map { path in
            try ChildProcess(
                [
                    "curl", "--silent", "--no-buffer",
                    "http://127.0.0.1:\(port)\(path)\(path.contains("?") ? "&" : "?")channel=news",
                ],
                in: cluster.scratch
            )
        }
        for (path, stream) in zip(paths, streams) {
            try await eventually("\(path) is open", isTrue: { stream.outputText.contains("subscribed") })
        }
        let poll = try ChildProcess(
            ["curl", "--silent", "http://127.0.0.1:\(port)/poll?channel=news"],
            in: cluster.scratch
        )
        try await eventually(
            "the poll is held",
            isTrue: { try await cluster.nodes.asyncSum { try await $0.metric("perseid_polls") ?? 0 } == 1 }
        )
        let answer = try await HTTPConnection.ask("POST", "/channels/news", port: port, body: "through the balancer")
        try #require(answer.status == 200)
        for (path, stream) in zip(paths + ["/poll"], streams + [poll]) {
            // Less than a poll is held, and a buffer waits for more.
            try await eventually(
                "\(path) has it",
                within: .seconds(20),
                isTrue: { stream.outputText.contains("through the balancer") }
            )
        }
        try await eventually("the WebSocket has it", isTrue: { try socket.messages()[0].count == 1 })
        try await socket.close()
    }

    /// A client of many channels comes back with a cursor of 12 KiB, and its target and head are as long as they may be.
    private func checkHeads(at port: UInt16) async throws {
        let names = (0..<100).map { "room/\($0)/\(String(repeating: "x", count: 60))" }
        let channels = names.map { "channel=\($0)" }.joined(separator: "&")
        let cursor = names.sorted().map { "\($0.replacing("/", with: "%2F"))@0-0" }.joined(separator: ",")
        let answer = try await HTTPConnection.ask(
            "GET",
            "/poll?wait=0&\(channels)",
            port: port,
            fields: ["Last-Event-ID": cursor, "Cookie": "c=\(String(repeating: "y", count: 4_000))"]
        )
        #expect(answer.status == 200, "\(answer.body.prefix(200))")
    }

    private func checkLoss(at port: UInt16, _ cluster: Cluster) async throws {
        try await cluster.nodes[0].kill()
        for number in 0..<10 {
            try await eventually(
                "it is published",
                isTrue: {
                    let fields = ["Idempotency-Key": "after-\(number)"]
                    return
                        (try? await HTTPConnection.ask("POST", "/channels/news", port: port, fields: fields, body: "x")
                        .status) == 200
                }
            )
        }
    }
}

extension [PerseidNode] {
    fileprivate func asyncSum(_ value: (PerseidNode) async throws -> Int) async rethrows -> Int {
        var sum = 0
        for node in self { sum += try await value(node) }
        return sum
    }
}
