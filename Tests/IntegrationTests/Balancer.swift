import Foundation

/// A real HAProxy in front of the nodes, with the configuration that users are given.
final class Balancer: Sendable {
    let port = Port.free()
    private let process: ChildProcess

    init(for nodes: [PerseidNode], in scratch: Scratch) async throws {
        let addresses = nodes.map { "127.0.0.1:\($0.port)" }
        process = try ChildProcess(
            ["haproxy", "-db", "-f", try Self.configuration(in: scratch)],
            environment: [
                "PERSEID_BIND": "127.0.0.1:\(port)", "PERSEID_MAXCONN": "2000",
                "PERSEID_NODE_A": addresses[0], "PERSEID_NODE_B": addresses[1], "PERSEID_NODE_C": addresses[2],
            ],
            in: scratch
        )
        try await eventually("haproxy lets requests through") { [self] in
            guard process.isRunning else { throw ChildProcess.Failure(description: process.errorText) }
            return try? await HTTPConnection.ask("GET", "/readyz", port: port).status == 200
        }
    }

    private static func configuration(in scratch: Scratch) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let deployed = root.appending(path: "deploy/haproxy.cfg").path
        if FileManager.default.fileExists(atPath: deployed) { return deployed }
        return try scratch.write(plain, to: "haproxy.cfg")
    }

    private static let plain = """
        defaults
            mode http
            timeout connect 2s
            timeout client 75s
            timeout server 75s
            timeout tunnel 1h

        frontend clients
            bind "${PERSEID_BIND}"
            default_backend nodes

        backend nodes
            balance leastconn
            option httpchk GET /readyz
            server a "${PERSEID_NODE_A}" check inter 500ms
            server b "${PERSEID_NODE_B}" check inter 500ms
            server c "${PERSEID_NODE_C}" check inter 500ms

        """
}
