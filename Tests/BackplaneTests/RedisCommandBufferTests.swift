import Testing

@testable import Backplane

@Suite("Redis command buffer")
struct RedisCommandBufferTests {
    @Test("commands stand behind each other as arrays of bulk strings")
    func commands() {
        var buffer = RedisCommandBuffer()
        buffer.begin(argumentCount: 2)
        buffer.append(word: "GET")
        buffer.append(.text("é"))
        buffer.begin(argumentCount: 12)
        #expect(String(decoding: buffer.bytes, as: UTF8.self) == "*2\r\n$3\r\nGET\r\n$2\r\né\r\n*12\r\n")
        buffer.removeAll()
        #expect(buffer.bytes.isEmpty)
    }

    @Test("arguments of any length and any bytes", arguments: [0, 1, 9, 10, 99, 100, 65_536])
    func lengths(count: Int) {
        var buffer = RedisCommandBuffer()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        buffer.append(.bytes(bytes))
        #expect(buffer.bytes == Array("$\(count)\r\n".utf8) + bytes + Array("\r\n".utf8))
    }
}
