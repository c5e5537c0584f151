import TestCertificates
import Testing

@testable import TLS

/// The bytes of digits in hexadecimal.
private func bytes(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).map { place in
        let start = digits.index(digits.startIndex, offsetBy: place)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16) ?? 0
    }
}

/// Two ends whose keys are drawn for them, and what one hears of the other.
private struct Ends: ~Copyable {
    var here: RecordLayer
    var there: RecordLayer
    let records = TLSRecords()
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(_ suite: RecordSuite, number: UInt64 = 0) {
        func secret(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: suite.secretByteCount) }
        here = RecordLayer(
            opening: RecordKey(suite, secret: secret(1)),
            sealing: RecordKey(suite, secret: secret(2), number: number),
            isResumed: false,
            nil
        )
        there = RecordLayer(
            opening: RecordKey(suite, secret: secret(2), number: number),
            sealing: RecordKey(suite, secret: secret(1)),
            isResumed: false,
            nil
        )
    }

    deinit { room.deallocate() }

    /// What was sealed, record by record.
    func take() -> [[UInt8]] {
        defer { records.truncate(to: 0) }
        var (rest, all): (ArraySlice<UInt8>, [[UInt8]]) = (Array(records.sealed(from: 0))[...], [])
        while rest.count >= 5 {
            let count = 5 + Int(rest[rest.startIndex + 3]) << 8 + Int(rest[rest.startIndex + 4])
            all.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return all
    }

    mutating func seal(_ text: [UInt8]) throws -> [[UInt8]] {
        try #require(text.withUnsafeBytes { here.seal($0, records) })
        return take()
    }

    /// What the other end hears in records; that it is over is said by `nil`.
    mutating func hear(_ all: [[UInt8]]) throws -> [UInt8]? {
        var heard: [UInt8] = []
        for record in all {
            switch try record.withUnsafeBytes({ try there.open($0, into: room, records) }) {
            case .data(let count): heard += room[..<count]
            case .nothing: break
            case .end: return nil
            }
        }
        return heard
    }

    /// What this end hears of what the other sealed by itself.
    mutating func hearBack(_ all: [[UInt8]]) throws {
        for record in all { _ = try record.withUnsafeBytes { try here.open($0, into: room, records) } }
    }

    /// What the other end hears while it may not answer at once.
    mutating func hearSilently(_ all: [[UInt8]]) throws {
        for record in all {
            _ = try record.withUnsafeBytes { try there.open($0, into: room, records, mayAnswer: false) }
        }
    }

    mutating func sealRaw(_ text: [UInt8], kind: UInt8, secret: UInt8 = 2, number: UInt64, _ suite: RecordSuite)
        -> [UInt8]
    {
        var key = RecordKey(suite, secret: [UInt8](repeating: secret, count: suite.secretByteCount), number: number)
        return sealRaw(text, kind: kind, &key, suite)
    }

    mutating func sealRaw(_ text: [UInt8], kind: UInt8, _ key: inout RecordKey, _ suite: RecordSuite) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: text.count + RecordCipher.overheadByteCount)
        let isSealed = record.withUnsafeMutableBytes { room in
            text.withUnsafeBytes { text in
                room.baseAddress.map { records.cipher(suite).seal(text, kind: kind, &key, into: $0) } ?? false
            }
        }
        return isSealed ? record : []
    }
}

@Suite struct RecordLayerTests {
    @Test("records are those of RFC 8448")
    func trace() throws {
        // Section 3, "{client} send application_data record" and what it is derived from.
        let secret = bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
        var key = RecordKey(.aes128, secret: secret)
        let expected = bytes(
            """
            1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f
            5a6292a2977014bd1e3deae63aeebb21694915e4
            """
        )
        var record = [UInt8](repeating: 0, count: 50 + RecordCipher.overheadByteCount)
        let isSealed = record.withUnsafeMutableBytes { room in
            Array<UInt8>(0..<50).withUnsafeBytes { plain in
                RecordCipher(.aes128).seal(plain, kind: 23, &key, into: room.baseAddress!)
            }
        }
        #expect(isSealed)
        #expect(record == expected)
        #expect(key.number == 1)
    }

    @Test("what is said is heard, in records that are not too long", arguments: RecordSuite.allCases)
    func conversation(suite: RecordSuite) throws {
        var ends = Ends(suite)
        let text = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let records = try ends.seal(text)
        #expect(records.count == 3)
        #expect(try ends.hear(records) == text)
        ends.here.sealEnd(ends.records)
        ends.here.sealEnd(ends.records)
        let end = ends.take()
        #expect(end.count == 1)
        #expect(try ends.hear(end) == nil)
        #expect(!text.withUnsafeBytes { ends.here.seal($0, ends.records) })
    }

    @Test("a key that was used often enough makes place for the next", arguments: RecordSuite.allCases)
    func renewal(suite: RecordSuite) throws {
        var ends = Ends(suite, number: RecordKey.recordsMax - 2)
        for text in ["one", "two", "three", "four"] {
            let records = try ends.seal(Array(text.utf8))
            #expect(records.count == (text == "three" ? 2 : 1))
            #expect(try ends.hear(records) == Array(text.utf8))
        }
    }

    @Test("a peer that asks for the next key and reads nothing is answered once, in front of what is said next")
    func updatesUnread() throws {
        var ends = Ends(.aes128)
        var key = RecordKey(.aes128, secret: [UInt8](repeating: 2, count: RecordSuite.aes128.secretByteCount))
        for _ in 0..<50 {
            try ends.hearSilently([ends.sealRaw([24, 0, 0, 1, 1], kind: 22, &key, .aes128)])
            key.update()
            #expect(ends.take().isEmpty)
        }
        #expect(Array("x".utf8).withUnsafeBytes { ends.there.seal($0, ends.records) })
        let records = ends.take()
        #expect(records.count == 2)
        try ends.hearBack(records)
        // It owes nothing any more.
        #expect(Array("y".utf8).withUnsafeBytes { ends.there.seal($0, ends.records) })
        #expect(ends.take().count == 1)
    }

    @Test("a peer that goes on to its next key is followed, and answered if it asks", arguments: [0, 1] as [UInt8])
    func updates(isAsked: UInt8) throws {
        var ends = Ends(.aes128)
        #expect(try ends.hear([ends.sealRaw([24, 0, 0, 1, isAsked], kind: 22, number: 0, .aes128)]) == [])
        let answers = ends.take()
        #expect(answers.count == Int(isAsked))
        try ends.hearBack(answers)
        // The other end seals with its next key then, and only then.
        #expect(Array("x".utf8).withUnsafeBytes { ends.there.seal($0, ends.records) })
        try ends.hearBack(ends.take())
        // Its own old key is of no use.
        let stale = ends.sealRaw(Array("late".utf8), kind: 23, number: 1, .aes128)
        #expect(throws: TLSFault("TLS: a record that was changed on its way")) { try ends.hear([stale]) }
    }

    @Test("what has no place is refused, and the peer is told why")
    func refusals() throws {
        let zeros = [UInt8](repeating: 0, count: 4)
        let rows: [(text: [UInt8], kind: UInt8, fault: String)] = [
            ([1, 0, 0, 0], 22, "a record that has no place here"),  // a ClientHello
            ([24, 0, 0, 1, 0, 24, 0, 0, 1, 0], 22, "a record that has no place here"),  // two updates
            ([24, 0, 0], 22, "a record that has no place here"),
            ([], 22, "a record that has no place here"),
            ([24, 0, 0, 1, 2], 22, "an update of keys that is none"),
            ([1], 20, "a record that has no place here"),  // a change of cipher
            ([0], 99, "a record that has no place here"),
            (zeros, 0, "a record that has no place here"),  // zeros, and no kind
            ([1], 21, "an alert that is none"),
            ([2, 40], 21, "the peer ended it with alert 40"),
            ([UInt8](repeating: 1, count: 16_385), 23, "a record that is too long"),
        ]
        for row in rows {
            var ends = Ends(.aes128)
            let record = ends.sealRaw(row.text, kind: row.kind, number: 0, .aes128)
            #expect(throws: TLSFault("TLS: \(row.fault)"), "\(row.kind) \(row.text.prefix(10))") {
                try ends.hear([record])
            }
            #expect(ends.take().count == (row.fault.hasPrefix("the peer") ? 0 : 1))
        }
        for record in [
            [21, 3, 3, 0, 2, 2, 40], [20, 3, 3, 0, 1, 1], [23, 3, 3, 0, 0], [22, 3, 3, 0, 4, 1, 0, 0, 0],
        ] as [[UInt8]] {
            var ends = Ends(.aes128)
            #expect(throws: TLSFault.self) { try ends.hear([record]) }
        }
    }

    @Test("zeros behind what is said are taken off; a warning that was given up for is passed over")
    func padding() throws {
        var ends = Ends(.chaCha20)
        // The kind is the last byte that is not zero.
        let padded = ends.sealRaw(
            Array("hi".utf8) + [23] + [UInt8](repeating: 0, count: 300),
            kind: 0,
            number: 0,
            .chaCha20
        )
        #expect(try ends.hear([padded]) == Array("hi".utf8))
        #expect(try ends.hear([ends.sealRaw([1, 90], kind: 21, number: 1, .chaCha20)]) == [])
        #expect(try ends.hear([ends.sealRaw([1, 0], kind: 21, number: 2, .chaCha20)]) == nil)
    }

    @Test("once it is agreed a server keeps nothing but keys, and its ticket was counted")
    func takeover() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle()
            #expect(pair.server.keepsKeysOnly == true)
            #expect(pair.client.keepsKeysOnly == false)
            for round in 0..<3 {
                try pair.sayToServer([UInt8(round)])
                try pair.sayToClient([UInt8(round), 1])
                try pair.settle()
            }
            #expect(pair.heardByServer == [0, 1, 2])
            #expect(pair.heardByClient == [0, 1, 1, 1, 2, 1])
        }
    }

    @Test("the kernel is told what linux/tls.h wants", arguments: RecordSuite.allCases)
    func kernelParameters(suite: RecordSuite) {
        var key = RecordKey(suite, secret: [UInt8](repeating: 7, count: suite.secretByteCount), number: 0x0102)
        let (secret, start) = key.material
        let number: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 2]
        let expected: [UInt8] =
            switch suite {
            // struct tls12_crypto_info_aes_gcm_128, …_256 and …_chacha20_poly1305, behind version and cipher.
            case .aes128: [4, 3, 51, 0] + start[4...] + secret + start[..<4] + number
            case .aes256: [4, 3, 52, 0] + start[4...] + secret + start[..<4] + number
            case .chaCha20: [4, 3, 54, 0] + start + secret + number
            }
        #expect(key.kernelParameters() == expected)
        #expect(expected.count == (suite == .aes128 ? 40 : 56))
    }

    @Test("where the kernel seals, an alert waits for who sends, and its key stays")
    func sealedByKernel() throws {
        try withAuthority { authority in
            let context = try TLSContext(server: policy(try authority.issue(["localhost"])), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            #expect(pair.server.kernelParameters() == nil)
            try pair.settle()
            #expect(pair.server.kernelParameters() != nil)
            pair.server.leaveSealingToKernel()
            #expect(pair.server.isSealedByKernel == true)
            pair.server.sealEnd()
            #expect(pair.server.records.sealedCount == 0)
            let alert = pair.server.takeAlert()
            #expect(alert?.level == 1)
            #expect(alert?.number == 0)
            #expect(pair.server.takeAlert() == nil)
        }
        var ends = Ends(.aes128)
        ends.there.leaveSealingToKernel()
        let update = ends.sealRaw([24, 0, 0, 1, 1], kind: 22, number: 0, .aes128)
        #expect(throws: TLSFault("TLS: the kernel's key cannot be changed")) { try ends.hear([update]) }
        #expect(ends.there.takeAlert()?.number == 80)
    }

    @Test("whatever a client says in a record comes to what RFC 8446 says of it")
    func anything() throws {
        var generator = SplitMix(state: 7)
        for round in 0..<20_000 {
            // Short, and of bytes that mean something: zeros, kinds, the beginning of an update.
            let said = (0..<Int(generator.next() % 9)).map { _ in
                let bytes: [UInt8] = [
                    0, 0, 1, 2, 20, 21, 22, 23, 24, 90, 255, UInt8(truncatingIfNeeded: generator.next()),
                ]
                return bytes[Int(generator.next() % UInt64(bytes.count))]
            }
            var ends = Ends(.aes128)
            // The kind that is sealed behind is a zero: the last byte that is none counts.
            let record = ends.sealRaw(said, kind: 0, number: 0, .aes128)
            let expected = Self.meaning(of: said)
            var heard: [UInt8]?
            do {
                heard = try ends.hear([record])
                #expect(expected == .heard(heard), "\(round): \(said)")
            } catch {
                #expect(expected == .refused, "\(round): \(said)")
            }
        }
    }

    private enum Meaning: Equatable {
        case heard([UInt8]?)
        case refused
    }

    private static func meaning(of said: [UInt8]) -> Meaning {
        guard let place = said.lastIndex(where: { $0 != 0 }) else { return .refused }
        let text = Array(said[..<place])
        switch (said[place], text) {
        case (23, _): return .heard(text)
        case (21, _) where text.count == 2 && text[1] == 0: return .heard(nil)
        case (21, _) where text.count == 2 && text[1] == 90: return .heard([])
        case (22, [24, 0, 0, 1, 0]), (22, [24, 0, 0, 1, 1]): return .heard([])
        default: return .refused
        }
    }
}

/// Numbers that are the same in each run. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
