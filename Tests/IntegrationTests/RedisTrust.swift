import Foundation
import TestCertificates

/// Certificates of an authority of a test's own, for the address that each Redis tells of itself; and what everybody is told of them.
final class RedisTrust: Sendable {
    private let place: String
    private let files: [(name: String, value: String)]

    /// - Parameter days: how long the certificate of Redis is good; with "0" it has ended when somebody looks.
    init(days: String = "1") throws {
        let authority = try TestAuthority()
        try authority.write(try authority.issue(["localhost", "127.0.0.1"], days: days), as: "redis")
        place = authority.directory
        files = [
            ("tls-cert-file", "\(place)/redis.pem"), ("tls-key-file", "\(place)/redis.key"),
            ("tls-ca-cert-file", "\(place)/ca.pem"), ("tls-replication", "yes"), ("tls-cluster", "yes"),
        ]
    }

    deinit { try? FileManager.default.removeItem(atPath: place) }

    /// Options of a Redis that listens with TLS at a port, and speaks TLS to others.
    func options(port: UInt16) -> [String] {
        (files + [("tls-port", "\(port)")]).flatMap { ["--\($0.name)", $0.value] }
    }

    /// The same as lines of a Sentinel's file.
    func settings(port: UInt16) -> [String] {
        (files.filter { $0.name != "tls-cluster" } + [("tls-port", "\(port)")]).map { "\($0.name) \($0.value)" }
    }

    /// What nodes and commands trust, and show.
    var environment: [String: String] {
        [
            "PERSEID_REDIS_TLS_CA": "\(place)/ca.pem", "PERSEID_REDIS_TLS_CERTIFICATE": "\(place)/redis.pem",
            "PERSEID_REDIS_TLS_KEY": "\(place)/redis.key",
        ]
    }
}
