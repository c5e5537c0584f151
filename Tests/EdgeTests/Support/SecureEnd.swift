import TLS

/// The client's end of TLS.
final class SecureEnd {
    private var session: TLSSession
    private let records = TLSRecords()
    private let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(trusting authorities: [UInt8], certificate: TLSCertificate?) throws {
        var policy = TLSClientPolicy()
        policy.authorities = authorities
        policy.certificate = certificate
        session = try TLSSession(client: try TLSContext(client: policy), records, serverName: "localhost")
    }

    deinit { plain.deallocate() }

    var isAgreed: Bool { session.phase == .open }
    var isPeerDone: Bool { session.isPeerDone }
    var room: UnsafeMutableRawBufferPointer { session.room() }

    func open(_ count: Int) throws -> [UInt8] { Array(plain[..<(try session.open(count, into: plain))]) }

    func seal(_ bytes: [UInt8]) throws -> [UInt8] {
        guard bytes.withUnsafeBytes({ session.seal($0) }) else { throw TestFailure("nothing can be sealed") }
        return takeSealed()
    }

    func sealEnd() -> [UInt8] {
        session.sealEnd()
        return takeSealed()
    }

    func takeSealed() -> [UInt8] {
        defer { records.truncate(to: 0) }
        return Array(records.sealed(from: 0))
    }
}
