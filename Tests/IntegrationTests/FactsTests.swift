import Foundation
import Testing

/// What nodes say of themselves, as it comes to who runs the cluster: by a stream, and in a terminal.
@Suite struct FactsTests {
    private static let stream = "/sse?channel=%24nodes&session=none"

    /// A stream of facts that goes on until it is ended.
    private func listen(_ node: PerseidNode, in scratch: Scratch) throws -> ChildProcess {
        try ChildProcess(
            ["curl", "--no-buffer", "--silent", "http://127.0.0.1:\(node.port)\(Self.stream)"],
            in: scratch
        )
    }

    private func count(_ text: String, in stream: ChildProcess) -> Int { stream.outputText.ranges(of: text).count }

    @Test("the facts of all nodes come to who listens at one of them, and next to none are published while nobody does")
    func cluster() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            func publishes() async throws -> Int {
                let text = try await cluster.redis.command("INFO", "commandstats")
                let calls = text.firstMatch(of: /cmdstat_publish:calls=(\d+)/)
                return calls.flatMap { Int($0.output.1) } ?? 0
            }
            func told() async throws -> Int {
                var sum = 0
                for node in cluster.nodes { sum += try await node.metric("perseid_facts_total") ?? 0 }
                return sum
            }
            let began = ContinuousClock.now
            let (published, toldBefore) = (try await publishes(), try await told())
            // What must not happen does not within this time.
            try await Task.sleep(for: .seconds(7))
            // Two nodes try once in three seconds.
            let (publishedMeanwhile, toldMeanwhile) = (
                try await publishes() - published, try await told() - toldBefore
            )
            let tries = 2 * (1 + Int((ContinuousClock.now - began) / .seconds(3)))
            #expect(toldMeanwhile <= tries && publishedMeanwhile <= tries + 4)

            let stream = try listen(cluster.nodes[0], in: cluster.scratch)
            try await eventually(
                "both are heard",
                isTrue: { count("\"node\":\"a\"", in: stream) >= 3 && count("\"node\":\"b\"", in: stream) >= 3 }
            )
            #expect(try await cluster.nodes[1].metric("perseid_facts_listeners") == 1)
            // Channels that are busy on another node are told, too, once it knows that somebody listens.
            let reader = try ChildProcess(
                ["curl", "--no-buffer", "--silent", "http://127.0.0.1:\(cluster.nodes[1].port)/sse?channel=busy"],
                in: cluster.scratch
            )
            try await eventually(
                "it is busy",
                isTrue: {
                    _ = try await cluster.nodes[0].ask("POST", "/channels/busy", body: "x")
                    return stream.outputText.contains("{\"channel\":\"busy\",\"publications\":")
                }
            )
            reader.signal(SIGKILL)
            try await cluster.nodes[1].kill()
            // One may be on its way; what comes behind the next but one was said later.
            let before = count("\"node\":\"a\"", in: stream)
            try await eventually("the other goes on", isTrue: { count("\"node\":\"a\"", in: stream) >= before + 2 })
            let heard = count("\"node\":\"b\"", in: stream)
            try await eventually("and on", isTrue: { count("\"node\":\"a\"", in: stream) >= before + 5 })
            #expect(count("\"node\":\"b\"", in: stream) == heard)
            stream.signal(SIGKILL)
            try await eventually(
                "it is known that nobody listens",
                isTrue: { try await cluster.nodes[0].metric("perseid_facts_listeners") == 0 }
            )
        }
    }

    @Test(
        "while Redis is away, who listens and who comes is told so by the node that they reach; then all are heard again"
    )
    func outage() async throws {
        try await Cluster.with(nodes: 2, keepsData: true) { cluster in
            let stream = try listen(cluster.nodes[0], in: cluster.scratch)
            try await eventually("both are heard", isTrue: { count("\"node\":\"b\"", in: stream) >= 1 })
            try await cluster.redis.kill()
            try await eventually("it says so", isTrue: { count("\"state\":\"hindered\",\"reason\":", in: stream) >= 2 })
            let later = try listen(cluster.nodes[0], in: cluster.scratch)
            try await eventually("who comes is told", isTrue: { count("\"state\":\"hindered\"", in: later) >= 2 })
            try await cluster.redis.start()
            let heard = count("\"node\":\"b\"", in: stream)
            try await eventually(
                "both are heard again",
                isTrue: { count("\"node\":\"b\"", in: stream) > heard && count("\"node\":\"b\"", in: later) > 0 }
            )
            try await cluster.nodes[1].stop()
            try await eventually(
                "it says that it goes",
                isTrue: { stream.outputText.contains(/"node":"b"[^\n]*"state":"draining"/) }
            )
            stream.signal(SIGKILL)
            later.signal(SIGKILL)
        }
    }

    // MARK: perseid top

    private func top(
        _ node: PerseidNode,
        _ arguments: String...,
        environment: [String: String] = [:],
        in scratch: Scratch
    ) async throws -> (ending: ChildProcess.Ending, output: String, errors: String) {
        let process = try ChildProcess(
            [PerseidNode.executable, "top", "--url", "http://127.0.0.1:\(node.port)"] + arguments,
            environment: environment,
            in: scratch
        )
        return (try await process.end(), process.outputText, process.errorText)
    }

    @Test("top prints how all nodes are, for people and for programs")
    func once() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            // While somebody listens they speak each second.
            let stream = try listen(cluster.nodes[0], in: cluster.scratch)
            try await eventually(
                "both are heard",
                isTrue: { ["a", "b"].allSatisfy { count("\"node\":\"\($0)\"", in: stream) >= 2 } }
            )
            let told = try await top(cluster.nodes[1], "--once", "--json", in: cluster.scratch)
            try #require(told.ending == .exited(0), "\(told.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any]
            let nodes = try #require(object?["nodes"] as? [[String: Any]])
            #expect(nodes.compactMap { $0["node"] as? String } == ["a", "b"])
            #expect(nodes.allSatisfy { ($0["gauges"] as? [String: Int])?["backplaneUp"] == 1 })
            let text = try await top(cluster.nodes[0], "--once", in: cluster.scratch)
            #expect(text.ending == .exited(0) && text.output.contains("2 of 2 nodes"), "\(text.output)")
            #expect(text.output.contains("\nNODE") && text.output.contains("\na ") && text.output.contains("\nb "))
            stream.signal(SIGKILL)
        }
    }

    @Test("top says that a key is needed, and ends; with the key it goes on")
    func key() async throws {
        let scratch = try Scratch()
        let node = try await PerseidNode(
            id: "guarded",
            redis: nil,
            environment: ["PERSEID_API_KEYS": "an-admin-key"],
            in: scratch
        )
        for key in [[:], ["PERSEID_API_KEY": "another-key"]] {
            let refused = try await top(node, "--once", environment: key, in: scratch)
            #expect(refused.ending == .exited(1) && refused.output.isEmpty)
            #expect(refused.errors.contains("403") && refused.errors.contains("--api-key"), "\(refused.errors)")
        }
        let told = try await top(
            node,
            "--once",
            "--seconds",
            "8",
            environment: ["PERSEID_API_KEY": "an-admin-key"],
            in: scratch
        )
        #expect(told.ending == .exited(0) && told.output.contains("guarded"), "\(told.errors)")
        try await node.stop()
        let gone = try await top(node, "--once", "--seconds", "5", in: scratch)
        #expect(gone.ending == .exited(1) && gone.errors.contains("127.0.0.1:\(node.port)"), "\(gone.errors)")
    }

    @Test(
        "in a terminal it draws all of it, as large as that is, and leaves it as it was; a node that is killed is marked"
    )
    func terminal() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients/terminal.py")
                .path
            let process = try ChildProcess(
                [
                    "/usr/bin/python3", script, PerseidNode.executable, "top", "--url",
                    "http://127.0.0.1:\(cluster.nodes[0].port)",
                ],
                in: cluster.scratch
            )
            try await eventually("it is drawn", isTrue: { process.outputText.contains("drawn") || !process.isRunning })
            try await cluster.nodes[1].kill()
            try process.tell("killed")
            #expect(try await process.end() == .exited(0), "\(process.outputText) \(process.errorText)")
        }
    }
}
