/// The head of one WebSocket frame: 2 to 14 bytes.
///
/// Source: RFC 6455 section 5.2.
struct WebSocketFrameHeader {
    var opcode: WebSocketOpcode
    var isFinal: Bool

    /// RSV1, which permessage-deflate sets on the first frame of a compressed message (RFC 7692 section 6).
    var isCompressed: Bool

    /// In network order; 0 if the frame is not masked.
    var mask: UInt32

    /// Bytes of the header itself, mask included.
    var headerCount: Int

    var payloadCount: Int

    /// Bytes of the whole frame. Call it only for a payload within the limit: the sum could overflow otherwise.
    var frameCount: Int { headerCount + payloadCount }
}

extension WebSocketFrameHeader {
    enum Reading {
        /// Not all there yet: it takes at least this many bytes.
        case needMore(minimumCount: Int)
        case header(WebSocketFrameHeader)
        case failure(WebSocketFailure)
    }

    /// Reads the header at the start of `bytes`. Every byte is judged as soon as it is there.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, role: WebSocketDecoder.Role, allowsCompression: Bool) -> Reading {
        let expectsMask = role == .server
        let maskCount = expectsMask ? 4 : 0
        guard let base = bytes.baseAddress, bytes.count >= 1 else { return .needMore(minimumCount: 2 + maskCount) }

        let first = base.load(as: UInt8.self)
        guard first & 0x30 == 0, first & 0x40 == 0 || allowsCompression else { return .failure(.reservedBitSet) }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { return .failure(.reservedOpcode) }
        let isFinal = first & 0x80 != 0
        let isCompressed = first & 0x40 != 0
        if isCompressed, opcode != .text, opcode != .binary { return .failure(.reservedBitSet) }
        if opcode.isControl, !isFinal { return .failure(.controlFrameFragmented) }

        guard bytes.count >= 2 else { return .needMore(minimumCount: 2 + maskCount) }
        let second = base.load(fromByteOffset: 1, as: UInt8.self)
        if (second & 0x80 != 0) != expectsMask { return .failure(expectsMask ? .maskMissing : .maskForbidden) }
        let shortCount = second & 0x7F
        if opcode.isControl, shortCount > 125 { return .failure(.controlFrameTooLong) }

        // bounded: seven bits
        var payloadCount = Int(shortCount)
        var maskOffset = 2
        if shortCount == 126 {
            maskOffset = 4
            guard bytes.count >= 4 else { return .needMore(minimumCount: 4 + maskCount) }
            // bounded: sixteen bits
            payloadCount = Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            if payloadCount < 126 { return .failure(.lengthNotMinimal) }
        } else if shortCount == 127 {
            maskOffset = 10
            guard bytes.count >= 10 else { return .needMore(minimumCount: 10 + maskCount) }
            let longCount = UInt64(bigEndian: base.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard let signedCount = Int(exactly: longCount) else { return .failure(.lengthNegative) }
            if signedCount < 65_536 { return .failure(.lengthNotMinimal) }
            payloadCount = signedCount
        }

        var mask: UInt32 = 0
        if expectsMask, bytes.count >= maskOffset + 4 {
            mask = UInt32(bigEndian: base.loadUnaligned(fromByteOffset: maskOffset, as: UInt32.self))
        }
        // A mask that is not there yet is no reason to wait: the length can be judged already, and the frame cannot
        // be whole before its mask is.
        return .header(
            WebSocketFrameHeader(
                opcode: opcode,
                isFinal: isFinal,
                isCompressed: isCompressed,
                mask: mask,
                headerCount: maskOffset + maskCount,
                payloadCount: payloadCount
            )
        )
    }
}
