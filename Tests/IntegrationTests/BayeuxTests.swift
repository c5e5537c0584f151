import Foundation
import Testing

/// Bayeux as people have it: clients of others, three nodes, and a balancer that knows none of them by session.
@Suite(.serialized) struct BayeuxTests {
    /// What a client told, and where it stands.
    private struct Told {
        let numbers: [Int]
        let clientIDs: Set<String>
        let isReady: Bool

        init(_ process: ChildProcess) {
            var numbers: [Int] = []
            var clientIDs: Set<String> = []
            var isReady = false
            for line in process.outputText.split(separator: "\n") {
                guard let told = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    continue
                }
                if told["ready"] as? Bool == true { isReady = true }
                if let id = told["client"] as? String { clientIDs.insert(id) }
                if let number = (told["data"] as? [String: Int])?["n"] { numbers.append(number) }
            }
            (self.numbers, self.clientIDs, self.isReady) = (numbers, clientIDs, isReady)
        }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Where deploy/test puts what is not Debian's.
    private static let library = root.appending(path: ".build/python")

    /// deploy/test says so where they cannot be had.
    private static var hasPythonClients: Bool {
        FileManager.default.fileExists(atPath: library.appending(path: "baiocas").path)
    }

    private func client(_ program: String, _ transport: String, _ port: UInt16, in scratch: Scratch) throws
        -> ChildProcess
    {
        let clients = Self.root.appending(path: "Tests/IntegrationTests/Clients")
        let url = "http://127.0.0.1:\(port)/bayeux"
        let command =
            program == "faye"
            ? ["ruby", clients.appending(path: "faye_client.rb").path]
            : ["/usr/bin/python3", clients.appending(path: "\(program)_client.py").path]
        return try ChildProcess(
            command + [url, transport, "/news/1"],
            environment: ["PYTHONPATH": Self.library.path, "PYTHONDONTWRITEBYTECODE": "1"],
            in: scratch
        )
    }

    @Test("clients of CometD and Faye, each request for another node, one node killed after the other: nothing is lost")
    func othersClients() async throws {
        try await Cluster.with(environment: ["PERSEID_LIMITS_HISTORY_COUNT_MAX": "10000"]) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, isAffine: false)
            let kinds = ["long-polling", "websocket"].flatMap { transport in
                (Self.hasPythonClients ? [("cometd", transport)] : []) + [("faye", transport)]
            }
            let clients = try kinds.map { try client($0.0, $0.1, balancer.port, in: cluster.scratch) }
            try await eventually(
                "all are subscribed: \(zip(kinds, clients).map { "\($0) \($1.outputText.suffix(500)) \($1.errorText)" })",
                isTrue: { clients.allSatisfy { Told($0).isReady } }
            )
            var published = 0
            var atKills: Set<Int> = []
            for kill in 0..<4 {
                let node = cluster.nodes[kill % 3]
                for moment in 0..<40 {
                    if moment == 15 {
                        // A reply that is lost may have all that came since the one before.
                        try await eventually(
                            "all have what was published",
                            isTrue: { clients.allSatisfy { Told($0).numbers.last == published - 1 } }
                        )
                    }
                    _ = try await cluster.redis.publish("{\"n\":\(published)}", to: "news/1")
                    published += 1
                    if moment == 20 {
                        try await node.kill()
                        atKills.formUnion(published - 6..<published)
                    }
                    if moment == 30 { try node.start() }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let all = Array(0..<published)
            for ((program, transport), client) in zip(kinds, clients) {
                try await eventually(
                    "\(program) over \(transport) has the last: \(Told(client).numbers.suffix(3)) of \(published)",
                    isTrue: { Told(client).numbers.last == all.last }
                )
                let told = Told(client)
                // Neither acknowledges: a reply that its node did not live to send was the only one.
                let lost = Set(all).subtracting(told.numbers)
                #expect(transport == "websocket" ? lost.isEmpty : lost.isSubset(of: atKills), "\(program): \(lost)")
                // One session from the beginning to the end.
                #expect(told.clientIDs.count == 1)
                // What was pushed by a WebSocket and not confirmed when its node was killed comes again.
                if transport == "long-polling" { #expect(told.numbers == all.filter { !lost.contains($0) }) }
            }
        }
    }

    /// A request that fails is the last one that baiocas makes, so no node is killed.
    @Test(
        "a client that acknowledges, each request for another node: all of it, once and in order",
        .enabled(if: hasPythonClients)
    )
    func acknowledgingClient() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, isAffine: false)
            let client = try client("baiocas", "long-polling", balancer.port, in: cluster.scratch)
            try await eventually("it is subscribed: \(client.errorText)", isTrue: { Told(client).isReady })
            let all = Array(0..<300)
            for number in all { _ = try await cluster.redis.publish("{\"n\":\(number)}", to: "news/1") }
            try await eventually("it has the last", isTrue: { Told(client).numbers.last == all.last })
            #expect(Told(client).numbers == all && Told(client).clientIDs.count == 1)
        }
    }

    @Test("clients of CometD and Faye are told beside the data what it is about, in a keyed channel")
    func keys() async throws {
        let rules = [
            "PERSEID_RULES": "news/* subscribe=anyone publish=anyone keyed=true, ** subscribe=anyone publish=anyone"
        ]
        try await Cluster.with(nodes: 1, environment: rules) { cluster in
            let node = cluster.nodes[0]
            let programs = (Self.hasPythonClients ? ["cometd"] : []) + ["faye"]
            let kinds = programs.flatMap { program in ["long-polling", "websocket"].map { (program, $0) } }
            let clients = try kinds.map { try client($0.0, $0.1, node.port, in: cluster.scratch) }
            try await eventually("all are subscribed", isTrue: { clients.allSatisfy { Told($0).isReady } })
            func besides(_ client: ChildProcess) -> [String] {
                client.outputText.split(separator: "\n").compactMap { line in
                    let told = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    guard let ext = told?["ext"] as? [String: Any] else { return nil }
                    return "\(ext["key"] ?? "-")" + (ext["removed"] as? Bool == true ? " gone" : "")
                }
            }
            // One after the other: of what comes between two polls a client is told the newest of each key.
            var expected: [String] = []
            func expect(_ next: String) async throws {
                expected.append(next)
                for ((program, transport), client) in zip(kinds, clients) {
                    try await eventually(
                        "\(program) over \(transport): \(besides(client)) \(client.outputText.suffix(300))",
                        isTrue: { besides(client) == expected }
                    )
                }
            }
            for number in 0..<3 {
                let fields = ["Perseid-Key": "k\(number)", "Content-Type": "application/json"]
                let body = "{\"n\":\(number)}"
                #expect(try await node.ask("POST", "/channels/news%2F1", fields: fields, body: body).status == 200)
                try await expect("k\(number)")
            }
            #expect(try await node.ask("DELETE", "/channels/news%2F1?key=k1").status == 200)
            try await expect("k1 gone")
            for client in clients { #expect(Told(client).numbers == [0, 1, 2]) }
        }
    }

    @Test("Bayeux by hand through the balancer, with the fetch of Node")
    func fetch() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, isAffine: false)
            let script = Self.root.appending(path: "Tests/IntegrationTests/Clients/bayeux_fetch.mjs").path
            for _ in 0..<5 {
                let process = try ChildProcess(
                    ["node", script, "http://127.0.0.1:\(balancer.port)/bayeux"],
                    in: cluster.scratch
                )
                let ending = try await process.end()
                #expect(ending == .exited(0) && process.outputText == "ok\n", "\(process.errorText)")
            }
        }
    }

    @Test("a session that Redis lost is begun anew, and what a node knows of it is written again")
    func redisFlushed() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            func post(_ messages: String) async throws -> [[String: Any]] {
                let answer = try await cluster.nodes[0].ask(
                    "POST",
                    "/bayeux",
                    fields: ["Content-Type": "application/json"],
                    body: "[\(messages)]"
                )
                let json = try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                return try #require(json as? [[String: Any]])
            }
            let handshake = try await post(
                #"{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}"#
            )
            let id = try #require(handshake[0]["clientId"] as? String)
            _ = try await cluster.redis.command("FLUSHALL")
            let reply = try await post(
                #"{"channel":"/meta/connect","clientId":"\#(id)","connectionType":"long-polling"}"#
            )
            #expect(reply[0]["error"] as? String == "402:\(id):Unknown client")
            #expect((reply[0]["advice"] as? [String: Any])?["reconnect"] as? String == "handshake")
        }
    }
}
