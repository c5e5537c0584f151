import TestCertificates
import Testing

@testable import TLS

@Suite struct TLSSessionTests {
    @Test("what one end says the other hears, however it is cut on its way", arguments: [1, 7, 1_000, 65_536])
    func conversation(pieces: Int) throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle(pieces: pieces)
            #expect(pair.server.phase == .open)
            #expect(pair.client.phase == .open)
            let question = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try pair.sayToServer(question)
            try pair.sayToClient(Array("hello".utf8))
            try pair.settle(pieces: pieces)
            #expect(pair.heardByServer == question)
            #expect(pair.heardByClient == Array("hello".utf8))
            #expect(pair.server.records.partialBytes == 0)
        }
    }

    @Test("an end of one direction is heard, and the other goes on")
    func halfClose() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle()
            try pair.sayToServer(Array("last words".utf8))
            pair.endClient()
            try pair.settle()
            #expect(pair.heardByServer == Array("last words".utf8))
            #expect(pair.server.isPeerDone == true)
            try pair.sayToClient(Array("an answer".utf8))
            try pair.settle()
            #expect(pair.heardByClient == Array("an answer".utf8))
        }
    }

    @Test("a record that was changed on its way ends the session, and the peer is told")
    func changedRecord() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle()
            try pair.sayToServer(Array("hello".utf8))
            pair.changeOnTheWayToServer { $0[$0.count - 1] ^= 1 }
            #expect(throws: TLSFault.self) { try pair.bringToServer(65_536) }
            #expect(pair.server.phase == .broken)
            #expect(pair.heardByServer.isEmpty)
            // An alert, in a record of TLS 1.3.
            #expect(pair.server.records.sealed(from: 0).first == 23)
            let said = Array("more".utf8)
            #expect(!said.withUnsafeBytes { pair.server.seal($0) })
        }
    }

    @Test(
        "what is not TLS is refused at once",
        arguments: [
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}\u{7f}\u{7f}abc",
            "\0\0\0\0\0\0",
        ]
    )
    func notTLS(text: String) throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var session = TLSSession(server: context, TLSRecords())
            session.room().copyBytes(from: text.utf8)
            let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
            defer { plain.deallocate() }
            #expect(throws: TLSFault.self) { try session.open(text.utf8.count, into: plain) }
            #expect(session.phase == .broken)
            #expect(session.records.partialBytes == 0)
        }
    }

    @Test("records that bring nothing are borne for a while")
    func idleRecords() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var session = TLSSession(server: context, TLSRecords())
            let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
            defer { plain.deallocate() }
            // The beginning of a long ClientHello, a byte of it in each record.
            let hello: [UInt8] = [1, 0, 0x40, 0] + [UInt8](repeating: 3, count: 400)
            var taken = 0
            #expect(throws: TLSFault("too many records that bring nothing")) {
                for byte in hello {
                    session.room().copyBytes(from: [22, 3, 1, 0, 1, byte])
                    _ = try session.open(6, into: plain)
                    taken += 1
                }
            }
            #expect(taken == 127)
        }
    }

    @Test("what a socket does not take is kept, in order")
    func unsent() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle()
            let records = pair.server.records
            var expected: [UInt8] = []
            for _ in 0..<3 {
                let said = Array("hello".utf8)
                #expect(said.withUnsafeBytes { pair.server.seal($0) })
                let sealed = records.sealed(from: 0)
                expected += sealed[10...]
                pair.server.keepSealed(in: 0..<sealed.count, sent: 10)
                records.truncate(to: 0)
            }
            #expect(pair.server.unsentByteCount == expected.count)
            var taken: [UInt8] = []
            while !pair.server.flush({
                taken += $0.prefix(4); return min(4, $0.count)
            }) { #expect(pair.server.hasUnsent == true) }
            #expect(taken == expected)
            #expect(records.unsentBytes == 0)
        }
    }
}
