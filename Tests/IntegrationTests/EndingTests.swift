import Foundation
import Testing

/// A node that is told to end ends in the time that it was given, whatever Redis does.
@Suite(.serialized) struct EndingTests {
    @Test("all of Redis stands still: its clients are let go, and the node ends", arguments: TriedRedis.Kind.allCases)
    func silentRedis(_ kind: TriedRedis.Kind) async throws {
        // Two seconds for its clients, one for its last words, and what a busy machine takes: where other tests take all of it in that moment
        // a node is late, so the best of three counts.
        var fastest = try await silentRedisOnce(kind)
        for _ in 0..<2 where fastest >= Self.endMax { fastest = min(fastest, try await silentRedisOnce(kind)) }
        #expect(fastest < Self.endMax)
    }

    private static let endMax = Duration.seconds(7)

    /// Says how long the node took to end.
    private func silentRedisOnce(_ kind: TriedRedis.Kind) async throws -> Duration {
        let scratch = try Scratch()
        let redis = try await TriedRedis(kind, in: scratch)
        let environment = [
            "PERSEID_LIMITS_DRAIN_MILLISECONDS": "2000", "PERSEID_PRESENCE": "**",
            // Far more than the node is given.
            "PERSEID_LIMITS_REDIS_MILLISECONDS": "20000",
        ]
        let node = try await PerseidNode(id: "a", redis: redis.url, environment: environment, in: scratch)
        let client = try await WebSocketClient((0..<50).map { (node.port, "/ws?channel=a/\($0)") }, in: scratch)
        try await client.opened()
        for server in redis.servers { server.signal(SIGSTOP) }
        defer { for server in redis.servers { server.signal(SIGCONT) } }
        // Somebody waits for an answer that does not come.
        async let answer = node.ask("POST", "/channels/a/1", body: "x")
        try await Task.sleep(for: .milliseconds(300))
        let begin = ContinuousClock.now
        let ending = try await node.stop()
        let duration = ContinuousClock.now - begin
        _ = try? await answer
        try #require(ending == .exited(0))
        try await client.close()
        return duration
    }
}
