/// Takes WebSocket messages out of bytes, in place.
///
/// It reads the buffer it is shown and owns none: a frame is decoded once it is there as a whole, and the caller keeps
/// the bytes of an incomplete one. Only a fragmented message has memory of its own, until it is delivered.
///
/// Copying: two copies of one decoder would share a fragmented message. Keep one per connection.
/// Size: 16 bytes. Source: RFC 6455.
public struct WebSocketDecoder {
    /// Which end of the connection decodes.
    public enum Role: UInt8, Sendable {
        /// Reads what clients send: every frame must be masked.
        case server
        /// Reads what servers send: no frame may be masked.
        case client
    }

    /// What the bytes said. Pointers are valid until the next call, and as long as the caller's buffer.
    public enum Event {
        /// Nothing whole is left. The next frame takes at least `minimumCount` bytes, counted from `consumed`.
        case needMore(minimumCount: Int)
        /// A whole text message, valid UTF-8.
        case text(UnsafeRawBufferPointer)
        /// A whole binary message.
        case binary(UnsafeRawBufferPointer)
        /// A whole compressed message (RFC 7692): text or binary, not inflated, not checked for UTF-8.
        case compressed(WebSocketOpcode, UnsafeRawBufferPointer)
        /// A ping; a pong with the same bytes is due.
        case ping(UnsafeRawBufferPointer)
        /// A pong.
        case pong(UnsafeRawBufferPointer)
        /// A close frame; without code it is `noStatusReceived`. Whatever follows it is swallowed.
        case close(WebSocketCloseCode, reason: UnsafeRawBufferPointer)
        /// The peer broke the protocol. Whatever follows is swallowed.
        case failure(WebSocketFailure)
    }

    private var assembly: WebSocketAssembly?
    private let messageBytesMax: UInt32
    private let role: Role
    private let allowsCompression: Bool

    /// Whether a close frame or a failure ended the stream.
    private var isFinished = false

    /// Makes a decoder. `messageBytesMax` limits a message across its fragments; `allowsCompression` says that
    /// permessage-deflate was agreed on.
    public init(role: Role, messageBytesMax: Int = 65_536, allowsCompression: Bool = false) {
        self.role = role
        self.messageBytesMax = UInt32(clamping: messageBytesMax)
        self.allowsCompression = allowsCompression
    }

    /// Bytes of memory that a fragmented message holds.
    public var heldBytes: Int { assembly?.payload.capacity ?? 0 }

    /// Forgets a fragmented message that was delivered; or, when the stream is over, one that never will be.
    public mutating func releaseDelivered(isOver: Bool = false) {
        if let assembly, assembly.isDelivered || isOver { self.assembly = nil }
    }

    /// Decodes from offset `consumed` of `bytes` to the next event, moves `consumed` behind what was used, and unmasks
    /// payloads where they lie. Call it until it needs more, then keep the bytes from `consumed` on.
    public mutating func next(in bytes: UnsafeMutableRawBufferPointer, consumed: inout Int) -> Event {
        if let assembly, assembly.isDelivered { self.assembly = nil }
        while !isFinished {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...])
            let reading = WebSocketFrameHeader.read(
                UnsafeRawBufferPointer(rest),
                role: role,
                allowsCompression: allowsCompression
            )
            switch reading {
            case .needMore(let minimumCount): return .needMore(minimumCount: minimumCount)
            case .failure(let failure): return fail(failure)
            case .header(let header):
                if let failure = check(header) { return fail(failure) }
                guard rest.count >= header.frameCount else { return .needMore(minimumCount: header.frameCount) }
                consumed += header.frameCount
                let payload = UnsafeMutableRawBufferPointer(rebasing: rest[header.headerCount..<header.frameCount])
                WebSocketMask.apply(header.mask, to: payload)
                if let event = take(header, UnsafeRawBufferPointer(payload)) { return event }
            }
        }
        consumed = bytes.count
        return .needMore(minimumCount: 1)
    }

    /// What is wrong with a frame here and now, judged by its header alone.
    @inline(__always)
    private func check(_ header: WebSocketFrameHeader) -> WebSocketFailure? {
        if header.opcode.isControl { return nil }
        if header.opcode == .continuation {
            if assembly == nil { return .continuationWithoutStart }
        } else if assembly != nil {
            return .messageInterrupted
        }
        let room = Int(messageBytesMax) - (assembly?.payload.count ?? 0)
        return header.payloadCount > room ? .messageTooBig : nil
    }

    /// Takes a whole frame that `check` let through. Returns nil after a fragment that is not the last.
    @inline(__always)
    private mutating func take(_ header: WebSocketFrameHeader, _ payload: UnsafeRawBufferPointer) -> Event? {
        switch header.opcode {
        case .text where header.isFinal && !header.isCompressed:
            return UTF8Validator.isValid(payload) ? .text(payload) : fail(.textNotUTF8)
        case .binary where header.isFinal && !header.isCompressed:
            return .binary(payload)
        case .text, .binary:
            if header.isFinal { return .compressed(header.opcode, payload) }
            let begun = WebSocketAssembly(opcode: header.opcode, isCompressed: header.isCompressed)
            assembly = begun
            return begun.append(payload, isFinal: false) ? nil : fail(.textNotUTF8)
        case .continuation:
            return takeContinuation(payload, isFinal: header.isFinal)
        case .ping:
            return .ping(payload)
        case .pong:
            return .pong(payload)
        case .close:
            return takeClose(payload)
        }
    }

    private mutating func takeContinuation(_ payload: UnsafeRawBufferPointer, isFinal: Bool) -> Event? {
        guard let assembly else { return fail(.continuationWithoutStart) }
        guard assembly.append(payload, isFinal: isFinal) else { return fail(.textNotUTF8) }
        guard isFinal else { return nil }
        assembly.isDelivered = true
        let message = assembly.payload.bytes
        if assembly.isCompressed { return .compressed(assembly.opcode, message) }
        return assembly.opcode == .text ? .text(message) : .binary(message)
    }

    private mutating func takeClose(_ payload: UnsafeRawBufferPointer) -> Event {
        guard payload.count != 1 else { return fail(.closeCodeTruncated) }
        guard payload.count >= 2 else {
            isFinished = true
            return .close(.noStatusReceived, reason: payload)
        }
        let code = WebSocketCloseCode(rawValue: UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self)))
        guard code.isAllowedOnWire else { return fail(.closeCodeForbidden) }
        let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
        guard UTF8Validator.isValid(reason) else { return fail(.closeReasonNotUTF8) }
        isFinished = true
        return .close(code, reason: reason)
    }

    private mutating func fail(_ failure: WebSocketFailure) -> Event {
        isFinished = true
        assembly = nil
        return .failure(failure)
    }
}
