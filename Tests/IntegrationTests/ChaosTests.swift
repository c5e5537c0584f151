import Foundation
import Testing

/// The chaos test of `bench`, in its short form: each kind of fault once, while a hundred clients must miss nothing.
@Suite(.serialized) struct ChaosTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Runs the script; what it keeps of a failure lies in the scratch directory, so what it wrote must say enough.
    private func chaos(_ arguments: String..., within limit: Duration) async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = try ChildProcess(
            ["python3", root.appending(path: "bench/chaos").path] + arguments,
            environment: ["TMPDIR": scratch.directory.path, "PYTHONDONTWRITEBYTECODE": "1"],
            in: scratch
        )
        let ending = try? await process.end(within: limit)
        #expect(ending == .exited(0), "\(process.outputText)\(process.errorText)")
    }

    @Test("the checker finds what it must")
    func checker() async throws {
        try await chaos("--self-test", within: .seconds(60))
    }

    @Test("nodes, Redis and links come to harm, and no client notices more than a reconnect")
    func cluster() async throws {
        try await chaos(
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
