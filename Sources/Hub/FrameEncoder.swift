public import Broker
public import Wire

/// Puts publications and control messages into the frames of an encoding.
///
/// Thread: owned by one reactor; its buffers are reused from one message to the next.
public struct FrameEncoder: ~Copyable {
    /// What a message says, before it is put into what carries it.
    private var data = ByteBuffer(capacity: 1_024)

    /// A message before a chunk is made of it.
    private var piece = ByteBuffer(capacity: 1_024)

    init() {}

    /// Appends the frame of one publication (with a position) or one ephemeral payload (without).
    ///
    /// `cursor` is where a client stands once it has it; `isSnapshot` tells a newcomer that it was there before.
    public mutating func append(
        _ payload: Payload,
        position: Position?,
        channel: ChannelName,
        cursor: String?,
        isSnapshot: Bool = false,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        data.removeAll()
        let content = payload.withPublication(in: channel, at: position, isSnapshot: isSnapshot) {
            encoding.dialect.dialect.publication($0, encoding.traits, &data)
        }
        carry(nil, content, cursor: cursor, as: encoding, to: &output)
    }

    /// Appends one control message. `cursor` is where a client stands once it has it.
    public mutating func append(
        _ message: ControlMessage,
        cursor: String? = nil,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        data.removeAll()
        encoding.dialect.dialect.control(message, &data)
        carry(message.name, .envelope, cursor: cursor, as: encoding, to: &output)
    }

    /// Appends what `data` holds.
    private mutating func carry(
        _ name: StaticString?,
        _ content: Carrier.Content,
        cursor: String?,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        let carrier = encoding.carrier.carrier
        let bytes = data.bytes
        guard encoding.chunksMessages else {
            return Self.withUTF8(of: cursor) {
                carrier.message(.init(name: name, data: bytes, content: content, cursor: $0), &output)
            }
        }
        piece.removeAll()
        Self.withUTF8(of: cursor) {
            carrier.message(.init(name: name, data: bytes, content: content, cursor: $0), &piece)
        }
        HTTPChunkedEncoder.append(piece.bytes, to: &output)
    }

    private static func withUTF8(of text: String?, _ body: (UnsafeRawBufferPointer?) -> Void) {
        guard var text else { return body(nil) }
        text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension ChannelName {
    /// The name's bytes for an encoder.
    public func withUTF8<Outcome>(_ body: (UnsafeRawBufferPointer) -> Outcome) -> Outcome {
        var copy = text
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension Position {
    /// The two numbers, as the codec takes them.
    public var numbers: Envelope.Position { (milliseconds, sequence) }
}
