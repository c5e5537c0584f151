import Testing

/// The chaos test of `bench`, in its short form: each kind of fault once, while a hundred clients must miss nothing.
@Suite(.serialized) struct ChaosTests {
    private let chaos: BenchScript

    init() throws { chaos = BenchScript(name: "chaos", scratch: try Scratch()) }

    @Test("the checker finds what it must")
    func checker() async throws {
        try await chaos.run("--self-test", within: .seconds(300))
    }

    @Test("nodes, Redis and links come to harm, and no client notices more than a reconnect")
    func cluster() async throws {
        try await harm("server", within: .seconds(900))
    }

    @Test("masters are replaced by their replicas, and whoever had what that lost is told of it")
    func sentinels() async throws {
        try await harm("sentinel", within: .seconds(900))
    }

    @Test("slots move and masters of a Redis Cluster are replaced, and nobody goes on silently")
    func redisCluster() async throws {
        try await harm("cluster", within: .seconds(900))
    }

    @Test("channels with keys, paces and compression: each client is told what such a channel promises")
    func allKinds() async throws {
        try await harm("server", ["--mixed", "--compress", "--channels", "20"], within: .seconds(900))
    }

    private func harm(_ topology: String, _ options: [String] = [], within limit: Duration) async throws {
        let common = ["--minutes", "0.5", "--clients", "100", "--rate", "50", "--seed", "1", "--forbid-gaps"]
        let node = ["--perseid", PerseidNode.executable]
        try await chaos.run(["--topology", topology] + common + options + node, within: limit)
    }
}
