/// Writes WebSocket frames.
///
/// A server leaves `mask` nil; a client must give every frame a mask of its own, unpredictable to whoever chose the
/// payload. A mask is a number in network order. Source: RFC 6455 sections 5.2–5.5.
public enum WebSocketEncoder {
    /// Bytes of the header of a frame whose payload has `payloadCount` bytes: 2, 4 or 10, and 4 more for a mask.
    public static func headerCount(payloadCount: Int, isMasked: Bool = false) -> Int {
        (payloadCount <= 125 ? 2 : payloadCount <= 65_535 ? 4 : 10) + (isMasked ? 4 : 0)
    }

    /// Appends a header. The payload must follow, masked if there is a mask. `isCompressed` sets RSV1 (RFC 7692).
    public static func appendHeader(
        _ opcode: WebSocketOpcode,
        payloadCount: Int,
        isFinal: Bool = true,
        isCompressed: Bool = false,
        mask: UInt32? = nil,
        to buffer: inout ByteBuffer
    ) {
        // bounded: what the node says itself, or a ping's payload that the decoder has measured
        precondition(!opcode.isControl || isFinal && payloadCount <= 125, "a control frame is short and whole")
        buffer.append(opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0))
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        if payloadCount <= 125 {
            buffer.append(maskBit | UInt8(truncatingIfNeeded: payloadCount))
        } else if payloadCount <= 65_535 {
            buffer.append(maskBit | 126)
            append(UInt16(truncatingIfNeeded: payloadCount).bigEndian, to: &buffer)
        } else {
            buffer.append(maskBit | 127)
            append(UInt64(payloadCount).bigEndian, to: &buffer)
        }
        if let mask { append(mask.bigEndian, to: &buffer) }
    }

    /// Appends a frame.
    public static func appendFrame(
        _ opcode: WebSocketOpcode,
        payload: UnsafeRawBufferPointer,
        isFinal: Bool = true,
        isCompressed: Bool = false,
        mask: UInt32? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHeader(
            opcode,
            payloadCount: payload.count,
            isFinal: isFinal,
            isCompressed: isCompressed,
            mask: mask,
            to: &buffer
        )
        guard let mask, payload.count > 0 else { return buffer.append(payload) }
        buffer.append(count: payload.count) { room in
            room.copyMemory(from: payload)
            WebSocketMask.apply(mask, to: room)
        }
    }

    /// Appends a text message in one frame; `payload` must be UTF-8.
    public static func appendText(_ payload: UnsafeRawBufferPointer, mask: UInt32? = nil, to buffer: inout ByteBuffer) {
        appendFrame(.text, payload: payload, mask: mask, to: &buffer)
    }

    /// Appends a binary message in one frame.
    public static func appendBinary(
        _ payload: UnsafeRawBufferPointer,
        mask: UInt32? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendFrame(.binary, payload: payload, mask: mask, to: &buffer)
    }

    /// Appends a ping of at most 125 bytes.
    public static func appendPing(_ payload: UnsafeRawBufferPointer, mask: UInt32? = nil, to buffer: inout ByteBuffer) {
        appendFrame(.ping, payload: payload, mask: mask, to: &buffer)
    }

    /// Appends a pong of at most 125 bytes: those of the ping.
    public static func appendPong(_ payload: UnsafeRawBufferPointer, mask: UInt32? = nil, to buffer: inout ByteBuffer) {
        appendFrame(.pong, payload: payload, mask: mask, to: &buffer)
    }

    /// Appends a close frame. The code must be allowed on the wire, or be `noStatusReceived`, which leaves the frame
    /// empty. A UTF-8 reason of more than 123 bytes is cut between two characters.
    public static func appendClose(
        _ code: WebSocketCloseCode,
        reason: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        mask: UInt32? = nil,
        to buffer: inout ByteBuffer
    ) {
        if code == .noStatusReceived {
            return appendHeader(.close, payloadCount: 0, mask: mask, to: &buffer)
        }
        // bounded: the node's own codes
        precondition(code.isAllowedOnWire, "a close code that may not be sent")
        var reasonCount = min(reason.count, 123)
        if reasonCount < reason.count {
            while reasonCount > 0, reason[reasonCount] & 0xC0 == 0x80 { reasonCount -= 1 }
        }
        appendHeader(.close, payloadCount: 2 + reasonCount, mask: mask, to: &buffer)
        buffer.append(count: 2 + reasonCount) { room in
            room.storeBytes(of: code.rawValue.bigEndian, as: UInt16.self)
            let text = UnsafeMutableRawBufferPointer(rebasing: room[2...])
            text.copyMemory(from: UnsafeRawBufferPointer(rebasing: reason[..<reasonCount]))
            WebSocketMask.apply(mask ?? 0, to: room)
        }
    }

    /// Appends the close frame that answers a broken protocol.
    public static func appendClose(_ failure: WebSocketFailure, mask: UInt32? = nil, to buffer: inout ByteBuffer) {
        let reason = failure.reason
        let text = UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount)
        appendClose(failure.closeCode, reason: text, mask: mask, to: &buffer)
    }

    private static func append(_ value: some FixedWidthInteger & BitwiseCopyable, to buffer: inout ByteBuffer) {
        withUnsafeBytes(of: value) { buffer.append($0) }
    }
}

extension WebSocketEncoder {
    /// The payload of one whole frame that a server wrote.
    public static func payload(of frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard frame.count >= 2 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let headerCount = frame[1] & 0x7F
        let start = headerCount == 127 ? 10 : headerCount == 126 ? 4 : 2
        return UnsafeRawBufferPointer(rebasing: frame.dropFirst(start))
    }

    /// What it is.
    public static func opcode(of frame: UnsafeRawBufferPointer) -> WebSocketOpcode {
        frame.first.flatMap { WebSocketOpcode(rawValue: $0 & 0x0F) } ?? .text
    }
}
