import Broker
import Foundation
import Testing

/// What a rule calls durable is answered once replicas of Redis have it.
@Suite struct DurableTests {
    private static let rules =
        "kept/* subscribe=anyone publish=anyone history=anyone durable=1, ** subscribe=anyone publish=anyone"

    private struct Replicated {
        let scratch: Scratch
        let master: RedisServer
        let replica: RedisServer
        let node: PerseidNode
    }

    private func with(_ body: (Replicated) async throws -> Void) async throws {
        let scratch = try Scratch()
        let master = try await RedisServer(
            options: ["--dbfilename", "first.rdb", "--repl-diskless-sync-delay", "0"],
            in: scratch
        )
        let replica = try await RedisServer(
            options: ["--dbfilename", "second.rdb", "--replicaof", "127.0.0.1", "\(master.port)"],
            in: scratch
        )
        try await eventually(
            "the replica is in step",
            isTrue: { try await replica.command("INFO", "replication").contains("master_link_status:up") }
        )
        let node = try await PerseidNode(
            id: "a",
            redis: master.url,
            environment: ["PERSEID_RULES": Self.rules, "PERSEID_LIMITS_REDIS_MILLISECONDS": "2000"],
            in: scratch
        )
        do {
            try await body(Replicated(scratch: scratch, master: master, replica: replica, node: node))
        } catch {
            Issue.record("node logged:\n\(node.log.suffix(4_000))")
            throw error
        }
        let ending = try await node.stop()
        try #require(ending == .exited(0))
    }

    @Test(
        "whoever is answered 200 finds it at the replica; without one it is 503, and who asks for nothing of it does not wait"
    )
    func answered() async throws {
        try await with { replicated in
            let (node, replica) = (replicated.node, replicated.replica)
            for number in 0..<20 {
                let answer = try await node.ask("POST", "/channels/kept/a", body: "\(number)")
                try #require(answer.status == 200, "\(answer.body)")
                let head = try await replica.head(of: "kept/a")
                try #require(answer.json["position"] as? String == head.description)
            }
            replica.signal(SIGSTOP)
            async let late = node.ask("POST", "/channels/kept/a", body: "late")
            let other = try await node.ask("POST", "/channels/other", body: "x")
            try #require(other.status == 200)
            let answer = try await late
            try #require(answer.status == 503 && answer.fields["retry-after"] != nil, "\(answer.body)")
            try #require(try await node.metric("perseid_durable_misses_total") == 1)
            try #require(await node.readiness == 200)
            replica.signal(SIGCONT)
            try await eventually(
                "it is durable again",
                isTrue: { try await node.ask("POST", "/channels/kept/a", body: "again").status == 200 }
            )
        }
    }

    @Test("what is published at the same time shares its waiting")
    func shared() async throws {
        try await with { replicated in
            let lines = (0..<2_000).map { "{\"channel\":\"kept/\($0 % 10)\",\"data\":\($0)}" }.joined(separator: "\n")
            let file = replicated.scratch.file("lines")
            try lines.write(to: file, atomically: true, encoding: .utf8)
            let url = "http://127.0.0.1:\(replicated.node.port)/publish"
            let answers = try await ChildProcess.run(
                ["curl", "--silent", "--show-error", "--data-binary", "@\(file.path)", url],
                in: replicated.scratch
            )
            try #require(answers.split(separator: "\n").count == 2_000 && !answers.contains("error"))
            let stats = try await replicated.master.command("INFO", "commandstats")
            let line = try #require(
                stats.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_wait:calls=") }
            )
            let calls = try #require(Int(line.dropFirst("cmdstat_wait:calls=".count).prefix { $0.isNumber }))
            try #require(calls < 1_000, "\(calls) times for 2,000 publications")
            for channel in 0..<10 {
                let entries = try await replicated.replica.entries(of: "kept/\(channel)")
                try #require(entries.map(\.payload) == stride(from: channel, to: 2_000, by: 10).map { "\($0)" })
            }
        }
    }

    @Test(
        "an idempotency key that comes again, at another node, is answered once replicas have what it was first answered for"
    )
    func repeated() async throws {
        try await with { replicated in
            let (a, master, replica) = (replicated.node, replicated.master, replicated.replica)
            let environment = ["PERSEID_RULES": Self.rules, "PERSEID_LIMITS_REDIS_MILLISECONDS": "2000"]
            let b = try await PerseidNode(id: "b", redis: master.url, environment: environment, in: replicated.scratch)
            for node in [a, b] {
                try #require(try await node.ask("POST", "/channels/kept/other", body: "x").status == 200)
            }
            replica.signal(SIGSTOP)
            let fields = ["Idempotency-Key": "order 17"]
            for node in [a, b, b] {
                let answer = try await node.ask("POST", "/channels/kept/a", fields: fields, body: "once")
                try #require(answer.status == 503, "no replica has it: \(answer.body)")
            }
            replica.signal(SIGCONT)
            try await eventually(
                "it is durable",
                isTrue: { try await b.ask("POST", "/channels/kept/a", fields: fields, body: "once").status == 200 }
            )
            let entries = try await replica.entries(of: "kept/a")
            try #require(entries.map(\.payload) == ["once"])
            let ending = try await b.stop()
            try #require(ending == .exited(0))
        }
    }

    @Test("functions that are missing are loaded under what is durable, which is answered once replicas have it")
    func flushedFunctions() async throws {
        try await with { replicated in
            let (node, replica) = (replicated.node, replicated.replica)
            for number in 0..<3 {
                let answer = try await node.ask("POST", "/channels/kept/a", body: "\(number)")
                try #require(answer.status == 200, "\(answer.body)")
                let head = try await replica.head(of: "kept/a")
                try #require(answer.json["position"] as? String == head.description)
                try await replicated.master.command("FUNCTION", "FLUSH")
            }
        }
    }

    @Test("a replica and its master die: whoever waits is answered 503, not left waiting")
    func lost() async throws {
        try await with { replicated in
            let (node, master) = (replicated.node, replicated.master)
            try #require(try await node.ask("POST", "/channels/kept/a", body: "first").status == 200)
            replicated.replica.signal(SIGSTOP)
            async let late = node.ask("POST", "/channels/kept/a", body: "late")
            try await eventually(
                "it is published",
                isTrue: { try await master.entries(of: "kept/a").count == 2 }
            )
            try await master.kill()
            let answer = try await late
            try #require(answer.status == 503)
            replicated.replica.signal(SIGCONT)
        }
    }
}
