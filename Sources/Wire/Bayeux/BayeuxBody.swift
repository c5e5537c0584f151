/// The messages that a body, a query or a WebSocket's message holds: one, an array of them, or a form whose fields `message` hold
/// such.
///
/// Source: Bayeux 1.0 §6.1; and Faye, whose form comes labelled `text/plain` from pages of other sites.
public enum BayeuxBody {
    /// What the sender says that it is.
    public enum Label: Sendable {
        case json
        case form
        /// Neither, or nothing: it is looked at.
        case other
    }

    /// Reads a body.
    ///
    /// Errors: 400 where it holds no messages, 413 where it holds more than it may.
    public static func messages(
        in body: UnsafeRawBufferPointer,
        _ label: Label,
        countMax: Int
    ) throws(HTTPRejection) -> [BayeuxMessage] {
        let first = body.first { !$0.isJSONWhitespace }
        let isJSON = label == .json || label == .other && (first == UInt8(ascii: "[") || first == UInt8(ascii: "{"))
        if isJSON { return try messages(inJSON: body, countMax: countMax) }
        let span = body.bindMemory(to: UInt8.self).span
        let texts = try QueryString(ByteRange(0..<body.count)).all("message", in: span)
        return try messages(in: texts, countMax: countMax)
    }

    /// Reads the fields `message` of a form or a query, each of which is a message or an array of them.
    public static func messages(in texts: [String], countMax: Int) throws(HTTPRejection) -> [BayeuxMessage] {
        var all: [BayeuxMessage] = []
        for var text in texts {
            var part: Result<[BayeuxMessage], HTTPRejection> = .success([])
            text.withUTF8 { bytes in
                part = Result { () throws(HTTPRejection) in
                    try messages(inJSON: UnsafeRawBufferPointer(bytes), countMax: countMax)
                }
            }
            all += try part.get()
            guard all.count <= countMax else { throw tooMany }
        }
        guard !all.isEmpty else { throw HTTPRejection(status: 400, field: "message", reason: "no message of Bayeux") }
        return all
    }

    /// Reads an array of messages, or one.
    public static func messages(
        inJSON bytes: UnsafeRawBufferPointer,
        countMax: Int
    ) throws(HTTPRejection) -> [BayeuxMessage] {
        guard let found = JSONText.elements(of: bytes, countMax: countMax) else {
            guard let message = BayeuxMessage(bytes) else { throw malformed }
            return [message]
        }
        guard found.count > 0 else { throw HTTPRejection(status: 400, field: "body", reason: "no message of Bayeux") }
        guard found.count <= countMax else { throw tooMany }
        var all: [BayeuxMessage] = []
        for range in found.ranges {
            guard let message = BayeuxMessage(UnsafeRawBufferPointer(rebasing: bytes[range])) else { throw malformed }
            all.append(message)
        }
        return all
    }

    private static let malformed = HTTPRejection(status: 400, field: "body", reason: "not messages of Bayeux in JSON")
    private static let tooMany = HTTPRejection(status: 413, field: "body", reason: "too many messages at once")
}
