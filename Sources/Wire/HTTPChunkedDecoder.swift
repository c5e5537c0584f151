internal import Text

/// Decodes a chunked body as it arrives, in slices of any size, RFC 9112 §7.1.
///
/// Strict where the RFC lets a recipient be lenient: CRLF only, at most 8 hexadecimal digits in a size, no whitespace
/// around one. Chunk extensions and trailer fields are checked for syntax, counted and dropped.
///
/// Size: 32 bytes. Errors: 400; 413 for a body over the limit; 431 for trailers over the limit.
public struct HTTPChunkedDecoder: Sendable, BitwiseCopyable {
    /// What is known after a slice.
    public enum Outcome: Equatable, Sendable {
        /// All bytes given were consumed and the body goes on.
        case incomplete
        /// The body ended; what was not consumed is the next request.
        case complete
        /// The connection must be closed.
        case rejected(HTTPRejection)
    }

    /// What the next byte is part of.
    private enum State: UInt8 {
        case sizeFirstDigit, size, chunkExtension, sizeLineFeed
        case data, dataCarriageReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed
        case lastLineFeed, complete
    }

    private var state = State.sizeFirstDigit

    /// Hexadecimal digits of the current size.
    private var digitCount: UInt8 = 0

    /// Bytes of data missing from the current chunk.
    private var remaining: UInt32 = 0

    /// Bytes of body, in the chunks announced so far.
    private var bodyCount = 0

    /// Bytes of chunk extensions so far.
    private var extensionCount: UInt32 = 0

    /// Bytes of trailer lines so far.
    private var trailerCount: UInt32 = 0

    /// Starts before the first chunk.
    public init() {}

    /// Appends to `body` what the bytes decode to.
    ///
    /// After `complete` or `rejected`, start the next body with a new decoder.
    /// - Returns: how many of the bytes were consumed, and what is known. The rejected byte is not consumed.
    public mutating func decode(
        _ bytes: Span<UInt8>,
        into body: inout ByteBuffer,
        limits: HTTPLimits
    ) -> (consumedCount: Int, outcome: Outcome) {
        var index = 0
        do throws(HTTPRejection) {
            while index < bytes.count, state != .complete {
                if state == .data {
                    index += takeData(bytes, from: index, into: &body)
                } else {
                    try step(bytes[index], limits)
                    index += 1
                }
            }
        } catch {
            return (index, .rejected(error))
        }
        return (index, state == .complete ? .complete : .incomplete)
    }

    private mutating func takeData(_ bytes: Span<UInt8>, from first: Int, into body: inout ByteBuffer) -> Int {
        let count = min(Int(remaining), bytes.count - first)
        body.append(bytes, in: first..<first + count)
        // bounded: at most `remaining`
        remaining -= UInt32(count)
        if remaining == 0 { state = .dataCarriageReturn }
        return count
    }

    private mutating func step(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPRejection) {
        switch state {
        case .sizeFirstDigit, .size:
            try readSize(byte, limits)
        case .chunkExtension:
            try skipExtension(byte, limits)
        case .sizeLineFeed:
            try expect(byte, .lineFeed, then: remaining == 0 ? .trailerStart : .data)
        case .dataCarriageReturn:
            try expect(byte, .carriageReturn, then: .dataLineFeed)
        case .dataLineFeed:
            try expect(byte, .lineFeed, then: .sizeFirstDigit)
        case .trailerStart, .trailerName, .trailerValue:
            try skipTrailer(byte, limits)
        case .trailerLineFeed:
            try expect(byte, .lineFeed, then: .trailerStart)
        case .lastLineFeed:
            try expect(byte, .lineFeed, then: .complete)
        case .data, .complete:
            // bounded: `take` steps only where these are not
            preconditionFailure("data is taken in runs, and nothing after the end")
        }
    }

    private mutating func expect(_ byte: UInt8, _ expected: UInt8, then next: State) throws(HTTPRejection) {
        guard byte == expected else { throw .malformed("body", "a chunk that does not end in CRLF where it should") }
        state = next
    }

    private mutating func readSize(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPRejection) {
        if let digit = PercentCoding.hexadecimalValue(of: byte) {
            if state == .sizeFirstDigit { (state, digitCount, remaining) = (.size, 0, 0) }
            guard digitCount < 8 else { throw .malformed("body", "a chunk size of more than 8 digits") }
            digitCount += 1
            remaining = remaining << 4 | UInt32(digit)
            return
        }
        guard state == .size, byte == .carriageReturn || byte == UInt8(ascii: ";") else {
            throw .malformed("body", "a chunk size that is not a hexadecimal number")
        }
        bodyCount += Int(remaining)
        guard bodyCount <= limits.bodyBytes else {
            throw HTTPRejection(status: 413, field: "body", reason: "the body is too long")
        }
        state = byte == .carriageReturn ? .sizeLineFeed : .chunkExtension
    }

    private mutating func skipExtension(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPRejection) {
        if byte == .carriageReturn {
            state = .sizeLineFeed
            return
        }
        extensionCount += 1
        guard byte.isFieldContent else { throw .malformed("body", "a control character in a chunk extension") }
        guard extensionCount <= limits.chunkExtensionBytes else {
            throw .malformed("body", "the chunk extensions are too long")
        }
    }

    private mutating func skipTrailer(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPRejection) {
        if byte == .carriageReturn, state != .trailerName {
            state = state == .trailerStart ? .lastLineFeed : .trailerLineFeed
            return
        }
        trailerCount += 1
        guard trailerCount <= limits.trailerBytes else {
            throw HTTPRejection(status: 431, field: "body", reason: "the trailer fields are too long")
        }
        if state == .trailerValue {
            guard byte.isFieldContent else { throw .malformed("body", "a control character in a trailer field") }
        } else if byte == UInt8(ascii: ":"), state == .trailerName {
            state = .trailerValue
        } else {
            guard ByteSet.token.contains(byte) else { throw .malformed("body", "a trailer field without a name") }
            state = .trailerName
        }
    }
}
