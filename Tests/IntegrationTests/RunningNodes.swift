import Testing

extension [PerseidNode] {
    /// Runs a test, tells what the nodes logged where it fails, and has those end in order that are still there.
    func during(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            for node in self { Issue.record("node \(node.id) logged:\n\(node.log.suffix(6_000))") }
            throw error
        }
        for node in self where node.isRunning {
            let ending = try await node.stop()
            try #require(ending == .exited(0))
        }
    }
}
