import Testing

@testable import Backplane

@Suite("Redis command buffer")
struct RedisCommandBufferTests {
    /// All that is not sent, block by block.
    private func take(_ buffer: inout RedisCommandBuffer) -> [UInt8] {
        var bytes: [UInt8] = []
        while !buffer.isEmpty {
            let piece = buffer.withOldest { Array($0) }
            bytes += piece
            buffer.remove(piece.count)
        }
        return bytes
    }

    @Test("commands stand behind each other as arrays of bulk strings")
    func commands() {
        var buffer = RedisCommandBuffer()
        buffer.begin(argumentCount: 2)
        buffer.append(word: "GET")
        buffer.append(.text("é"))
        buffer.begin(argumentCount: 12)
        #expect(buffer.byteCount == 26)
        #expect(String(decoding: take(&buffer), as: UTF8.self) == "*2\r\n$3\r\nGET\r\n$2\r\né\r\n*12\r\n")
        #expect(buffer.byteCount == 0)
    }

    @Test(
        "arguments of any length and any bytes",
        arguments: [0, 1, 9, 10, 99, 100, 16_383, 16_384, 65_535, 65_536, 65_537, 1_000_000]
    )
    func lengths(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let expected = Array("$\(count)\r\n".utf8) + bytes + Array("\r\n".utf8)
        var buffer = RedisCommandBuffer()
        buffer.append(.bytes(bytes))
        bytes.withUnsafeBytes { buffer.append(bytes: $0) }
        #expect(buffer.byteCount == 2 * expected.count)
        #expect(take(&buffer) == expected + expected)
    }

    @Test("what is sent in whatever pieces is the same, while more is written")
    func pieces() {
        var buffer = RedisCommandBuffer()
        var (written, sent): ([UInt8], [UInt8]) = ([], [])
        for round in 0..<2_000 {
            let count = round % 100 == 0 ? 20_000 : round % 300
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: count)
            written += Array("$\(count)\r\n".utf8) + bytes + Array("\r\n".utf8)
            buffer.append(.bytes(bytes))
            let piece = buffer.withOldest { Array($0.prefix(round % 700)) }
            sent += piece
            buffer.remove(piece.count)
            #expect(buffer.byteCount == written.count - sent.count)
        }
        sent += take(&buffer)
        #expect(sent == written)
    }

    @Test("no block is larger than a socket takes, and what is large is where it was")
    func blocks() {
        var buffer = RedisCommandBuffer()
        for _ in 0..<1_000 { buffer.append(.bytes([UInt8](repeating: 1, count: 1_000))) }
        let large = [UInt8](repeating: 2, count: 1_000_000)
        buffer.append(.bytes(large))
        var isShared = false
        while !buffer.isEmpty {
            let (start, count) = buffer.withOldest { ($0.baseAddress, $0.count) }
            if count > RedisCommandBuffer.blockBytesMax {
                isShared = large.withUnsafeBytes { $0.baseAddress == start }
                #expect(count == large.count)
            }
            buffer.remove(count)
        }
        #expect(isShared)
    }
}
