import Testing

@testable import Load

@Suite struct PayloadTests {
    @Test(arguments: [0, 1, 0x1234_5678, 0xffff_ffff] as [UInt32])
    func numbersSurvive(_ number: UInt32) {
        var bytes = [UInt8](repeating: 0, count: 8)
        bytes.withUnsafeMutableBytes { Payload.write(number, at: $0.baseAddress!) }
        #expect(bytes.withUnsafeBytes { Payload.number(at: $0.baseAddress!) } == number)
        #expect(bytes.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "P")).contains($0) })
    }

    @Test func aStampedPayloadIsFoundInAnEnvelope() {
        var payload = Payload.template(source: 7, byteCount: 64)
        payload.withUnsafeMutableBytes {
            Payload.stamp($0.baseAddress!, sequence: 42, nanoseconds: 0x0123_4567_89ab_cdef)
        }
        let message = Array(#"{"type":"message","data":""#.utf8) + payload + Array(#""}"#.utf8)
        message.withUnsafeBytes { bytes in
            let offset = Payload.find(in: bytes.baseAddress!, count: bytes.count)
            #expect(offset == message.count - 2 - 64)
            guard let offset else { return }
            let start = bytes.baseAddress! + offset
            #expect(Payload.number(at: start + Payload.sourceOffset) == 7)
            #expect(Payload.number(at: start + Payload.sequenceOffset) == 42)
            #expect(Payload.nanoseconds(of: start) == 0x0123_4567_89ab_cdef)
        }
    }
}
