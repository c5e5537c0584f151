internal import Broker
internal import Wire

/// One way to put a publication into bytes: everyone who reads a channel in the same encoding is sent the same bytes.
enum Encoding: UInt8, Hashable {
    case webSocketJSON
    case webSocketRaw
    case eventStreamJSON
    case eventStreamRaw
    case jsonStreamJSON
    case jsonStreamRaw

    init(_ transport: Connection.Transport, isRaw: Bool) {
        switch (transport, isRaw) {
        case (.eventStream, false): self = .eventStreamJSON
        case (.eventStream, true): self = .eventStreamRaw
        case (.jsonStream, false): self = .jsonStreamJSON
        case (.jsonStream, true): self = .jsonStreamRaw
        case (_, false): self = .webSocketJSON
        case (_, true): self = .webSocketRaw
        }
    }

    var isEventStream: Bool { self == .eventStreamJSON || self == .eventStreamRaw }

    var isJSONStream: Bool { self == .jsonStreamJSON || self == .jsonStreamRaw }

    /// Whether each message tells where its client stands then, in all of its channels.
    var hasCursors: Bool { isEventStream || self == .jsonStreamJSON }

    /// Whether what is not a publication can be told: a raw WebSocket or JSON stream carries payloads and nothing else.
    var hasControlMessages: Bool { self != .webSocketRaw && self != .jsonStreamRaw }
}

/// Puts publications and control messages into the frames of an encoding.
///
/// Thread: owned by one reactor; its buffer is reused from one message to the next.
struct FrameEncoder: ~Copyable {
    private var envelope = ByteBuffer(capacity: 1_024)

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
            switch encoding {
            case .webSocketRaw where payload.kind == .binary:
                WebSocketEncoder.appendBinary(bytes, to: &output)
            case .webSocketRaw:
                WebSocketEncoder.appendText(bytes, to: &output)
            case .eventStreamRaw where payload.kind != .binary:
                appendEvent(bytes, cursor: cursor, to: &output)
            case .jsonStreamRaw:
                envelope.removeAll()
                Envelope.appendValue(Envelope.Payload(payload.kind, bytes), to: &envelope)
                appendLine(to: &output)
            default:
                appendEnvelope(bytes, kind: payload.kind, position: position, channel: channel)
                switch encoding {
                case .webSocketJSON, .webSocketRaw: WebSocketEncoder.appendText(envelope.bytes, to: &output)
                case .eventStreamJSON, .eventStreamRaw: appendEvent(envelope.bytes, cursor: cursor, to: &output)
                case .jsonStreamJSON, .jsonStreamRaw:
                    if let cursor { Envelope.addCursor(cursor, to: &envelope) }
                    appendLine(to: &output)
                }
            }
        }
    }

    /// One line of a JSON stream, in a chunk of its own.
    private mutating func appendLine(to output: inout ByteBuffer) {
        envelope.append(UInt8(ascii: "\n"))
        HTTPChunkedEncoder.append(envelope.bytes, to: &output)
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
        if encoding.isEventStream {
            withUTF8(of: cursor) {
                EventStreamEncoder.appendEvent(id: $0, name: name, data: envelope.bytes, to: &output)
            }
        } else if encoding.isJSONStream {
            if let cursor { Envelope.addCursor(cursor, to: &envelope) }
            appendLine(to: &output)
        } else {
            WebSocketEncoder.appendText(envelope.bytes, to: &output)
        }
    }

    private mutating func appendEnvelope(
        _ bytes: UnsafeRawBufferPointer,
        kind: PayloadKind,
        position: Position?,
        channel: ChannelName
    ) {
        envelope.removeAll()
        let payload = Envelope.Payload(kind, bytes)
        channel.withUTF8 {
            Envelope.appendMessage(channel: $0, position: position?.numbers, payload: payload, to: &envelope)
        }
    }

    private func appendEvent(_ data: UnsafeRawBufferPointer, cursor: String?, to output: inout ByteBuffer) {
        withUTF8(of: cursor) { EventStreamEncoder.appendEvent(id: $0, data: data, to: &output) }
    }

    private func withUTF8(of text: String?, _ body: (UnsafeRawBufferPointer?) -> Void) {
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
