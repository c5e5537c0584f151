/// The header of one frame from a server (RFC 6455 section 5.2), read in place.
struct WebSocketFrame {
    let firstByte: UInt8
    let headerByteCount: Int
    let payloadByteCount: Int
    let isMasked: Bool

    /// A whole text or binary message in one frame.
    var isMessage: Bool { firstByte == 0x81 || firstByte == 0x82 }
    var isPing: Bool { firstByte == 0x89 }
    var isPong: Bool { firstByte == 0x8a }
    var isClose: Bool { firstByte == 0x88 }

    /// nil while the header or the payload is incomplete.
    @inline(__always)
    init?(_ bytes: UnsafeRawPointer, available: Int) {
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
    static func pong(_ payload: UnsafeRawBufferPointer) -> [UInt8] {
        [0x8a, 0x80 | UInt8(min(payload.count, 125)), 0, 0, 0, 0] + payload.prefix(125)
    }
}
