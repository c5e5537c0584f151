import Edge
import Foundation
import PerseidClient
import TLS
import TestCertificates
import Testing

/// Nodes behind `https`.
@Suite struct SecureTests {
    private func withSecureNode(_ body: (_ port: UInt16, _ authorities: [UInt8]) async throws -> Void) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        var policy = TLSPolicy()
        policy.certificates = [try authority.issue(["localhost", "127.0.0.1"])]
        let pem = try authority.pem
        try await withNode {
            $0.tls = SecureListener(port: 0, policy: policy)
        } _: { node in
            try await body(node.node.securePort, pem)
        }
    }

    @Test("all of it works with TLS, by name and by number", arguments: Transport.allCases)
    func everyTransport(_ transport: Transport) async throws {
        try await withSecureNode { port, authorities in
            for host in ["127.0.0.1", "localhost"] {
                let client = try PerseidClient(
                    "https://\(host):\(port)",
                    options: options(transport) { $0.authorities = authorities }
                )
                let room = Listener(client.subscribe("a"))
                try await room.opened()
                let texts = (0..<20).map { "\($0)\(String(repeating: "x", count: 50_000))" }
                for text in texts { try await client.publish("a", .text(text)) }
                #expect(try await room.texts(20) == texts)
                client.close()
            }
        }
    }

    @Test("a node whose certificate nobody vouches for is not spoken to")
    func untrusted() async throws {
        try await withSecureNode { port, _ in
            let client = try PerseidClient("https://127.0.0.1:\(port)")
            let error = await #expect(throws: PerseidError.self) { try await client.history("a") }
            #expect(error?.message.contains("certificate") == true)
            client.close()
        }
    }
}
