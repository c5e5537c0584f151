import Foundation
import Testing

/// Limits of users and API keys, which hold for all nodes together.
@Suite struct RateTests {
    private static let key = "a-key-for-tests"
    private static let environment = [
        "PERSEID_API_KEYS": key,
        "PERSEID_LIMITS_USER_REQUESTS_PER_SECOND_MAX": "10",
        "PERSEID_LIMITS_BURST_MILLISECONDS": "10000",
    ].merging(PerseidNode.patience) { $1 }

    /// How many of so many requests are served: each by a connection of its own, one after the other to each node in turn, eight at a
    /// time. The faster they come the less comes back meanwhile.
    private func served(_ count: Int, by nodes: [PerseidNode], key: String = key) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for asker in 0..<8 {
                group.addTask {
                    var served = 0
                    for number in stride(from: asker, to: count, by: 8) {
                        let answer = try await nodes[number % nodes.count]
                            .ask("GET", "/channels/a", fields: ["Authorization": "Bearer \(key)"])
                        guard answer.status != 200 else { served += 1; continue }
                        try #require(answer.status == 429 && answer.fields["retry-after"] != nil, "\(answer)")
                    }
                    return served
                }
            }
            return try await group.reduce(0, +)
        }
    }

    @Test(
        "what a user may have is what all nodes together give, at once and from then on; no name of a user is in Redis"
    )
    func cluster() async throws {
        try await Cluster.with(nodes: 3, environment: Self.environment) { cluster in
            let start = Date()
            let first = try await served(400, by: cluster.nodes)
            let seconds = -start.timeIntervalSinceNow
            // A hundred were saved up. Six reactors may each have a quarter of a quarter of that ahead, as they did not tell of it yet;
            // by themselves three nodes gave three hundred.
            #expect(first >= 100 && Double(first) < 150 + 10 * seconds, "\(first) in \(seconds) s")
            let then = Date()
            var later = 0
            while -then.timeIntervalSinceNow < 4 { later += try await served(6, by: cluster.nodes) }
            // Ten a second; thirty by themselves.
            let laterSeconds = -then.timeIntervalSinceNow
            #expect(later >= 1 && Double(later) <= 35 + 10 * laterSeconds, "\(later) in \(laterSeconds) s")
            let keys = try await cluster.redis.command("KEYS", "perseid:rate:*").split(separator: "\n")
            try #require(
                keys.count == 1 && keys[0].wholeMatch(of: /perseid:rate:requests:[0-9a-f]{64}/) != nil,
                "\(keys)"
            )
            for node in cluster.nodes {
                try await eventually(
                    "what was had is told",
                    isTrue: { (try await node.metric("perseid_rate_spendings_total") ?? 0) > 0 }
                )
                try #require(try await node.metric("perseid_rate_spending_failures_total") == 0)
            }
        }
    }

    @Test("others have what they may, and a node that is new knows what was had elsewhere")
    func others() async throws {
        let environment = Self.environment.merging(["PERSEID_API_KEYS": "greedy-key-of-tests,modest-key-of-tests"]) {
            $1
        }
        try await Cluster.with(nodes: 2, environment: environment) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            let start = Date()
            let greedy = try await served(200, by: [a], key: "greedy-key-of-tests")
            let seconds = -start.timeIntervalSinceNow
            try #require(greedy >= 100 && Double(greedy) <= 105 + 10 * seconds, "\(greedy) in \(seconds) s")
            try #require(try await served(50, by: [a], key: "modest-key-of-tests") == 50)
            // What a quarter of a quarter is for each of its reactors, and what came meanwhile, since the others were asked, too.
            let elsewhere = try await served(100, by: [b], key: "greedy-key-of-tests")
            let meanwhile = -start.timeIntervalSinceNow - seconds
            #expect(Double(elsewhere) < 50 + 10 * meanwhile, "\(elsewhere) in \(meanwhile) s")
        }
    }

    @Test("while Redis is away nodes give what each may, nothing of it is owed afterwards, and nobody waits")
    func outage() async throws {
        try await Cluster.with(nodes: 2, environment: Self.environment) { cluster in
            try await cluster.redis.kill()
            try await eventually(
                "Redis is gone",
                isTrue: {
                    for node in cluster.nodes where await node.readiness != 503 { return false }
                    return true
                }
            )
            // Told that Redis is away, and not that this is too often.
            let (start, count, nodes) = (Date(), 600, cluster.nodes)
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for asker in 0..<10 {
                    group.addTask {
                        var refused = 0
                        for number in 0..<(count / 10) {
                            let answer = try await nodes[(asker + number) % 2]
                                .ask("GET", "/channels/a", fields: ["Authorization": "Bearer \(Self.key)"])
                            try #require(answer.status == 503 || answer.status == 429)
                            if answer.status == 429 { refused += 1 }
                        }
                        return refused
                    }
                }
                return try await group.reduce(0, +)
            }
            // Two hundred were saved up, and each node gives ten a second.
            let seconds = -start.timeIntervalSinceNow
            #expect(refused <= count - 200, "\(refused)")
            #expect(Double(refused) >= Double(count) - 210 - 20 * seconds, "\(refused) in \(seconds) s")
            try await cluster.redis.start()
            for node in cluster.nodes { try await node.becomeReady() }
            try await eventually(
                "it is served again, by what each node knows",
                isTrue: { try await served(2, by: cluster.nodes) == 2 }
            )
        }
    }

    @Test("a key in Redis that is no rate is told and refused by itself, and its user has what a node may give")
    func broken() async throws {
        try await Cluster.with(nodes: 1, environment: Self.environment) { cluster in
            _ = try await served(30, by: cluster.nodes)
            var key = ""
            try await eventually(
                "it is told",
                isTrue: {
                    key = try await cluster.redis.command("KEYS", "perseid:rate:*")
                    return !key.isEmpty
                }
            )
            try await cluster.redis.command("SET", key, "soon")
            let start = Date()
            let more = try await served(200, by: cluster.nodes)
            #expect(more >= 70 && Double(more) < 110 - 10 * start.timeIntervalSinceNow, "\(more)")
            try await eventually("it is told", isTrue: { cluster.nodes[0].log.contains("redis refused") })
            // A clock that was a hundred years ahead keeps nobody out for longer than twice what can be saved up.
            try await cluster.redis.command("DEL", key)
            try await cluster.redis.command("SET", key, "4900000000000000")
            let left = try await cluster.redis.command("FCALL", "perseid_spend", "1", key, "5", "20000000")
            #expect(left == "20000000")
            #expect(try #require(Int(try await cluster.redis.command("PTTL", key))) <= 20_000)
        }
    }

    @Test("the function adds up what is told, keeps it for as long as it is owed, and refuses what is no time")
    func function() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            func spend(_ arguments: String...) async throws -> String {
                try await cluster.redis.command(["FCALL", "perseid_spend", "1", "perseid:rate:x:y"] + arguments)
            }
            #expect(try await spend("60000000", "900000000") == "60000000")
            let second = try #require(Int(try await spend("60000000", "900000000")))
            #expect((90_000_000...120_000_000).contains(second))
            #expect(try await spend("60000000", "60000001") == "60000001")
            let left = try #require(Int(try await cluster.redis.command("PTTL", "perseid:rate:x:y")))
            #expect((30_000...60_001).contains(left))
            for wrong in [
                ["0", "1"], ["1", "0"], ["-1", "5"], ["1e3", "5000"], ["1"], [], ["x", "y"], ["1.5", "2"],
            ] {
                do {
                    let command = ["FCALL", "perseid_spend", "1", "perseid:rate:x:z"] + wrong
                    Issue.record("\(wrong) were taken: \(try await cluster.redis.command(command))")
                } catch let error as ChildProcess.Failure {
                    #expect(error.description.contains("perseid_spend takes"), "\(error)")
                }
            }
            #expect(try await cluster.redis.command("EXISTS", "perseid:rate:x:z") == "0")
            for broken in ["soon", "-1", "", "99999999999999999999", "1.5"] {
                try await cluster.redis.command("SET", "perseid:rate:x:y", broken)
                do {
                    Issue.record("\(broken) was taken: \(try await spend("1", "2"))")
                } catch let error as ChildProcess.Failure {
                    #expect(error.description.contains("BROKEN rate in perseid:rate:x:y"), "\(error)")
                }
            }
            try await cluster.redis.command("DEL", "perseid:rate:x:y")
            #expect(try await spend("1", "9007199254740991") != "")
        }
    }
}
