/// The header of one frame from a server (RFC 6455 section 5.2), read in place.
package struct WebSocketFrame {
    /// FIN, the reserved bits and the opcode.
    package let firstByte: UInt8
    /// Two, four or ten.
    package let headerByteCount: Int
    /// Of what follows the header.
    package let payloadByteCount: Int
    /// A server's must not be.
    package let isMasked: Bool

    /// A whole text or binary message in one frame.
    @inlinable package var isMessage: Bool { firstByte == 0x81 || firstByte == 0x82 }
    /// A question that is answered with a pong.
    @inlinable package var isPing: Bool { firstByte == 0x89 }
    /// The answer to a ping.
    @inlinable package var isPong: Bool { firstByte == 0x8a }
    /// The last frame.
    @inlinable package var isClose: Bool { firstByte == 0x88 }

    /// nil while the header or the payload is incomplete.
    @inlinable
    package init?(_ bytes: UnsafeRawPointer, available: Int) {
        guard available >= 2 else { return nil }
        firstByte = bytes.load(as: UInt8.self)
        let second = bytes.load(fromByteOffset: 1, as: UInt8.self)
        isMasked = second & 0x80 != 0
        switch second & 0x7f {
        case 126:
            guard available >= 4 else { return nil }
            headerByteCount = 4
            payloadByteCount = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
        case 127:
            guard available >= 10 else { return nil }
            headerByteCount = 10
            payloadByteCount = Int(
                truncatingIfNeeded: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
                    & ~(1 << 63)
            )
        case let short:
            headerByteCount = 2
            payloadByteCount = Int(short)
        }
        guard payloadByteCount <= available &- headerByteCount else { return nil }
    }

    /// A client's answer to a ping; the mask of zeros leaves the payload as it is.
    package static func pong(_ payload: UnsafeRawBufferPointer) -> [UInt8] {
        [0x8a, 0x80 | UInt8(min(payload.count, 125)), 0, 0, 0, 0] + payload.prefix(125)
    }

    /// A client's text message, masked with zeros.
    package static func text(_ text: String) -> [UInt8] {
        let count = text.utf8.count
        let length: [UInt8] = count < 126 ? [0x80 | UInt8(count)] : [0xfe, UInt8(count >> 8), UInt8(count & 0xff)]
        return [0x81] + length + [0, 0, 0, 0] + text.utf8
    }
}
