// The request line, RFC 9112 §3: a method, one space, a target, one space, a version. Nothing is forgiven: a lenient
// reading of whitespace is how two servers come to see two different requests.

extension HTTPRequestHead {
    mutating func parseRequestLine(
        _ bytes: Span<UInt8>,
        at index: inout Int,
        limits: HTTPLimits
    ) throws(HTTPRejection) {
        let token = ByteRange.run(in: bytes, from: index) { ByteSet.token.contains($0) }
        guard !token.isEmpty, Self.isSpace(bytes, at: token.indices.upperBound) else {
            throw .malformed("method", "not a token followed by one space")
        }
        method = HTTPMethod(token, in: bytes)

        // Visible ASCII first, so that the rest of the line can be judged before the target is.
        let target = ByteRange.run(in: bytes, from: token.indices.upperBound + 1) { $0 > .space && $0 < 0x7F }
        guard !target.isEmpty, Self.isSpace(bytes, at: target.indices.upperBound) else {
            throw .malformed("target", "not visible ASCII characters between single spaces")
        }
        guard target.count <= limits.targetBytes else {
            throw HTTPRejection(status: 414, field: "target", reason: "the request target is too long")
        }
        index = target.indices.upperBound + 1
        try parseVersion(bytes, at: &index)
        try parseTarget(target, in: bytes)
    }

    private static func isSpace(_ bytes: Span<UInt8>, at index: Int) -> Bool {
        index < bytes.count && bytes[index] == .space
    }

    private mutating func parseVersion(_ bytes: Span<UInt8>, at index: inout Int) throws(HTTPRejection) {
        let version = ByteRange.run(in: bytes, from: index) { $0.isFieldContent }
        let first = version.indices.lowerBound
        guard version.count == 8, version.hasPrefix("HTTP/", in: bytes),
            bytes[first + 5].isDigit, bytes[first + 6] == UInt8(ascii: "."), bytes[first + 7].isDigit
        else { throw .malformed("version", "not HTTP/1.0 or HTTP/1.1") }
        minorVersion = bytes[first + 7] - UInt8(ascii: "0")
        guard bytes[first + 5] == UInt8(ascii: "1"), minorVersion <= 1 else {
            throw HTTPRejection(status: 505, field: "version", reason: "only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
        index = version.indices.upperBound
        try Self.skipLineEnd(in: bytes, at: &index)
    }
}
