internal import Foundation
public import TLS

/// An authority and what it issues, made by `openssl` in a directory of their own.
public struct TestAuthority {
    /// Where everything is: `ca.pem`, and what was issued, by the name of each with `.pem` and `.key`.
    public let directory: String

    /// Makes one.
    public init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Self.openssl(
            directory,
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key"]
                + ["-out", "ca.pem", "-subj", "/CN=authority", "-days", "2"]
        )
    }

    /// Removes its files.
    public func remove() { try? FileManager.default.removeItem(atPath: directory) }

    /// Its certificate.
    public var pem: [UInt8] { get throws { try read("ca.pem") } }

    private func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name)")))
    }

    /// Issues a certificate for names, with an EC key unless it is told otherwise.
    public func issue(
        _ names: [String],
        subject: String = "/CN=server",
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        days: String = "1"
    ) throws -> TLSCertificate {
        let name = "\(UUID())"
        try Self.openssl(
            directory,
            ["req", "-newkey"] + key + ["-nodes", "-keyout", "\(name).key", "-out", "\(name).csr", "-subj", subject]
        )
        let alternatives = names.map { ($0.first?.isNumber == true ? "IP:" : "DNS:") + $0 }.joined(separator: ",")
        let extensions = names.isEmpty ? "" : "subjectAltName=\(alternatives)\n"
        try Data(extensions.utf8).write(to: URL(filePath: "\(directory)/\(name).ext"))
        try Self.openssl(
            directory,
            ["x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
                + ["-out", "\(name).pem", "-days", days, "-extfile", "\(name).ext"]
        )
        return TLSCertificate(chain: try read("\(name).pem"), key: try read("\(name).key"), name: name)
    }

    /// Writes a certificate and its key to `name.pem` and `name.key`, in the place of those that are there.
    public func write(_ certificate: TLSCertificate, as name: String) throws {
        try Data(certificate.chain).write(to: URL(filePath: "\(directory)/\(name).pem"))
        try Data(certificate.key).write(to: URL(filePath: "\(directory)/\(name).key"))
    }

    private static func openssl(_ directory: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: directory)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TLSFault("openssl \(arguments[0])") }
    }
}

/// Runs a test with an authority of its own.
public func withAuthority(_ body: (TestAuthority) throws -> Void) throws {
    let authority = try TestAuthority()
    defer { authority.remove() }
    try body(authority)
}
