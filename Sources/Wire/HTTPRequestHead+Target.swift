// The request target, RFC 9112 §3.2 and RFC 3986.

internal import Text

extension HTTPRequestHead {
    mutating func parseTarget(_ target: ByteRange, in bytes: Span<UInt8>) throws(HTTPRejection) {
        let indices = target.indices
        if method == .connect {
            targetForm = .authority
            try Self.checkAuthority(target, in: bytes, field: "target")
        } else if bytes[indices.lowerBound] == UInt8(ascii: "/") {
            try parsePathAndQuery(indices, in: bytes)
        } else if target.equals("*", in: bytes) {
            guard method == .options else { throw .malformed("target", "an asterisk is for OPTIONS only") }
            targetForm = .asterisk
        } else {
            try parseAbsolute(target, in: bytes)
        }
    }

    private mutating func parseAbsolute(_ target: ByteRange, in bytes: Span<UInt8>) throws(HTTPRejection) {
        let schemeCount: Int
        if target.hasPrefix(ignoringCase: "http://", in: bytes) {
            schemeCount = 7
        } else if target.hasPrefix(ignoringCase: "https://", in: bytes) {
            schemeCount = 8
        } else {
            throw .malformed("target", "neither a path nor an http or https address")
        }
        targetForm = .absolute
        let first = target.indices.lowerBound + schemeCount
        var end = first
        while end < target.indices.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
            end += 1
        }
        let authority = ByteRange(first..<end)
        guard !authority.isEmpty else { throw .malformed("target", "an address without a host") }
        try Self.checkAuthority(authority, in: bytes, field: "target")
        // Fields come later; settleConnection puts this in the place of what Host says.
        targetAuthority = authority
        try parsePathAndQuery(end..<target.indices.upperBound, in: bytes)
    }

    private mutating func parsePathAndQuery(_ indices: Range<Int>, in bytes: Span<UInt8>) throws(HTTPRejection) {
        var questionMark: Int?
        var index = indices.lowerBound
        while index < indices.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                try Self.checkEscape(at: index, end: indices.upperBound, in: bytes)
                index += 3
                continue
            }
            if byte == UInt8(ascii: "?") {
                questionMark = questionMark ?? index
            } else if !(questionMark == nil ? ByteSet.path : .query).contains(byte) {
                throw .malformed("target", "a character that must be percent-encoded")
            }
            index += 1
        }
        path = ByteRange(indices.lowerBound..<(questionMark ?? indices.upperBound))
        if let questionMark { query = ByteRange(questionMark + 1..<indices.upperBound) }
    }

    /// A `%` needs two hexadecimal digits. NUL is refused: it ends a string in too many other programs.
    private static func checkEscape(at index: Int, end: Int, in bytes: Span<UInt8>) throws(HTTPRejection) {
        guard index + 2 < end,
            let high = PercentCoding.hexadecimalValue(of: bytes[index + 1]),
            let low = PercentCoding.hexadecimalValue(of: bytes[index + 2])
        else { throw .malformed("target", "a percent sign without two hexadecimal digits") }
        guard high | low != 0 else { throw .malformed("target", "a percent-encoded NUL") }
    }

    /// Checks `host` or `host:port`, RFC 9110 §7.2: a name or IPv4 address of unreserved characters, or an IPv6
    /// address in brackets. RFC 3986 also lets percent-encoding and `!$&'()*+,;=` into a host; no DNS name has them,
    /// and a comma there is the mark of two Host lines joined into one.
    static func checkAuthority(
        _ authority: ByteRange,
        in bytes: Span<UInt8>,
        field: StaticString
    ) throws(HTTPRejection) {
        let indices = authority.indices
        var index = indices.lowerBound
        if index < indices.upperBound, bytes[index] == UInt8(ascii: "[") {
            let literal = ByteRange.run(in: bytes, from: index + 1) { ByteSet.addressLiteral.contains($0) }
            index = literal.indices.upperBound
            guard !literal.isEmpty, index < indices.upperBound, bytes[index] == UInt8(ascii: "]") else {
                throw .malformed(field, "not an IPv6 address between brackets")
            }
            index += 1
        } else {
            while index < indices.upperBound, PercentCoding.isUnreserved(bytes[index]) { index += 1 }
        }
        if index < indices.upperBound, bytes[index] == UInt8(ascii: ":") {
            let lastPortDigit = min(index + 5, indices.upperBound - 1)
            index += 1
            while index <= lastPortDigit, bytes[index].isDigit { index += 1 }
        }
        guard index == indices.upperBound else { throw .malformed(field, "not a host and an optional port") }
    }
}
