/// A request head: the request line and the header fields that matter here, as numbers and as ranges of the bytes it
/// was parsed from.
///
/// It holds no memory of its own and stays valid while those bytes do. Everything in it has been checked; whoever
/// reads it needs no second look at the grammar.
///
/// Size: at most 256 bytes. Source: RFC 9110, RFC 9112.
public struct HTTPRequestHead: Sendable {
    /// What the request target looks like, RFC 9112 §3.2.
    public enum TargetForm: UInt8, Sendable {
        /// `/path?query`: a client talks to a server.
        case origin
        /// `http://host/path?query`: a client thinks it talks to a proxy. An empty path means `/`.
        case absolute
        /// `*`, with OPTIONS: the server as a whole. Path and query are empty.
        case asterisk
        /// `host:port`, with CONNECT. Path and query are empty.
        case authority
    }

    /// The method.
    public internal(set) var method = HTTPMethod.other

    /// The minor version of HTTP/1: 0 or 1.
    public internal(set) var minorVersion: UInt8 = 1

    /// The form of the request target.
    public internal(set) var targetForm = TargetForm.origin

    /// The path, percent-encoded, from its first `/` to the `?`.
    public internal(set) var path = ByteRange.empty

    /// What follows the first `?`, percent-encoded; empty when there is none.
    public internal(set) var query = ByteRange.empty

    /// Four bytes of room between what is aligned to four and to eight.
    private var headBytes: UInt32 = 0

    /// Bytes from the beginning to the end of the empty line: where the body begins.
    public internal(set) var headCount: Int {
        get { Int(headBytes) }
        // bounded: a head has a limit of some KiB
        set { headBytes = UInt32(newValue) }
    }

    /// The value of Content-Length in bytes, never more than the limit; `nil` when absent.
    public internal(set) var contentLength: Int?

    /// Whether the body is in chunks: read it with `HTTPChunkedDecoder`.
    public internal(set) var isChunked = false

    /// Whether another request may follow on the connection, by version and Connection options (RFC 9112 §9.3).
    public internal(set) var keepAlive = true

    /// Whether the client waits for `100 Continue` before it sends the body. Never on HTTP/1.0.
    public internal(set) var expectsContinue = false

    /// Whether Connection has the option `upgrade`; what to, is in `self[.upgrade]`. Never on HTTP/1.0.
    public internal(set) var wantsUpgrade = false

    /// Whether Connection has the option `close`.
    var hasCloseOption = false

    /// Whether Connection has the option `keep-alive`.
    var hasKeepAliveOption = false

    var fields = HTTPFieldRanges()

    /// The host in an absolute-form target.
    var targetAuthority = ByteRange.empty

    /// Where the value of a field lies, without the whitespace around it; `nil` when the field is absent.
    ///
    /// Of a list field on several lines it is the last line: in `X-Forwarded-For` the one the nearest proxy added.
    /// With an absolute-form target `host` is the one in the target (RFC 9112 §3.2.2).
    public subscript(field: HTTPField) -> ByteRange? { fields[field] }

    /// Parses a complete head: `bytes` begins with the request and reaches at least to the end of the empty line.
    ///
    /// Errors: 400 for what breaks the grammar, 414 and 431 for a target or head over the limit, 417 for an unknown
    /// expectation, 501 for a transfer coding other than `chunked`, 505 for another version of HTTP.
    public init(parsing bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPRejection) {
        var index = 0
        if bytes.count >= 2, bytes[0] == .carriageReturn {
            try Self.skipLineEnd(in: bytes, at: &index)
        }
        try parseRequestLine(bytes, at: &index, limits: limits)
        try parseFields(bytes, at: &index, limits: limits)
        if index > limits.headBytes {
            throw HTTPRejection(status: 431, field: "head", reason: "the request head is too long")
        }
        headCount = index
        try settleConnection()
        try settleBody(bytes)
    }

    /// Skips CRLF; anything else there is an error, a bare line feed too.
    static func skipLineEnd(in bytes: Span<UInt8>, at index: inout Int) throws(HTTPRejection) {
        guard index + 1 < bytes.count, bytes[index] == .carriageReturn, bytes[index + 1] == .lineFeed else {
            throw .malformed("head", "a line that does not end in carriage return and line feed")
        }
        index += 2
    }
}
