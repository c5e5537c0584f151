import Testing

/// The siege of `bench`: it is measured on a quiet machine, so here only what judges is judged.
@Suite(.serialized) struct SiegeTests {
    @Test("the judgement finds what it must")
    func judgement() async throws {
        try await BenchScript(name: "siege", scratch: Scratch()).run("--self-test", within: .seconds(300))
    }
}
