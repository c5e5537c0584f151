import Foundation

/// A real HAProxy in front of the nodes, with the configuration that users are given.
final class Balancer: Sendable {
    let port = Port.free()
    private let process: ChildProcess

    /// - Parameters:
    ///   - isAffine: whether it looks at the nodes' cookie, as it is given to users; else each request is for the next node.
    ///   - serverOptions: what stands behind each server besides what users are given.
    init(
        for nodes: [PerseidNode],
        in scratch: Scratch,
        isAffine: Bool = true,
        serverOptions: String? = nil
    ) async throws {
        var file = try isAffine ? Self.configuration : Self.configurationInTurn(in: scratch)
        if let serverOptions { file = try Self.configuration(with: serverOptions, in: scratch) }
        let addresses = nodes.map { "127.0.0.1:\($0.port)" }
        process = try ChildProcess(
            ["haproxy", "-db", "-f", file],
            environment: [
                "PERSEID_BIND": "127.0.0.1:\(port)", "PERSEID_MAXCONN": "2000",
                "PERSEID_NODE_A": addresses[0], "PERSEID_NODE_B": addresses[1], "PERSEID_NODE_C": addresses[2],
            ],
            in: scratch
        )
        try await eventually(
            "haproxy lets requests through",
            isTrue: { [self] in
                guard process.isRunning else { throw ChildProcess.Failure(description: process.errorText) }
                return (try? await HTTPConnection.ask("GET", "/readyz", port: port).status) == 200
            }
        )
    }

    private static func configurationInTurn(in scratch: Scratch) throws -> String {
        let text = try String(contentsOfFile: configuration, encoding: .utf8)
            .replacing("balance leastconn", with: "balance roundrobin").replacing("    cookie perseid_node\n", with: "")
        let file = scratch.file("haproxy-in-turn.cfg")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private static func configuration(with serverOptions: String, in scratch: Scratch) throws -> String {
        let text = try String(contentsOfFile: configuration, encoding: .utf8)
            .replacing(/(?m)^    server .*$/) { "\($0.output) \(serverOptions)" }
        let file = scratch.file("haproxy-servers.cfg")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private static var configuration: String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appending(path: "deploy/haproxy.cfg").path
    }
}
