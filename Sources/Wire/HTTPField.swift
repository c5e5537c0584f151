/// The header fields whose values a request head keeps. All others are checked for syntax and skipped.
public enum HTTPField: UInt8, CaseIterable, Equatable, Sendable {
    /// `Accept`, RFC 9110 §12.5.1
    case accept
    /// `Accept-Encoding`, RFC 9110 §12.5.3
    case acceptEncoding
    /// `Access-Control-Request-Headers`, Fetch §3.2.2
    case accessControlRequestHeaders
    /// `Access-Control-Request-Method`, Fetch §3.2.2
    case accessControlRequestMethod
    /// `Authorization`, RFC 9110 §11.6.2
    case authorization
    /// `Connection`, RFC 9110 §7.6.1
    case connection
    /// `Content-Encoding`, RFC 9110 §8.4
    case contentEncoding
    /// `Content-Length`, RFC 9110 §8.6
    case contentLength
    /// `Content-Type`, RFC 9110 §8.3
    case contentType
    /// `Cookie`, RFC 6265 §4.2
    case cookie
    /// `Expect`, RFC 9110 §10.1.1
    case expect
    /// `Forwarded`, RFC 7239
    case forwarded
    /// `Host`, RFC 9110 §7.2
    case host
    /// `Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header
    case idempotencyKey
    /// `If-None-Match`, RFC 9110 §13.1.2
    case ifNoneMatch
    /// `Last-Event-ID`, HTML §9.2.4
    case lastEventID
    /// `Origin`, RFC 6454 §7
    case origin
    /// `Perseid-Key`: what a publication is about
    case perseidKey
    /// `Referer`, RFC 9110 §10.1.3
    case referer
    /// `Sec-WebSocket-Extensions`, RFC 6455 §11.3.2
    case secWebSocketExtensions
    /// `Sec-WebSocket-Key`, RFC 6455 §11.3.1
    case secWebSocketKey
    /// `Sec-WebSocket-Protocol`, RFC 6455 §11.3.4
    case secWebSocketProtocol
    /// `Sec-WebSocket-Version`, RFC 6455 §11.3.5
    case secWebSocketVersion
    /// `Transfer-Encoding`, RFC 9112 §6.1
    case transferEncoding
    /// `Upgrade`, RFC 9110 §7.8
    case upgrade
    /// `X-Forwarded-For`
    case xForwardedFor

    /// Recognises a field by its name, in any case; `nil` for the names that are not kept.
    init?(named name: ByteRange, in bytes: Span<UInt8>) {
        guard let candidate = HTTPField.candidate(length: name.count, first: bytes[name.indices.lowerBound].lowercased),
            name.equals(ignoringCase: candidate.name, in: bytes)
        else { return nil }
        self = candidate
    }

    /// Whether a second line with the same name is refused. The others are lists, where more lines mean more elements.
    var isSingleton: Bool {
        switch self {
        case .accept, .acceptEncoding, .accessControlRequestHeaders, .connection, .cookie, .expect, .forwarded,
            .ifNoneMatch,
            .referer, .secWebSocketExtensions, .secWebSocketProtocol, .upgrade, .xForwardedFor:
            false
        default:
            true
        }
    }

    /// Whether some text is a token, RFC 9110 §5.6.2, and so can stand in a field without quotes.
    public static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { ByteSet.token.contains($0) }
    }

    /// The only kept field whose name has that length and first letter.
    private static func candidate(length: UInt32, first: UInt8) -> HTTPField? {
        switch (length, first) {
        case (4, UInt8(ascii: "h")): .host
        case (6, UInt8(ascii: "a")): .accept
        case (6, UInt8(ascii: "c")): .cookie
        case (6, UInt8(ascii: "e")): .expect
        case (6, UInt8(ascii: "o")): .origin
        case (7, UInt8(ascii: "r")): .referer
        case (7, UInt8(ascii: "u")): .upgrade
        case (9, UInt8(ascii: "f")): .forwarded
        case (10, UInt8(ascii: "c")): .connection
        case (11, UInt8(ascii: "p")): .perseidKey
        case (12, UInt8(ascii: "c")): .contentType
        case (13, UInt8(ascii: "a")): .authorization
        case (13, UInt8(ascii: "i")): .ifNoneMatch
        case (13, UInt8(ascii: "l")): .lastEventID
        case (14, UInt8(ascii: "c")): .contentLength
        case (15, UInt8(ascii: "a")): .acceptEncoding
        case (15, UInt8(ascii: "i")): .idempotencyKey
        case (15, UInt8(ascii: "x")): .xForwardedFor
        case (16, UInt8(ascii: "c")): .contentEncoding
        case (17, UInt8(ascii: "s")): .secWebSocketKey
        case (17, UInt8(ascii: "t")): .transferEncoding
        case (21, UInt8(ascii: "s")): .secWebSocketVersion
        case (22, UInt8(ascii: "s")): .secWebSocketProtocol
        case (24, UInt8(ascii: "s")): .secWebSocketExtensions
        case (29, UInt8(ascii: "a")): .accessControlRequestMethod
        case (30, UInt8(ascii: "a")): .accessControlRequestHeaders
        default: nil
        }
    }
}

extension HTTPField {
    /// The name as people write it.
    public var name: StaticString {
        switch self {
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .accessControlRequestHeaders: "Access-Control-Request-Headers"
        case .accessControlRequestMethod: "Access-Control-Request-Method"
        case .authorization: "Authorization"
        case .connection: "Connection"
        case .contentEncoding: "Content-Encoding"
        case .contentLength: "Content-Length"
        case .contentType: "Content-Type"
        case .cookie: "Cookie"
        case .expect: "Expect"
        case .forwarded: "Forwarded"
        case .host: "Host"
        case .idempotencyKey: "Idempotency-Key"
        case .ifNoneMatch: "If-None-Match"
        case .lastEventID: "Last-Event-ID"
        case .origin: "Origin"
        case .perseidKey: "Perseid-Key"
        case .referer: "Referer"
        case .secWebSocketExtensions: "Sec-WebSocket-Extensions"
        case .secWebSocketKey: "Sec-WebSocket-Key"
        case .secWebSocketProtocol: "Sec-WebSocket-Protocol"
        case .secWebSocketVersion: "Sec-WebSocket-Version"
        case .transferEncoding: "Transfer-Encoding"
        case .upgrade: "Upgrade"
        case .xForwardedFor: "X-Forwarded-For"
        }
    }
}
