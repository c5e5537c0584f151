import Testing

@testable import Wire

@Suite("Chunked encoder")
struct HTTPChunkedEncoderTests {
    @Test("chunks of every size come back whole", arguments: [1, 9, 15, 16, 17, 255, 256, 4_096, 70_000])
    func sizes(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var encoded = ByteBuffer()
        bytes.withUnsafeBytes { HTTPChunkedEncoder.append($0, to: &encoded) }
        bytes.withUnsafeBytes { HTTPChunkedEncoder.append($0, to: &encoded) }
        encoded.append(HTTPChunkedEncoder.end)
        var decoder = HTTPChunkedDecoder()
        var body = ByteBuffer()
        var limits = HTTPLimits()
        limits.bodyBytes = 1_000_000
        let all = Array(encoded.bytes)
        let (consumed, outcome) = decoder.decode(all.span, into: &body, limits: limits)
        #expect(consumed == all.count)
        #expect(outcome == .complete)
        #expect(Array(body.bytes) == bytes + bytes)
    }

    @Test("an empty chunk would end the body and is not written")
    func empty() {
        var encoded = ByteBuffer()
        HTTPChunkedEncoder.append(UnsafeRawBufferPointer(start: nil, count: 0), to: &encoded)
        #expect(encoded.bytes.isEmpty)
    }
}
