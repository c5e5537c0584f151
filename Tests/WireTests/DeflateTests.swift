import TestInflater
import Testing
import Wire

@Suite("Deflate")
struct DeflateTests {
    private func compressed(_ message: [UInt8], by deflater: inout Deflater) -> [UInt8] {
        var output = ByteBuffer()
        message.withUnsafeBytes { deflater.append($0, to: &output) }
        return Array(output.bytes)
    }

    private func inflate(_ payload: [UInt8], most: Int = 65_536) throws -> (Inflater.Outcome, [UInt8]) {
        var inflater = Inflater()!
        var output = ByteBuffer()
        let outcome = payload.withUnsafeBytes { inflater.inflate($0, bytesMax: most, to: &output) }
        return (outcome, Array(output.bytes))
    }

    @Test("each message can be read once it is there, and ends in the tail of a flush", arguments: [0, 1, 2])
    func messages(kind: Int) throws {
        var deflater = Deflater(kind == 2 ? .narrow : .wide)!
        let inflater = StreamInflater(.deflate(windowBits: kind == 2 ? 8 : 13))
        var random = SystemRandomNumberGenerator()
        for size in [1, 2, 31, 125, 126, 170, 1_000, 8_192, 16_384, 65_535, 65_536, 200_000] {
            let message = (0..<size).map { kind == 1 ? UInt8.random(in: 0...255, using: &random) : UInt8($0 / 7 % 90) }
            let bytes = compressed(message, by: &deflater)
            #expect(bytes.suffix(4) == [0, 0, 0xFF, 0xFF])
            #expect(inflater.inflate(bytes) == message)
        }
    }

    @Test("what follows a reset refers to nothing before it, and the stream goes on for who has all of it")
    func reset() throws {
        var deflater = Deflater(.wide)!
        let first = StreamInflater(.deflate(windowBits: 13))
        for round in 0..<5 {
            deflater.reset()
            let newcomer = StreamInflater(.deflate(windowBits: 13))
            for number in 0..<20 {
                let message = Array(
                    "{\"round\":\(round),\"number\":\(number),\"text\":\"the same again and again\"}".utf8
                )
                let bytes = compressed(message, by: &deflater)
                #expect(first.inflate(bytes) == message)
                #expect(newcomer.inflate(bytes) == message)
            }
        }
    }

    @Test("a message is inflated as it was, whoever compressed it", arguments: [0, 1, 5, 125, 16_384, 65_536])
    func inflates(size: Int) throws {
        let message = (0..<size).map { UInt8($0 / 3 % 120) }
        let (outcome, bytes) = try inflate(StreamDeflater().deflate(message: message))
        #expect(outcome == .whole)
        #expect(bytes == message)
    }

    /// The examples of RFC 7692 §7.2.3.
    @Test("the examples of the RFC")
    func examples() throws {
        let hello = Array("Hello".utf8)
        let rows: [[UInt8]] = [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            // A last block without the byte behind it.
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        ]
        for row in rows {
            let (outcome, bytes) = try inflate(row)
            #expect(outcome == .whole)
            #expect(bytes == hello)
        }
    }

    @Test("a bomb is inflated no further than it may be, and what fits just so is whole")
    func bomb() throws {
        let bomb = StreamDeflater().deflate(message: [UInt8](repeating: 0, count: 10_000_000))
        #expect(bomb.count < 12_000)
        for most in [0, 1, 100, 16_383, 16_384, 65_536] {
            let (outcome, bytes) = try inflate(bomb, most: most)
            #expect(outcome == .tooBig)
            #expect(bytes.count == most + 1)
        }
        for size in [1, 16_383, 16_384, 16_385, 65_536] {
            let message = [UInt8](repeating: 7, count: size)
            let payload = StreamDeflater().deflate(message: message)
            #expect(try inflate(payload, most: size) == (.whole, message))
            #expect(try inflate(payload, most: size - 1).0 == .tooBig)
        }
    }

    @Test("what is no message, or not a whole one, is invalid; and none of it crashes")
    func invalid() throws {
        let good = StreamDeflater().deflate(message: Array("a message that is compressed, a message".utf8))
        for count in 1..<good.count { #expect(try inflate(Array(good.prefix(count))).0 == .invalid, "\(count)") }
        // A reserved type of block, a stored one whose length is not what it says, a distance before the beginning.
        for row in [[0x07], [0x00, 0x05, 0x00, 0x00, 0x00, 0x41], [0x03, 0x02, 0xFF]] as [[UInt8]] {
            #expect(try inflate(row).0 == .invalid)
        }
        var inflater = Inflater()!
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var output = ByteBuffer()
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255) }
            _ = bytes.withUnsafeBytes { inflater.inflate($0, bytesMax: 1_000, to: &output) }
            #expect(output.count <= 1_001)
            output.removeAll()
            // It goes on as if nothing had been.
            #expect(good.withUnsafeBytes { inflater.inflate($0, bytesMax: 1_000, to: &output) } == .whole)
        }
    }

    @Test("many last blocks are some work and no memory")
    func manyEnds() throws {
        let (outcome, bytes) = try inflate(
            [UInt8](repeating: 0, count: 0) + (0..<30_000).flatMap { _ in [3, 0] as [UInt8] }
        )
        #expect(outcome == .whole)
        #expect(bytes.isEmpty)
    }

    @Test("stored blocks are what they hold, also more than fits into one", arguments: [0, 1, 65_535, 65_536, 150_000])
    func stored(size: Int) {
        let bytes = (0..<size).map { UInt8($0 % 251) }
        var output = ByteBuffer()
        bytes.withUnsafeBytes { StoredBlocks.append($0, to: &output) }
        let inflater = StreamInflater(.deflate(windowBits: 15))
        #expect(inflater.inflate(Array(output.bytes)) == bytes)
        #expect(inflater.inflate(StoredBlocks.end) == [] && inflater.hasEnded)
    }
}
