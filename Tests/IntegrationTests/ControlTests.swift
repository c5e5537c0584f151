import Foundation
import Testing

/// The server API, asked of one node about clients of others.
@Suite struct ControlTests {
    private static let environment = [
        "PERSEID_API_KEYS": "an-admin-key", "PERSEID_TOKENS_HMAC": "main=a-secret-of-the-tests-with-more-than-32-bytes",
        "PERSEID_RULES": "room/* subscribe=users publish=users",
        // Nodes that live answer, however late they are on a busy machine.
        "PERSEID_LIMITS_CLUSTER_QUESTION_MILLISECONDS": "20000",
    ]
    private let key = ["Authorization": "Bearer an-admin-key"]

    private func token(_ user: String, _ cluster: Cluster) async throws -> String {
        try await ChildProcess.run(
            [PerseidNode.executable, "token", "make", user],
            environment: Self.environment,
            in: cluster.scratch
        ).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("a user's clients are found and sent away on whichever nodes they are")
    func disconnect() async throws {
        try await Cluster.with(environment: Self.environment) { cluster in
            let (alice, bob) = (try await token("alice", cluster), try await token("bob", cluster))
            let places = cluster.nodes.map { ($0.port, "/ws?channel=room/1&access_token=\(alice)") }
            let clients = try await WebSocketClient(places, in: cluster.scratch)
            let other = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?channel=room/1&access_token=\(bob)")],
                in: cluster.scratch
            )
            try await clients.opened()
            try await other.opened()
            let told = try await cluster.nodes[2].ask("GET", "/users/alice", fields: key)
            #expect(told.json["count"] as? Int == 3 && told.json["complete"] as? Bool == true, "\(told.body)")
            let connections = told.json["connections"] as? [[String: Any]] ?? []
            #expect(Set(connections.compactMap { $0["node"] as? String }) == Set(cluster.nodes.map(\.id)))
            let session = try #require(
                connections.first { $0["node"] as? String == cluster.nodes[0].id }?["session"] as? String
            )
            let facts = try await cluster.nodes[1].ask("GET", "/sessions/\(session)", fields: key)
            #expect(facts.json["node"] as? String == cluster.nodes[0].id, "\(facts.body)")

            let sent = try await cluster.nodes[1].ask("POST", "/users/alice/disconnect", fields: key)
            #expect(sent.json["disconnected"] as? Int == 3 && sent.json["complete"] as? Bool == true, "\(sent.body)")
            try await eventually("all three are", isTrue: { clients.ended().count == 3 })
            try await eventually(
                "its session is over",
                isTrue: { try await cluster.nodes[1].ask("GET", "/sessions/\(session)", fields: key).status == 404 }
            )
            #expect(other.ended().isEmpty)
            let nodes = try await cluster.nodes[1].ask("GET", "/nodes", fields: key)
            let names = (nodes.json["nodes"] as? [[String: Any]])?.compactMap { $0["node"] as? String }
            #expect(names?.sorted() == cluster.nodes.map(\.id).sorted(), "\(nodes.body)")
            try await eventually(
                "those of the others are over, too",
                isTrue: {
                    let sessions = try await cluster.nodes[1].ask("GET", "/sessions", fields: key)
                    return (sessions.json["sessions"] as? [[String: Any]])?.count == 1
                }
            )
        }
    }

    @Test("a token taken back at one node ends at the others, and is not taken by a node that comes later")
    func revoke() async throws {
        try await Cluster.with(nodes: 2, environment: Self.environment) { cluster in
            let alice = try await token("alice", cluster)
            let client = try await WebSocketClient(
                [(cluster.nodes[1].port, "/ws?channel=room/1&access_token=\(alice)")],
                in: cluster.scratch
            )
            try await client.opened()
            let body = "{\"token\":\"\(alice)\"}"
            let told = try await cluster.nodes[0].ask("POST", "/tokens/revoke", fields: key, body: body)
            #expect(told.status == 200, "\(told.body)")
            try await eventually("its client is sent away", isTrue: { client.ended().count == 1 })
            func status(_ node: PerseidNode) async throws -> Int {
                try await node.ask("GET", "/poll?channel=room/1&wait=0&access_token=\(alice)").status
            }
            // Reactors are told of it, each in its turn.
            for node in cluster.nodes {
                try await eventually("node \(node.id) takes it no longer", isTrue: { try await status(node) == 401 })
            }
            let late = try await PerseidNode(
                id: "late",
                redis: cluster.redis.url,
                environment: Self.environment,
                in: cluster.scratch
            )
            try await eventually("it knows", isTrue: { try await status(late) == 401 })
            #expect(try await late.stop() == .exited(0))
        }
    }

    @Test("a node that does not answer is not waited for without end, and the answer says so")
    func silentNode() async throws {
        let environment = Self.environment.merging(["PERSEID_LIMITS_CLUSTER_QUESTION_MILLISECONDS": "4000"]) { $1 }
        try await Cluster.with(environment: environment) { cluster in
            let alice = try await token("alice", cluster)
            let client = try await WebSocketClient(
                [(cluster.nodes[1].port, "/ws?channel=room/1&access_token=\(alice)")],
                in: cluster.scratch
            )
            try await client.opened()
            cluster.nodes[2].signal(SIGSTOP)
            let told = try await cluster.nodes[0].ask("GET", "/users/alice", fields: key)
            cluster.nodes[2].signal(SIGCONT)
            #expect(told.json["count"] as? Int == 1 && told.json["complete"] as? Bool == false, "\(told.body)")
        }
    }

    // MARK: The description

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let tools = root.appending(path: ".build/schemathesis")

    /// A node does what `/openapi.json` says of it: Schemathesis asks what that allows and what it does not. Not whether all texts
    /// are taken that a schema allows: it has no words for the bytes of a name. Nor whether what was deleted is gone: DELETE tells of one
    /// key of a channel, and the channel stays.
    @Test(
        "what the description says holds",
        .enabled(if: FileManager.default.fileExists(atPath: tools.appending(path: "schemathesis").path))
    )
    func description() async throws {
        let scratch = try Scratch()
        let environment = ["PERSEID_API_KEYS": "an-admin-key", "PERSEID_PRESENCE": "**"]
        let node = try await PerseidNode(id: "a", redis: nil, environment: environment, in: scratch)
        let url = "http://127.0.0.1:\(node.port)"
        let process = try ChildProcess(
            [
                // It keeps a cache where it runs.
                "/usr/bin/env", "-C", scratch.directory.path,
                "/usr/bin/python3", "-m", "schemathesis.cli", "run", "\(url)/openapi.json", "--url", url,
                "--header", "Authorization: Bearer an-admin-key", "--max-examples", "25", "--seed", "1",
                "--exclude-checks", "positive_data_acceptance,use_after_free", "--no-color",
            ],
            environment: ["PYTHONPATH": Self.tools.path, "HOME": scratch.directory.path],
            in: scratch
        )
        let ending = try await process.end(within: .seconds(300))
        let output = process.outputText
        #expect(ending == .exited(0), "\(output.suffix(4_000))\(process.errorText)")
        #expect(output.contains("Tested: 26"), "\(output.suffix(4_000))")
        #expect(try await node.stop() == .exited(0))
    }
}
