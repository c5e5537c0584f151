/// Finds where a request head ends, and remembers how far it looked: a head that arrives byte by byte costs no more
/// than one that arrives whole.
///
/// It is given the bytes of the connection from the first byte of the request on, each time all of them. What it
/// rejects, it rejects as soon as the offending byte is there and not when the head is complete: a line that does not
/// end in CRLF, a control character (a TLS handshake on the wrong port, say), a head or request line too long.
///
/// One empty line before the request line is skipped, as RFC 9112 §2.2 asks; a second one is refused.
///
/// Size: 12 bytes. Errors: 400, 414, 431.
public struct HTTPHeadScanner: Sendable, BitwiseCopyable {
    /// What is known after a scan.
    public enum Outcome: Equatable, Sendable {
        /// The head does not end within these bytes.
        case incomplete
        /// The head is the first `headCount` bytes, with a skipped empty line and with the empty line at the end.
        case complete(headCount: Int)
        /// The connection must be closed.
        case rejected(HTTPRejection)
    }

    /// Bytes that need no second look.
    private var scannedCount: UInt32 = 0

    /// Where the current line begins.
    private var lineStart: UInt32 = 0

    /// Whether a request line was seen.
    private var isPastRequestLine = false

    /// Starts before the first byte of a request.
    public init() {}

    /// Looks at the bytes that were not there the last time.
    ///
    /// After `complete` or `rejected`, start the next request with a new scanner.
    public mutating func scan(_ bytes: Span<UInt8>, limits: HTTPLimits) -> Outcome {
        var index = Int(scannedCount)
        defer { scannedCount = UInt32(clamping: index) }
        while true {
            let lineLimit = isPastRequestLine ? limits.headBytes : Int(lineStart) + limits.requestLineBytes
            let limit = min(limits.headBytes, lineLimit)
            let end = min(bytes.count, limit)
            index = bytes.endOfFieldContent(from: index, to: end)
            if index == limit { return .rejected(overlong(limit: limit, limits)) }
            if index == end { return .incomplete }
            guard bytes[index] == .carriageReturn else { return .rejected(strayByte(bytes[index])) }
            // Without its line feed the carriage return is looked at again: one byte, at most once a call.
            if index + 1 == limit { return .rejected(overlong(limit: limit, limits)) }
            if index + 1 == bytes.count { return .incomplete }
            guard bytes[index + 1] == .lineFeed else { return .rejected(strayByte(.carriageReturn)) }
            let isEmptyLine = index == Int(lineStart)
            index += 2
            lineStart = UInt32(clamping: index)
            if !isEmptyLine {
                isPastRequestLine = true
            } else if isPastRequestLine {
                return .complete(headCount: index)
            } else if index > 2 {
                return .rejected(.malformed("head", "more than one empty line before the request line"))
            }
        }
    }

    private func overlong(limit: Int, _ limits: HTTPLimits) -> HTTPRejection {
        limit < limits.headBytes
            ? HTTPRejection(status: 414, field: "target", reason: "the request line is too long")
            : HTTPRejection(status: 431, field: "head", reason: "the request head is too long")
    }

    private func strayByte(_ byte: UInt8) -> HTTPRejection {
        switch byte {
        case .carriageReturn: .malformed("head", "a carriage return without a line feed")
        case .lineFeed: .malformed("head", "a line feed without a carriage return")
        default: .malformed("head", "a control character")
        }
    }
}
