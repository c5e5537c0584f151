import Foundation
import Testing

/// Patterns over Redis: what is published anywhere in a channel of a kind reaches their readers on every node, whatever happens between.
@Suite struct PatternTests {
    private func got(_ client: WebSocketClient) throws -> [String] {
        try client.messages()[0].map { "\($0.channel)=\($0.data ?? "")" }
    }

    @Test("what any backend publishes reaches a pattern's readers on every node, each publication once")
    func everyNode() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            _ = try await cluster.redis.publish("before", to: "chat/old")
            let clients = try await cluster.nodes.asyncMap {
                try await WebSocketClient([($0.port, "/ws?channel=chat/*&channel=chat/a")], in: cluster.scratch)
            }
            for client in clients { try await client.opened(channels: 2) }
            var expected: [String] = []
            for number in 0..<30 {
                let channel = ["chat/a", "chat/b", "chat/old"][number % 3]
                _ = try await cluster.redis.publish("\(number)", to: channel)
                _ = try await cluster.redis.publish("no", to: "chat/a/deeper")
                expected.append("\(channel)=\(number)")
            }
            for client in clients {
                try await eventually("all is there", isTrue: { try got(client).count == expected.count })
                #expect(try got(client) == expected)
            }
        }
    }

    @Test(
        "what is published while a node does not hear Redis is told when it does, of new channels from their beginning"
    )
    func silence() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let client = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?channel=chat/**")],
                in: cluster.scratch
            )
            try await client.opened(channels: 1)
            _ = try await cluster.redis.publish("0", to: "chat/a")
            var expected = ["chat/a=0"]
            for round in 1...3 {
                _ = try await cluster.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
                for number in 0..<3 {
                    for channel in ["chat/a", "chat/new\(round)"] {
                        _ = try await cluster.redis.publish("\(round)\(number)", to: channel)
                        expected.append("\(channel)=\(round)\(number)")
                    }
                }
                try await eventually(
                    "round \(round): \(try got(client)) of \(expected)",
                    isTrue: { try Set(got(client)) == Set(expected) }
                )
            }
            #expect(try got(client).count == expected.count)
        }
    }

    @Test("thousands of channels under one pattern are one subscription of Redis")
    func oneSubscription() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let client = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?channel=ticker/**")],
                in: cluster.scratch
            )
            try await client.opened(channels: 1)
            let lines = (0..<2_000).map { "FCALL perseid_publish 1 \(RedisServer.key("ticker/\($0)")) x" }
            try await cluster.redis.run(lines: lines)
            try await eventually("all is there", isTrue: { try got(client).count == 2_000 })
            // None while a busy machine has the node give its link up and make another.
            let channels = try await eventually("it hears something") { () -> [Substring]? in
                let heard = try await cluster.redis.command("PUBSUB", "CHANNELS", "perseid:{*").split(separator: "\n")
                return heard.isEmpty ? nil : heard
            }
            #expect(channels == ["perseid:{ticker/**}"])
        }
    }

    @Test("a node says with each sign of life which patterns it hears: a library that was loaded anew knows of none")
    func said() async throws {
        try await Cluster.with(nodes: 1, environment: ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "900"]) { cluster in
            let client = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?channel=chat/*&channel=news/**&channel=news")],
                in: cluster.scratch
            )
            try await client.opened(channels: 3)
            let monitor = try ChildProcess(
                ["redis-cli", "-p", "\(cluster.redis.port)", "MONITOR"],
                in: cluster.scratch
            )
            try await eventually(
                "it says so again and again",
                isTrue: {
                    let said = monitor.outputText.split(separator: "\n").filter { $0.contains(#""perseid_hear""#) }
                    return said.count { $0.contains(#""chat/*""#) && $0.contains(#""news/**""#) } > 2
                }
            )
            monitor.signal(SIGTERM)
        }
    }

    @Test("a publish under a pattern is refused by the function, too")
    func refused() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            await #expect(throws: ChildProcess.Failure.self) {
                try await cluster.redis.command("FCALL", "perseid_publish", "1", "perseid:{chat/*}", "x")
            }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
