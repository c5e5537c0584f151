/// The method of a request, RFC 9110 §9. Case-sensitive.
public enum HTTPMethod: UInt8, Equatable, Sendable {
    /// `GET`
    case get
    /// `HEAD`
    case head
    /// `POST`
    case post
    /// `PUT`
    case put
    /// `DELETE`
    case delete
    /// `OPTIONS`
    case options
    /// `PATCH`, RFC 5789
    case patch
    /// `CONNECT`
    case connect
    /// `TRACE`
    case trace
    /// Any other token.
    case other

    /// Reads a method from a range that was found to be a token.
    init(_ token: ByteRange, in bytes: Span<UInt8>) {
        self = .other
        guard let candidate = HTTPMethod.candidate(length: token.count, first: bytes[token.indices.lowerBound]) else {
            return
        }
        if token.equals(candidate.name, in: bytes) { self = candidate }
    }

    /// The only method with that length and first letter.
    private static func candidate(length: UInt32, first: UInt8) -> HTTPMethod? {
        switch (length, first) {
        case (3, UInt8(ascii: "G")): .get
        case (3, UInt8(ascii: "P")): .put
        case (4, UInt8(ascii: "H")): .head
        case (4, UInt8(ascii: "P")): .post
        case (5, UInt8(ascii: "P")): .patch
        case (5, UInt8(ascii: "T")): .trace
        case (6, UInt8(ascii: "D")): .delete
        case (7, UInt8(ascii: "C")): .connect
        case (7, UInt8(ascii: "O")): .options
        default: nil
        }
    }

    /// The method as it is written; empty for `other`.
    public var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: ""
        }
    }
}
