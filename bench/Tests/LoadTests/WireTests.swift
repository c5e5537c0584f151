import BenchWire
import Testing

@testable import Load

/// What is read from servers, at every length it may arrive in.
@Suite struct WireTests {
    @Test(arguments: [0, 125, 126, 300, 65_536])
    func aFrameIsReadOnlyWhole(_ payloadByteCount: Int) {
        let bytes = frame(payloadByteCount: payloadByteCount)
        bytes.withUnsafeBytes { bytes in
            for available in 0..<bytes.count {
                #expect(WebSocketFrame(bytes.baseAddress!, available: available) == nil)
            }
            let frame = WebSocketFrame(bytes.baseAddress!, available: bytes.count)
            #expect(frame?.isMessage == true)
            #expect(frame?.payloadByteCount == payloadByteCount)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ])
    func anAnswerIsReadOnlyWhole(_ text: String) {
        Array(text.utf8).withUnsafeBytes { bytes in
            for count in 1..<bytes.count { #expect(HTTPAnswer(bytes.baseAddress!, count: count) == nil) }
            let answer = HTTPAnswer(bytes.baseAddress!, count: bytes.count)
            #expect(answer?.isSuccess == true)
            #expect(answer?.byteCount == bytes.count)
        }
    }

    @Test(arguments: [":1\r\n", "+OK\r\n", "$5\r\nhello\r\n", "$-1\r\n", "*2\r\n$1\r\na\r\n:12\r\n", "-ERR no\r\n"])
    func aReplyIsReadOnlyWhole(_ text: String) {
        Array(text.utf8).withUnsafeBytes { bytes in
            for count in 1..<bytes.count { #expect(RedisReply(bytes.baseAddress!, count: count) == nil) }
            let reply = RedisReply(bytes.baseAddress!, count: bytes.count)
            #expect(reply?.byteCount == bytes.count)
            #expect(reply?.isError == text.hasPrefix("-"))
        }
    }

    private func frame(payloadByteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x82]
        if payloadByteCount < 126 {
            bytes.append(UInt8(payloadByteCount))
        } else if payloadByteCount < 65_536 {
            bytes += [126, UInt8(payloadByteCount >> 8), UInt8(payloadByteCount & 255)]
        } else {
            bytes.append(127)
            bytes += (0..<8).reversed().map { UInt8(payloadByteCount >> (8 * $0) & 255) }
        }
        return bytes + [UInt8](repeating: 0, count: payloadByteCount)
    }
}
