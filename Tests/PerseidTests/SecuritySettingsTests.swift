import Edge
import Foundation
import TLS
import TestCertificates
import Testing

@testable import perseid

/// What a node makes of what it is told of TLS.
@Suite struct SecuritySettingsTests {
    private func withFiles(_ body: (TestAuthority, String) throws -> Void) throws {
        try withAuthority { authority in
            try authority.write(try authority.issue(["a.example"]), as: "a")
            try authority.write(try authority.issue(["b.example"]), as: "b")
            try body(authority, authority.directory)
        }
    }

    @Test("a listener with its certificates, as maps and as text")
    func listener() throws {
        try withFiles { _, place in
            let file = """
                tls:
                  listen: 127.0.0.1:8443
                  certificates:
                    - {certificate: \(place)/a.pem, key: \(place)/a.key}
                    - {certificate: \(place)/b.pem, key: \(place)/b.key}
                  client-ca: \(place)/ca.pem
                  require-client-certificate: true
                """
            let tls = try #require(try settings(file: file).edge.tls)
            #expect(tls.host == "127.0.0.1" && tls.port == 8_443)
            #expect(tls.policy.certificates.count == 2 && tls.policy.requiresClientCertificate)
            let environment = [
                "PERSEID_TLS_LISTEN": "[::1]:1", "PERSEID_TLS_CERTIFICATES": "\(place)/a.pem=\(place)/a.key",
            ]
            #expect(try settings(environment: environment).edge.tls?.policy.certificates.count == 1)
            #expect(try settings().edge.tls == nil)
        }
    }

    @Test("what does not belong together is told, and nothing of a key")
    func mistakes() throws {
        try withFiles { authority, place in
            let key = String(decoding: try authority.issue(["c.example"]).key, as: UTF8.self).split(separator: "\n")[1]
            let cases = [
                ("{listen: 127.0.0.1:1}", "needs tls.certificates"),
                (
                    "{certificates: [{certificate: \(place)/a.pem, key: \(place)/a.key}]}",
                    "of no use without tls.listen"
                ),
                ("{listen: 127.0.0.1:1, certificates: []}", "is empty"),
                ("{listen: 127.0.0.1:1, certificates: [a.pem]}", "is neither a map"),
                ("{listen: 127.0.0.1:1, certificates: [{certificate: \(place)/a.pem}]}", "needs both"),
                ("{listen: 127.0.0.1:1, certificates: [{certificat: x, key: y}]}", "did you mean certificate?"),
                ("{listen: 127.0.0.1:1, certificates: [{certificate: \(place)/z, key: y}]}", "cannot be read"),
                (
                    "{listen: 127.0.0.1:1, certificates: [{certificate: \(place)/a.pem, key: \(place)/b.key}]}",
                    "is not that of the certificate"
                ),
                (
                    "{listen: 127.0.0.1:1, certificates: [{certificate: \(place)/a.pem, key: \(place)/a.key}], require-client-certificate: true}",
                    "needs tls.client-ca"
                ),
                (
                    "{listen: 0.0.0.0:1, certificates: [{certificate: \(place)/a.pem, key: \(place)/a.key}]}",
                    "can be reached from other machines"
                ),
                ("{listen: 127.0.0.1:1, min-version: 1.0}", "is not a setting"),
            ]
            for (text, expected) in cases {
                let said = try complaints(file: "tls: \(text)")
                #expect(said.contains { $0.contains(expected) }, "\(text): \(said)")
                #expect(!said.contains { $0.contains(key) })
            }
        }
    }

    @Test("files that changed are taken over once they can be used")
    func changedFiles() throws {
        try withFiles { authority, place in
            let environment = [
                "PERSEID_TLS_LISTEN": "127.0.0.1:1", "PERSEID_TLS_CERTIFICATES": "\(place)/a.pem=\(place)/a.key",
            ]
            var current = try settings(environment: environment)
            #expect(try current.readCertificatesAgain() == false)
            let old = current.edge.tls
            let renewed = try authority.issue(["a.example"])
            // The certificate is there, and its key not yet: that is told once.
            try Data(renewed.chain).write(to: URL(filePath: "\(place)/a.pem"))
            #expect(throws: TLSFault.self) { try current.readCertificatesAgain() }
            #expect(try current.readCertificatesAgain() == false)
            #expect(current.edge.tls == old)
            try authority.write(renewed, as: "a")
            #expect(try current.readCertificatesAgain() == true)
            #expect(current.edge.tls?.policy.certificates[0].key == renewed.key)
            #expect(try current.readCertificatesAgain() == false)
            try FileManager.default.removeItem(atPath: "\(place)/a.key")
            #expect(throws: TLSFault.self) { try current.readCertificatesAgain() }
            #expect(try current.readCertificatesAgain() == false)
            try authority.write(renewed, as: "a")
            #expect(try current.readCertificatesAgain() == false)
        }
    }
}
