import Wire

/// Reads an answer as it arrives: the head, then the body, whole or in chunks.
struct AnswerReader: ~Copyable {
    /// Something that is no answer, as from a server of another kind.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// A head longer than this is none.
    private static let headBytesMax = 65_536

    /// The head, once it is there.
    private(set) var head: AnswerHead?

    private var headBytes: [UInt8] = []
    private var chunks = HTTPChunkedDecoder()
    private var decoded = ByteBuffer()
    private var bodyCount = 0
    private var isEnded = false

    /// Whether the body is complete; one that ends with the connection never is.
    var isComplete: Bool { isEnded || (head?.contentLength.map { bodyCount >= $0 } ?? false) }

    /// Takes bytes; hands over those of the body, as far as they came.
    mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (AnswerHead, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if let head { return try takeBody(bytes, of: head, body) }
        headBytes += bytes
        guard let end = Self.endOfHead(headBytes) else {
            if headBytes.count > Self.headBytesMax { throw Malformed(description: "the answer has no end of its head") }
            return
        }
        guard let head = AnswerHead(headBytes[..<end]) else { throw Malformed(description: "the answer is not HTTP") }
        self.head = head
        let rest = Array(headBytes[end...])
        headBytes = []
        try rest.withUnsafeBytes { try takeBody($0, of: head, body) }
    }

    private mutating func takeBody(
        _ bytes: UnsafeRawBufferPointer,
        of head: AnswerHead,
        _ body: (AnswerHead, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard head.isChunked else {
            bodyCount += bytes.count
            return try body(head, bytes)
        }
        decoded.removeAll()
        let (_, outcome) = chunks.decode(bytes.bindMemory(to: UInt8.self).span, into: &decoded, limits: Self.endless)
        if !decoded.isEmpty { try body(head, decoded.bytes) }
        switch outcome {
        case .incomplete: break
        case .complete: isEnded = true
        case .rejected(let rejection): throw Malformed(description: "\(rejection.reason)")
        }
    }

    /// A stream may go on for ever; what is kept of it has limits of its own.
    private static let endless: HTTPLimits = {
        var limits = HTTPLimits()
        limits.bodyBytes = .max
        return limits
    }()

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        return bytes.indices.dropLast(3).first { bytes[$0..<($0 + 4)].elementsEqual(mark) }.map { $0 + 4 }
    }
}
