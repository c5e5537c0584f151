import Foundation
import TestCertificates
import Testing

/// What is compressed, as the libraries of others read it: from nodes, through HAProxy and with TLS.
@Suite struct CompressionTests {
    private static let script =
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients/compression_client.py").path

    private static let environment = [
        "PERSEID_RULES": "** subscribe=anyone publish=anyone history=anyone compress=shared",
        "PERSEID_LIMITS_COMPRESSION_FLUSH_BYTES": "2000",
    ].merging(PerseidNode.patience) { $1 }

    @Test("readers with the libraries of others are told every tick, from two nodes and through HAProxy")
    func readers() async throws {
        try await Cluster.with(environment: Self.environment) { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch, isAffine: false)
            let urls =
                cluster.nodes.prefix(2).map { "http://127.0.0.1:\($0.port)" } + ["http://127.0.0.1:\(balancer.port)"]
            try await read(urls, in: cluster.scratch)
            var (input, output) = (0, 0)
            for node in cluster.nodes {
                input += try await node.metric("perseid_compression_input_bytes_total") ?? 0
                output += try await node.metric("perseid_compression_output_bytes_total") ?? 0
            }
            #expect(output > 0 && input > 3 * output)
        }
    }

    @Test("the same with TLS")
    func secure() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let port = Port.free()
        let files = ["pem", "key"].map { "\(authority.directory)/node.\($0)" }.joined(separator: "=")
        let tls = ["PERSEID_TLS_LISTEN": "127.0.0.1:\(port)", "PERSEID_TLS_CERTIFICATES": files]
        let scratch = try Scratch()
        let node = try await PerseidNode(
            id: "a",
            redis: nil,
            environment: Self.environment.merging(tls) { $1 },
            in: scratch
        )
        defer { withExtendedLifetime(node) {} }
        try await read(["https://127.0.0.1:\(port)"], in: scratch)
    }

    @Test(
        "a browser's WebSocket, EventSource and fetch",
        .enabled(if: BrowserCases.hasBrowser, "chromium, chromium-driver and selenium are needed")
    )
    func browser() async throws {
        try await Cluster.with(nodes: 1, environment: Self.environment) { cluster in
            let facts: [String: Any] = ["module": "compression", "nodes": cluster.nodes.map { Int($0.port) }]
            let process = try BrowserCases.browsers(facts, in: cluster)
            try await BrowserCases.run(process, atLeast: 2, on: cluster)
        }
    }

    private func read(_ urls: [String], in scratch: Scratch) async throws {
        let process = try ChildProcess(["/usr/bin/python3", Self.script, urls[0]] + urls, in: scratch)
        let ending = try await process.end(within: .seconds(600))
        #expect(ending == .exited(0), "\(process.outputText) \(process.errorText)")
        #expect(process.outputText.split(separator: "\n").count >= 27)
    }
}
