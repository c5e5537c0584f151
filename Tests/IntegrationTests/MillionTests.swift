import Testing

/// The million clients of `bench` need a machine of their own, so here only what checks and reckons is tested.
@Suite(.serialized) struct MillionTests {
    @Test("the checks of every delivery find what they must, and the model's arithmetic holds")
    func checks() async throws {
        // The crowd is built first, if it was not yet.
        try await BenchScript(name: "million", scratch: Scratch()).run("--self-test", within: .seconds(1_800))
    }
}
