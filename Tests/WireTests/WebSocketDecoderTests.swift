import TestRandomness
import Testing
import Wire

@Suite("WebSocket decoder")
struct WebSocketDecoderTests {
    /// Bytes from a client, and what they say.
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var events: [RecordedEvent]
        var messageBytesMax = 65_536
        var testDescription: String { name }
    }

    private func check(_ example: Case) {
        forEachFeeding(of: example.bytes) { pieces in
            var reader = WebSocketReader(messageBytesMax: example.messageBytesMax)
            for piece in pieces { reader.feed(piece) }
            #expect(reader.events == example.events)
            #expect(!reader.isStuck)
        }
    }

    @Test("conversations that keep the protocol", arguments: WebSocketCases.valid)
    func valid(example: Case) { check(example) }

    @Test("violations, each with its failure", arguments: WebSocketCases.violations)
    func violation(example: Case) { check(example) }

    @Test(
        "close codes that may be sent",
        arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
            as [UInt16]
    )
    func allowedCloseCode(code: UInt16) {
        var reader = WebSocketReader()
        reader.feed(frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)]))
        #expect(reader.events == [.close(code, "")])
    }

    @Test(
        "close codes that may not",
        arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] as [UInt16]
    )
    func forbiddenCloseCode(code: UInt16) {
        var reader = WebSocketReader()
        reader.feed(frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)]))
        #expect(reader.events == [.failure(.closeCodeForbidden)])
    }

    @Test("each failure has the close code of its kind")
    func closeCodes() {
        for failure in WebSocketFailure.allCases {
            let expected: UInt16 =
                switch failure {
                case .textNotUTF8, .closeReasonNotUTF8: 1007
                case .messageTooBig: 1009
                default: 1002
                }
            #expect(failure.closeCode.rawValue == expected)
            #expect(failure.reason.utf8CodeUnitCount <= 123)
        }
    }

    @Test("a length above the limit fails before mask and payload are there")
    func tooBigIsSeenInTheHeader() {
        var reader = WebSocketReader(messageBytesMax: 1_000)
        reader.feed([0x82, 0xFE, 0x03, 0xE9])
        #expect(reader.events == [.failure(.messageTooBig)])

        var largest = WebSocketReader(messageBytesMax: .max)
        largest.feed([0x82, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 7))
        #expect(largest.events == [.failure(.messageTooBig)])
    }

    @Test("says how many bytes the next frame takes at least")
    func minimumCounts() {
        func minimumCount(after bytes: [UInt8], role: WebSocketDecoder.Role = .server) -> Int? {
            var decoder = WebSocketDecoder(role: role)
            var bytes = bytes
            var consumed = 0
            return bytes.withUnsafeMutableBytes {
                guard case .needMore(let count) = decoder.next(in: $0, consumed: &consumed) else { return nil }
                return count
            }
        }
        #expect(minimumCount(after: []) == 6)
        #expect(minimumCount(after: [], role: .client) == 2)
        #expect(minimumCount(after: [0x81]) == 6)
        #expect(minimumCount(after: [0x81, 0x85]) == 11)
        #expect(minimumCount(after: [0x81, 0xFE]) == 8)
        #expect(minimumCount(after: [0x81, 0xFE, 0x01, 0x00]) == 264)
        #expect(minimumCount(after: [0x81, 0xFF]) == 14)
        #expect(minimumCount(after: [0x81, 0x05], role: .client) == 7)
    }

    @Test("a client takes only frames without mask, a server only masked ones")
    func roles() {
        var client = WebSocketReader(role: .client)
        client.feed(frame(0x81, Array("hello".utf8), mask: nil))
        client.feed(frame(0x81, "hello"))
        #expect(client.events == [.text("hello"), .failure(.maskForbidden)])

        var server = WebSocketReader()
        server.feed(frame(0x81, "hello"))
        server.feed(frame(0x81, Array("hello".utf8), mask: nil))
        #expect(server.events == [.text("hello"), .failure(.maskMissing)])
    }

    @Test("with compression agreed on, the first frame of a message may set RSV1, and no other")
    func compression() {
        let compressed: [UInt8] = [0xF2, 0xFF, 0x00]
        var reader = WebSocketReader(allowsCompression: true)
        reader.feed(frame(0xC1, compressed) + frame(0x42, [1]) + frame(0x80, [0xFF]) + frame(0x81, "plain"))
        #expect(reader.events == [.compressed(.text, compressed), .compressed(.binary, [1, 0xFF]), .text("plain")])

        for wrong in [frame(0xC9), frame(0xC8), frame(0x41, [1]) + frame(0xC0, [2]), frame(0xA1), frame(0x91)] {
            var reader = WebSocketReader(allowsCompression: true)
            reader.feed(wrong)
            #expect(reader.events == [.failure(.reservedBitSet)])
        }
    }

    @Test("unmasks every length and position in memory")
    func unmasking() {
        var generator = SeededGenerator(seed: 1)
        for count in 0...70 {
            let payload = generator.bytes(count: count)
            let mask = generator.bytes(count: 4)
            var reader = WebSocketReader()
            // The first frame shifts the second one to another alignment.
            reader.feed(frame(0x8A, [UInt8](repeating: 0, count: count % 8)) + frame(0x82, payload, mask: mask))
            #expect(reader.events.last == .binary(payload))
        }
    }

    @Test("whatever follows a close frame or a failure is swallowed")
    func swallowsTheRest() {
        for end in [frame(0x88), frame(0x83)] {
            var reader = WebSocketReader()
            reader.feed(end + frame(0x81, "late"))
            reader.feed(frame(0x81, "later"))
            #expect(reader.events.count == 1)
            #expect(reader.kept.isEmpty)
            #expect(!reader.isStuck)
        }
    }

    @Test("holds memory only while a fragmented message is incomplete")
    func releasesFragments() {
        func ownsMemory(_ reader: WebSocketReader) -> Bool {
            Mirror(reflecting: reader.decoder).children.contains { $0.label == "assembly" && "\($0.value)" != "nil" }
        }
        var reader = WebSocketReader()
        reader.feed(frame(0x81, "whole"))
        #expect(!ownsMemory(reader))
        reader.feed(frame(0x01, "in two "))
        #expect(ownsMemory(reader))
        reader.feed(frame(0x80, "pieces"))
        #expect(!ownsMemory(reader))
        #expect(reader.events == [.text("whole"), .text("in two pieces")])

        reader.feed(frame(0x01, "broken off") + frame(0x81, "by another"))
        #expect(!ownsMemory(reader))
    }

    @Test("is small while idle")
    func size() {
        #expect(MemoryLayout<WebSocketDecoder>.size <= 16)
        #expect(MemoryLayout<WebSocketDecoder>.stride <= 32)
    }
}
