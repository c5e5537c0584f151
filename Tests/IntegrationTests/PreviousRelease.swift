import Foundation

/// The release before this one, as a program. deploy/test builds it with deploy/previous and names it in `PERSEID_PREVIOUS`.
enum PreviousRelease {
    static let program = ProcessInfo.processInfo.environment["PERSEID_PREVIOUS"].flatMap { $0.isEmpty ? nil : $0 }

    /// A Redis with a node of the previous release, `a`, and beside it one of this release, `b`; lent, and ended in order.
    static func besideThisOne(
        environment: [String: String] = [:],
        _ body: (RedisServer, [PerseidNode], Scratch) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let redis = try await RedisServer(in: scratch)
        var nodes: [PerseidNode] = []
        for (id, program) in [("a", program ?? ""), ("b", PerseidNode.executable)] {
            let node = try PerseidNode(
                id: id,
                redis: redis.url,
                environment: environment,
                program: program,
                startedIn: scratch
            )
            try await node.becomeReady()
            nodes.append(node)
        }
        do {
            try await body(redis, nodes, scratch)
        } catch {
            throw ChildProcess.Failure(description: "\(error)\n\(nodes.map { "\($0.id): \($0.log.suffix(2_000))" })")
        }
        for node in nodes {
            guard try await node.stop() == .exited(0) else {
                throw ChildProcess.Failure(
                    description: "node \(node.id) did not end in order: \(node.log.suffix(2_000))"
                )
            }
        }
    }
}
