internal import Broker
public import Wire

/// One way to put a publication into bytes: everyone who reads a channel in the same encoding is sent the same bytes.
///
/// Size: 3 bytes.
public struct Encoding: Hashable {
    /// How it travels.
    public let carrier: CarrierID

    /// How it looks.
    public let dialect: DialectID

    /// Whether each write to a stream is a chunk of its own, RFC 9112 §7.1: readers that collect a body without chunks
    /// would hold events back, and its end could not be told from a lost connection. HTTP/1.0 knows no chunks.
    public let isChunked: Bool

    /// Ties the three together.
    public init(_ carrier: CarrierID, _ dialect: DialectID, isChunked: Bool) {
        self.carrier = carrier
        self.dialect = dialect
        self.isChunked = isChunked
    }

    /// The same without the chunks around it.
    public var unchunked: Encoding { Encoding(carrier, dialect, isChunked: false) }

    /// What its carrier can do.
    public var traits: Carrier.Traits { carrier.traits }

    /// Whether what is not a publication can be told.
    public var hasControlMessages: Bool {
        !traits.contains(.isOneAnswer) && dialect.dialect.hasControlMessages
    }

    /// Whether each message tells where its client stands then, in all of its channels: beside it, or within it.
    public var hasCursors: Bool { traits.contains(.isStream) && (traits.contains(.hasFields) || hasControlMessages) }

    /// Appends bytes of a stream's body.
    public func append(body bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        if isChunked { HTTPChunkedEncoder.append(bytes, to: &output) } else { output.append(bytes) }
    }

    /// Appends what a stream is sent where nothing else was: it keeps proxies from closing the connection. A WebSocket is sent
    /// a ping instead, and nothing here.
    public func appendHeartbeat(to output: inout ByteBuffer) {
        guard let text = carrier.carrier.heartbeat else { return }
        append(body: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), to: &output)
    }

    /// Appends the end of what is sent, why it ends, and with which id a client is to come back that was not told so.
    func appendEnd(_ code: ByeCode, lastID: String?, to output: inout ByteBuffer) {
        guard isChunked else { return carrier.carrier.end(code.rawValue, code.reason, lastID, &output) }
        var last = ByteBuffer()
        carrier.carrier.end(code.rawValue, code.reason, lastID, &last)
        if !last.isEmpty { HTTPChunkedEncoder.append(last.bytes, to: &output) }
        output.append(HTTPChunkedEncoder.end)
    }
}
