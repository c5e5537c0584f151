import Edge
import Foundation
import TLS
import TestCertificates

/// Certificates that all tests of the process share.
enum TestTLS {
    /// Whether all tests are to come with TLS: `PERSEID_TEST_TLS=1`.
    static let isWanted = ProcessInfo.processInfo.environment["PERSEID_TEST_TLS"] == "1"

    private static let made = Result { () throws -> ([UInt8], TLSCertificate, TLSCertificate) in
        let authority = try TestAuthority()
        defer { authority.remove() }
        let server = try authority.issue(["localhost", "127.0.0.1"])
        return (try authority.pem, server, try authority.issue([], subject: "/CN=alice"))
    }

    static var authorities: [UInt8] { get throws { try made.get().0 } }

    /// A listener on a port that the system chooses.
    static var listener: SecureListener? {
        get throws {
            var policy = TLSPolicy()
            policy.certificates = [try made.get().1]
            return SecureListener(port: 0, policy: policy)
        }
    }

    /// A client's, by the name of alice.
    static var alice: TLSCertificate { get throws { try made.get().2 } }
}
