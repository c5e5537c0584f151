import Foundation
import Testing

/// A script of `bench`, as a test runs it.
struct BenchScript {
    let name: String
    let scratch: Scratch

    /// Runs it; what it keeps of a failure lies in the scratch directory, so what it wrote must say enough.
    func run(_ arguments: String..., within limit: Duration) async throws {
        try await run(arguments, within: limit)
    }

    func run(_ arguments: [String], within limit: Duration) async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = try ChildProcess(
            ["python3", root.appending(path: "bench/\(name)").path] + arguments,
            environment: ["TMPDIR": scratch.directory.path, "PYTHONDONTWRITEBYTECODE": "1"],
            in: scratch
        )
        let ending = try? await process.end(within: limit)
        #expect(ending == .exited(0), "\(process.outputText)\(process.errorText)")
    }
}
