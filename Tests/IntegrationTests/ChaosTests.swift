import Testing

/// The chaos test of `bench`, in its short form: each kind of fault once, while a hundred clients must miss nothing.
@Suite(.serialized) struct ChaosTests {
    private let chaos: BenchScript

    init() throws { chaos = BenchScript(name: "chaos", scratch: try Scratch()) }

    @Test("the checker finds what it must")
    func checker() async throws {
        try await chaos.run("--self-test", within: .seconds(60))
    }

    @Test("nodes, Redis and links come to harm, and no client notices more than a reconnect")
    func cluster() async throws {
        try await chaos.run(
            "--minutes",
            "0.5",
            "--clients",
            "100",
            "--rate",
            "50",
            "--seed",
            "1",
            "--forbid-gaps",
            "--perseid",
            PerseidNode.executable,
            within: .seconds(240)
        )
    }
}
