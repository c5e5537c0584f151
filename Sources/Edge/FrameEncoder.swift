internal import Broker
internal import Wire

/// Puts publications and control messages into the frames of an encoding.
///
/// Thread: owned by one reactor; its buffers are reused from one message to the next.
struct FrameEncoder: ~Copyable {
    private var envelope = ByteBuffer(capacity: 1_024)

    /// An event or a line before a chunk is made of it.
    private var piece = ByteBuffer(capacity: 1_024)

    /// Appends the frame of one publication (with a position) or one ephemeral payload (without).
    ///
    /// `cursor` is where a client stands once it has it, as an event stream's `id:`.
    mutating func append(
        _ payload: Payload,
        position: Position?,
        channel: ChannelName,
        cursor: String?,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        payload.bytes.withUnsafeBytes { bytes in
            switch encoding.carrier {
            case .webSocket where encoding.isRaw && payload.kind == .binary:
                WebSocketEncoder.appendBinary(bytes, to: &output)
            case .webSocket where encoding.isRaw:
                WebSocketEncoder.appendText(bytes, to: &output)
            case .eventStream where encoding.isRaw && payload.kind != .binary:
                appendEvent(nil, bytes, cursor: cursor, as: encoding, to: &output)
            case .jsonStream where encoding.isRaw:
                envelope.removeAll()
                Envelope.appendValue(Envelope.Payload(payload.kind, bytes), to: &envelope)
                appendEnvelope(nil, cursor: nil, as: encoding, to: &output)
            case .webSocket, .eventStream, .jsonStream:
                envelope.removeAll()
                channel.withUTF8 {
                    let payload = Envelope.Payload(payload.kind, bytes)
                    Envelope.appendMessage(channel: $0, position: position?.numbers, payload: payload, to: &envelope)
                }
                appendEnvelope(nil, cursor: cursor, as: encoding, to: &output)
            }
        }
    }

    /// Appends one control message, written by `write`; on an event stream it is an event of that name. `cursor` is where
    /// a client stands once it has it.
    mutating func appendControl(
        _ name: StaticString,
        cursor: String? = nil,
        as encoding: Encoding,
        to output: inout ByteBuffer,
        _ write: (inout ByteBuffer) -> Void
    ) {
        envelope.removeAll()
        write(&envelope)
        appendEnvelope(name, cursor: cursor, as: encoding, to: &output)
    }

    /// Appends what the envelope holds.
    private mutating func appendEnvelope(
        _ name: StaticString?,
        cursor: String?,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        switch encoding.carrier {
        case .webSocket:
            WebSocketEncoder.appendText(envelope.bytes, to: &output)
        case .eventStream:
            appendEvent(name, envelope.bytes, cursor: cursor, as: encoding, to: &output)
        case .jsonStream:
            if let cursor { Envelope.addCursor(cursor, to: &envelope) }
            envelope.append(UInt8(ascii: "\n"))
            encoding.append(body: envelope.bytes, to: &output)
        }
    }

    private mutating func appendEvent(
        _ name: StaticString?,
        _ data: UnsafeRawBufferPointer,
        cursor: String?,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        guard encoding.isChunked else {
            return Self.withUTF8(of: cursor) {
                EventStreamEncoder.appendEvent(id: $0, name: name, data: data, to: &output)
            }
        }
        piece.removeAll()
        Self.withUTF8(of: cursor) { EventStreamEncoder.appendEvent(id: $0, name: name, data: data, to: &piece) }
        HTTPChunkedEncoder.append(piece.bytes, to: &output)
    }

    private static func withUTF8(of text: String?, _ body: (UnsafeRawBufferPointer?) -> Void) {
        guard var text else { return body(nil) }
        text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension ChannelName {
    /// The name's bytes for an encoder.
    func withUTF8(_ body: (UnsafeRawBufferPointer) -> Void) {
        var copy = text
        copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension Position {
    /// The two numbers, as the codec takes them.
    var numbers: Envelope.Position { (milliseconds, sequence) }
}
