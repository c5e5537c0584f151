internal import Wire

/// Reads an answer as it arrives: the head, then the body, whole or in chunks. Who wants the next answer on the same connection makes
/// another reader.
struct AnswerReader: ~Copyable {
    /// A head longer than this is none.
    private static let headBytesMax = 65_536

    /// The head, once it is there.
    private(set) var head: AnswerHead?

    private var headBytes: [UInt8] = []
    private var chunks = HTTPChunkedDecoder()
    private var decoded = ByteBuffer()
    private var bodyCount = 0
    private var isEnded = false

    /// Whether anything of an answer came.
    var hasBegun: Bool { head != nil || !headBytes.isEmpty }

    /// Whether the body is complete; one that ends with the connection never is.
    var isComplete: Bool {
        guard let head else { return false }
        return isEnded || head.hasNoBody || (head.contentLength.map { bodyCount >= $0 } ?? false)
    }

    /// Whether the body goes on until the connection ends, whose end is then no loss.
    var endsWithConnection: Bool { head.map { !$0.isChunked && $0.contentLength == nil } ?? false }

    /// Takes bytes; hands over those of the body, as far as they came.
    mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (AnswerHead, UnsafeRawBufferPointer) throws(PerseidError) -> Void
    ) throws(PerseidError) {
        if let head { return try takeBody(bytes, of: head, body) }
        // What was looked at is not looked at again: a head may come byte by byte.
        var start = max(headBytes.count - Self.headMark.count + 1, 0)
        headBytes += bytes
        var rest: [UInt8] = []
        while head == nil {
            guard let end = Self.endOfHead(headBytes, from: start) else {
                guard headBytes.count <= Self.headBytesMax else { throw .nonsense("the answer has no end of its head") }
                return
            }
            guard let found = AnswerHead(headBytes[..<end]) else { throw .nonsense("the answer is not HTTP") }
            rest = Array(headBytes[end...])
            start = 0
            // What comes before the answer is passed over: RFC 9110 §15.2.
            if (100...199).contains(found.status), found.status != 101 { headBytes = rest } else { head = found }
        }
        headBytes = []
        guard let head else { return }
        try Self.lend(rest) { (bytes) throws(PerseidError) in try takeBody(bytes, of: head, body) }
    }

    private static func lend(
        _ bytes: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(PerseidError) -> Void
    ) throws(PerseidError) {
        let outcome = bytes.withUnsafeBytes { bytes in
            Result { () throws(PerseidError) in try body(bytes) }
        }
        try outcome.get()
    }

    private mutating func takeBody(
        _ bytes: UnsafeRawBufferPointer,
        of head: AnswerHead,
        _ body: (AnswerHead, UnsafeRawBufferPointer) throws(PerseidError) -> Void
    ) throws(PerseidError) {
        guard bytes.count > 0, !head.hasNoBody else { return }
        guard head.isChunked else {
            let left = head.contentLength.map { max($0 - bodyCount, 0) } ?? bytes.count
            bodyCount += min(bytes.count, left)
            return try body(head, UnsafeRawBufferPointer(rebasing: bytes.prefix(left)))
        }
        guard !isEnded else { return }
        decoded.removeAll()
        let (_, outcome) = chunks.decode(bytes.bindMemory(to: UInt8.self).span, into: &decoded, limits: Self.endless)
        if !decoded.isEmpty { try body(head, decoded.bytes) }
        switch outcome {
        case .incomplete: break
        case .complete: isEnded = true
        case .rejected(let rejection): throw .nonsense("\(rejection.reason)")
        }
    }

    /// A stream may go on for ever; what is kept of it has limits of its own.
    private static let endless: HTTPLimits = {
        var limits = HTTPLimits()
        limits.bodyBytes = .max
        return limits
    }()

    private static let headMark = Array("\r\n\r\n".utf8)

    private static func endOfHead(_ bytes: [UInt8], from start: Int) -> Int? {
        let count = headMark.count
        return bytes.indices.dropFirst(start).dropLast(count - 1)
            .first { bytes[$0..<($0 + count)].elementsEqual(headMark) }
            .map { $0 + count }
    }
}

extension PerseidError {
    /// What an answer says that is not what was asked for: `{"error":{"code":400,"message":"…","field":"…"}}`, or in whatever words.
    init(_ head: AnswerHead, body: [UInt8]) {
        let told = body.withUnsafeBytes { ToldError($0) }
        self.init(
            code: head.status,
            message: told?.message ?? Self.beginning(of: body),
            field: told?.field,
            channel: told?.channel,
            retryMilliseconds: head.retryAfterMilliseconds ?? told?.retryMilliseconds,
            // A proxy says 404 for a while. This is a node's word: one of the channels tells nothing.
            isFinal: head.status == 404 && told?.field == "channel" ? true : nil
        )
    }

    /// The first words of a text, on one line.
    private static func beginning(of body: [UInt8]) -> String {
        String(decoding: body.prefix(200), as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// An error as nodes tell it: in an answer of its own, or in a line of many.
struct ToldError {
    let code: Int?
    let message: String
    let field: String?
    let channel: String?
    let retryMilliseconds: UInt64?

    /// Reads `{"error":{…}}`; `nil` where it is none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let raw = JSONFields(bytes, ["error"])?[0],
            let fields = JSONFields(raw, ["code", "message", "field", "channel", "retry"]),
            let message = fields[1]?.jsonString
        else { return nil }
        self.message = message
        code = fields[0]?.jsonInteger.flatMap { Int(exactly: $0) }
        field = fields[2]?.jsonString
        channel = fields[3]?.jsonString
        retryMilliseconds = fields[4]?.jsonInteger.flatMap { UInt64(exactly: $0) }
    }
}
