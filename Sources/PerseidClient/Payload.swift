internal import Wire

/// What is published: JSON, to which a text belongs, or any bytes; or, under a key, that there is nothing any more.
public enum Payload: Sendable, Hashable, ExpressibleByStringLiteral {
    /// A JSON text in UTF-8, as `JSONEncoder` makes it. It is checked before it is sent.
    case json([UInt8])

    /// Bytes of any kind.
    case bytes([UInt8])

    /// What was published under the key is there no longer.
    case removal

    /// A text: JSON, too, as a string.
    public static func text(_ text: String) -> Payload {
        var json = ByteBuffer()
        json.appendJSONString(text)
        return .json(Array(json.bytes))
    }

    /// A text that is written out.
    public init(stringLiteral text: String) { self = .text(text) }

    /// The text, if it is one.
    public var text: String? {
        guard case .json(let json) = self else { return nil }
        return json.withUnsafeBytes { $0.jsonString }
    }

    /// Every byte of what was published: a text without its quotes, other JSON as it is.
    public var bytes: [UInt8] {
        switch self {
        case .bytes(let bytes): bytes
        case .json(let json): text.map { Array($0.utf8) } ?? json
        case .removal: []
        }
    }

    /// Bytes it takes while it waits for its reader.
    var byteCount: Int {
        switch self {
        case .json(let bytes), .bytes(let bytes): bytes.count
        case .removal: 0
        }
    }
}
