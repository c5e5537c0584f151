import Foundation
import TestCertificates
import Testing

@testable import TLS

/// A server's policy with one certificate.
func policy(_ certificates: TLSCertificate...) -> TLSPolicy {
    var policy = TLSPolicy()
    policy.certificates = certificates
    return policy
}

/// Keys of tickets that nobody else has.
func drawTickets() -> TicketKeys { TicketKeys(secrets: [TicketKeys.drawSecret()]) }

/// Two ends and what is on its way between them.
struct Pair: ~Copyable {
    var client: TLSSession
    var server: TLSSession
    private(set) var toServer: [UInt8] = []
    private(set) var toClient: [UInt8] = []
    private(set) var heardByServer: [UInt8] = []
    private(set) var heardByClient: [UInt8] = []
    private let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(
        _ context: TLSContext,
        trusting authorities: [UInt8],
        serverName: String = "localhost",
        certificate: TLSCertificate? = nil
    ) throws {
        var policy = TLSClientPolicy()
        policy.authorities = authorities
        policy.certificate = certificate
        let records = TLSRecords()
        client = try TLSSession(client: try TLSContext(client: policy), records, serverName: serverName)
        server = TLSSession(server: context, TLSRecords())
        toServer = Self.takeSealed(records)
    }

    deinit { plain.deallocate() }

    static func takeSealed(_ records: TLSRecords) -> [UInt8] {
        defer { records.truncate(to: 0) }
        return Array(records.sealed(from: 0))
    }

    /// Brings everything that is on its way, pieces of a size at a time, until there is nothing more.
    mutating func settle(pieces: Int = 4_096) throws {
        while !toServer.isEmpty || !toClient.isEmpty {
            try bringToServer(pieces)
            try bringToClient(pieces)
        }
    }

    mutating func bringToServer(_ count: Int) throws {
        heardByServer += try Self.bring(&toServer, count, &server, plain)
        toClient += Self.takeSealed(server.records)
    }

    mutating func bringToClient(_ count: Int) throws {
        heardByClient += try Self.bring(&toClient, count, &client, plain)
        toServer += Self.takeSealed(client.records)
    }

    private static func bring(
        _ bytes: inout [UInt8],
        _ count: Int,
        _ session: inout TLSSession,
        _ plain: UnsafeMutableRawBufferPointer
    ) throws -> [UInt8] {
        let room = session.room()
        let piece = bytes.prefix(min(count, room.count))
        guard !piece.isEmpty else { return [] }
        bytes.removeFirst(piece.count)
        room.copyBytes(from: piece)
        return Array(plain[..<(try session.open(piece.count, into: plain))])
    }

    mutating func sayToServer(_ bytes: [UInt8]) throws {
        try #require(bytes.withUnsafeBytes { client.seal($0) })
        toServer += Self.takeSealed(client.records)
    }

    mutating func sayToClient(_ bytes: [UInt8]) throws {
        try #require(bytes.withUnsafeBytes { server.seal($0) })
        toClient += Self.takeSealed(server.records)
    }

    /// Puts bytes of somebody else on the way to the server.
    mutating func slipToServer(_ bytes: [UInt8]) { toServer += bytes }

    mutating func changeOnTheWayToServer(_ change: (inout [UInt8]) -> Void) { change(&toServer) }

    mutating func endClient() {
        client.sealEnd()
        toServer += Self.takeSealed(client.records)
    }
}
