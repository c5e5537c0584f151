internal import Broker
public import Wire

/// One way to put a publication into bytes: everyone who reads a channel in the same encoding is sent the same bytes.
///
/// Size: 3 bytes.
public struct Encoding: Hashable {
    /// How bytes are wrapped on their way.
    public enum Form: Hashable, Sendable {
        /// As they are. Whether each write to a stream is a chunk of its own, RFC 9112 §7.1: readers that collect a body without
        /// chunks would hold events back, and its end could not be told from a lost connection. HTTP/1.0 knows no chunks.
        case plain(isChunked: Bool)
        /// A WebSocket whose client inflates with what came before (RFC 7692): it may read a stream of deflate that others read, too.
        case deflated
        /// A WebSocket whose client inflates each message by itself.
        case deflatedAlone
        /// The same of one that keeps less of a message than a stream of ours may refer to.
        case deflatedNarrow
        /// A stream whose body is compressed as a whole (RFC 9110 §8.4).
        case body(ContentCoding)
        /// The same in chunks.
        case chunkedBody(ContentCoding)

        /// A stream whose body is compressed as a whole, in chunks or not.
        public static func body(_ coding: ContentCoding, isChunked: Bool) -> Form {
            isChunked ? .chunkedBody(coding) : .body(coding)
        }
    }

    /// How it travels.
    public let carrier: CarrierID

    /// How it looks.
    public let dialect: DialectID

    /// How it is wrapped.
    public let form: Form

    /// Ties the three together.
    public init(_ carrier: CarrierID, _ dialect: DialectID, _ form: Form) {
        self.carrier = carrier
        self.dialect = dialect
        self.form = form
    }

    /// The same of what is not compressed.
    public init(_ carrier: CarrierID, _ dialect: DialectID, isChunked: Bool) {
        self.init(carrier, dialect, .plain(isChunked: isChunked))
    }

    /// Whether each write to a stream is a chunk of its own.
    public var isChunked: Bool {
        switch form {
        case .plain(let isChunked): isChunked
        case .chunkedBody: true
        case .body, .deflated, .deflatedAlone, .deflatedNarrow: false
        }
    }

    /// What its whole body is compressed as: then all bytes go through one stream of deflate, also those that are one reader's own.
    public var contentCoding: ContentCoding? {
        switch form {
        case .body(let coding), .chunkedBody(let coding): coding
        case .plain, .deflated, .deflatedAlone, .deflatedNarrow: nil
        }
    }

    /// Whether its whole body is compressed.
    public var hasContentCoding: Bool { contentCoding != nil }

    /// Whether its readers can be sent something compressed.
    public var isCompressible: Bool { if case .plain = form { false } else { true } }

    /// Whether its readers can be sent what is made in another one, which may be the same without compression.
    func understands(_ other: Encoding) -> Bool {
        guard self != other else { return true }
        guard carrier == other.carrier, dialect == other.dialect, !hasContentCoding, isCompressible else {
            return false
        }
        return !other.isCompressible || form == .deflated && other.form == .deflatedAlone
    }

    /// The same without the chunks around it, and not compressed.
    public var unchunked: Encoding { Encoding(carrier, dialect, isChunked: false) }

    /// What its carrier can do.
    public var traits: Carrier.Traits { carrier.traits }

    /// Whether what is not a publication can be told.
    public var hasControlMessages: Bool {
        !traits.contains(.isOneAnswer) && dialect.dialect.hasControlMessages
    }

    /// Whether each message tells where its client stands then, in all of its channels: beside it, or within it.
    public var hasCursors: Bool { traits.contains(.isStream) && (traits.contains(.hasFields) || hasControlMessages) }

    /// Whether a message is made a chunk where it is made: one that is compressed is made one behind that.
    var chunksMessages: Bool { form == .plain(isChunked: true) }

    /// Appends bytes of a stream's body, which are not compressed yet.
    public func append(body bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        if chunksMessages { HTTPChunkedEncoder.append(bytes, to: &output) } else { output.append(bytes) }
    }

    /// Appends what a stream is sent where nothing else was: it keeps proxies from closing the connection. A WebSocket is sent
    /// a ping instead, and nothing here.
    public func appendHeartbeat(to output: inout ByteBuffer) {
        guard let text = carrier.carrier.heartbeat else { return }
        append(body: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), to: &output)
    }

    /// Appends the end of what is sent, why it ends, and with which id a client is to come back that was not told so.
    func appendEnd(_ code: ByeCode, lastID: String?, to output: inout ByteBuffer) {
        guard chunksMessages else { return carrier.carrier.end(code.rawValue, code.reason, lastID, &output) }
        var last = ByteBuffer()
        carrier.carrier.end(code.rawValue, code.reason, lastID, &last)
        if !last.isEmpty { HTTPChunkedEncoder.append(last.bytes, to: &output) }
        output.append(HTTPChunkedEncoder.end)
    }
}
