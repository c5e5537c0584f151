/// What a channel of Bayeux means: `/chat/1` is Perseid's channel `chat/1`.
///
/// Names have the characters that CometD takes, which are more than the grammar of Bayeux 1.0 §2: `.`, `#`, `+` and braces are
/// in real use. A pattern ends in a segment `*` (one more segment) or `**` (one more or several).
public enum BayeuxChannel: Equatable, Sendable {
    /// What clients and servers say about themselves.
    public enum Meta: String, Sendable {
        case handshake = "/meta/handshake"
        case connect = "/meta/connect"
        case subscribe = "/meta/subscribe"
        case unsubscribe = "/meta/unsubscribe"
        case disconnect = "/meta/disconnect"
    }

    /// One of those; exactly that, for a longer name that begins like one was a way around checks (CVE-2020-11020).
    case meta(Meta)
    /// Another name under `/meta`.
    case unknownMeta
    /// A name or a pattern under `/service`: between a client and the server only.
    case service
    /// What everyone can read, by Perseid's name.
    case broadcast(String)
    /// Channels of that kind, by Perseid's pattern.
    case pattern(String)
    /// No name.
    case invalid

    /// Bytes of the longest name, its slash included; a channel of Perseid has 255.
    public static let byteCountMax = 256

    /// Segments of the longest name.
    public static let segmentsMax = 32

    /// Reads a name.
    public init(_ text: String) {
        if let meta = Meta(rawValue: text) {
            self = .meta(meta)
            return
        }
        let bytes = text.utf8
        guard bytes.first == UInt8(ascii: "/"), (2...Self.byteCountMax).contains(bytes.count) else {
            self = .invalid
            return
        }
        let segments = bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.count <= Self.segmentsMax, let last = segments.last,
            segments.dropLast().allSatisfy(Self.isSegment)
        else {
            self = .invalid
            return
        }
        let isPattern = last.elementsEqual("*".utf8) || last.elementsEqual("**".utf8)
        guard isPattern || Self.isSegment(last) else {
            self = .invalid
            return
        }
        switch segments.first.map({ String($0) ?? "" }) {
        case "meta": self = .unknownMeta
        case "service": self = .service
        default:
            let name = String(text.dropFirst())
            self = isPattern ? .pattern(name) : .broadcast(name)
        }
    }

    private static func isSegment(_ bytes: Substring.UTF8View) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { isNameByte($0) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        if byte.isAlphanumeric { return true }
        return switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "!"), UInt8(ascii: "~"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "$"), UInt8(ascii: "@"), UInt8(ascii: "."), UInt8(ascii: "#"),
            UInt8(ascii: "+"), UInt8(ascii: "{"), UInt8(ascii: "}"):
            true
        default: false
        }
    }
}

extension UInt8 {
    /// A letter or a digit of ASCII.
    var isAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
