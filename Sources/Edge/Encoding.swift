internal import Broker
internal import Wire

/// One way to put a publication into bytes: everyone who reads a channel in the same encoding is sent the same bytes.
///
/// Size: 3 bytes.
struct Encoding: Hashable {
    /// What the messages travel in.
    enum Carrier: UInt8 {
        case webSocket
        case eventStream
        case jsonStream
    }

    let carrier: Carrier

    /// Payloads without envelope.
    let isRaw: Bool

    /// Whether each write to a stream is a chunk of its own, RFC 9112 §7.1: readers that collect a body without chunks
    /// would hold events back, and its end could not be told from a lost connection. HTTP/1.0 knows no chunks.
    let isChunked: Bool

    static let webSocketJSON = Encoding(.webSocket, isRaw: false, isChunked: false)

    init(_ carrier: Carrier, isRaw: Bool, isChunked: Bool) {
        self.carrier = carrier
        self.isRaw = isRaw
        self.isChunked = isChunked
    }

    /// The same without the chunks around it.
    var unchunked: Encoding { Encoding(carrier, isRaw: isRaw, isChunked: false) }

    /// Whether each message tells where its client stands then, in all of its channels.
    var hasCursors: Bool { carrier == .eventStream || carrier == .jsonStream && !isRaw }

    /// Whether what is not a publication can be told: a raw WebSocket or JSON stream carries payloads and nothing else.
    var hasControlMessages: Bool { carrier == .eventStream || !isRaw }

    /// Appends bytes of a stream's body.
    func append(body bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        if isChunked { HTTPChunkedEncoder.append(bytes, to: &output) } else { output.append(bytes) }
    }

    /// Appends what a stream sends where nothing else was sent: it keeps proxies from closing the connection.
    func appendHeartbeat(to output: inout ByteBuffer) {
        let text = carrier == .eventStream ? EventStreamEncoder.heartbeat : Self.emptyLine
        append(body: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), to: &output)
    }

    /// A reader of lines passes over it.
    private static let emptyLine: StaticString = "\n"
}

extension Opening {
    /// What its client is sent.
    var encoding: Encoding {
        let isChunked = !exchange.form.contains(.endsByClosing)
        return switch use {
        case .stream(.eventStream, _): Encoding(.eventStream, isRaw: plan.isRaw, isChunked: isChunked)
        case .stream: Encoding(.jsonStream, isRaw: plan.isRaw, isChunked: isChunked)
        case .webSocket, .poll: Encoding(.webSocket, isRaw: plan.isRaw, isChunked: false)
        }
    }
}
