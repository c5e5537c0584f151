// The header fields, RFC 9110 §5 and RFC 9112 §5. CRLF only, no folded lines, no space before the colon.

extension HTTPRequestHead {
    mutating func parseFields(_ bytes: Span<UInt8>, at index: inout Int, limits: HTTPLimits) throws(HTTPRejection) {
        var count = 0
        while true {
            guard index < bytes.count else { throw .malformed("head", "no empty line at the end") }
            if bytes[index] == .carriageReturn {
                return try Self.skipLineEnd(in: bytes, at: &index)
            }
            count += 1
            guard count <= limits.fieldCount else {
                throw HTTPRejection(status: 431, field: "head", reason: "too many header fields")
            }
            try parseField(bytes, at: &index)
        }
    }

    private mutating func parseField(_ bytes: Span<UInt8>, at index: inout Int) throws(HTTPRejection) {
        let name = ByteRange.run(in: bytes, from: index) { ByteSet.token.contains($0) }
        let colon = name.indices.upperBound
        guard !name.isEmpty, colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else {
            throw Self.badName(name, in: bytes)
        }
        index = bytes.endOfFieldContent(from: colon + 1, to: bytes.count)
        let line = ByteRange(colon + 1..<index)
        try Self.skipLineEnd(in: bytes, at: &index)

        guard let field = HTTPField(named: name, in: bytes) else { return }
        if field.isSingleton, fields[field] != nil { throw .malformed(field.name, "given more than once") }
        let value = line.trimmingOptionalWhitespace(in: bytes)
        fields[field] = value
        try interpret(field, value, in: bytes)
    }

    /// Where the values of a field lie, line by line: several lines of a list field are one list, RFC 9110 §5.3. `bytes`
    /// are those that the head was parsed from.
    public func values(of field: HTTPField, in bytes: Span<UInt8>) -> [ByteRange] {
        var values: [ByteRange] = []
        forEachValue(of: field, in: bytes) { values.append($0) }
        return values
    }

    /// The same, one after the other.
    public func forEachValue(of field: HTTPField, in bytes: Span<UInt8>, _ body: (ByteRange) -> Void) {
        guard self[field] != nil else { return }
        var start = 0
        while start < headCount {
            let end = bytes.endOfFieldContent(from: start, to: headCount)
            let name = ByteRange.run(in: bytes, from: start) { ByteSet.token.contains($0) }
            let colon = name.indices.upperBound
            if colon < end, bytes[colon] == UInt8(ascii: ":"), name.equals(ignoringCase: field.name, in: bytes) {
                body(ByteRange(colon + 1..<end).trimmingOptionalWhitespace(in: bytes))
            }
            start = end + 2
        }
    }

    private static func badName(_ name: ByteRange, in bytes: Span<UInt8>) -> HTTPRejection {
        let end = name.indices.upperBound
        guard end < bytes.count, bytes[end].isOptionalWhitespace else {
            return .malformed("head", "a field name that is not a token followed by a colon")
        }
        return name.isEmpty
            ? .malformed("head", "a line that begins with whitespace")
            : .malformed("head", "whitespace before the colon of a field")
    }

    private mutating func interpret(
        _ field: HTTPField,
        _ value: ByteRange,
        in bytes: Span<UInt8>
    ) throws(HTTPRejection) {
        switch field {
        case .host:
            try Self.checkAuthority(value, in: bytes, field: "Host")
        case .connection:
            readConnectionOptions(value, in: bytes)
        case .expect:
            guard value.equals(ignoringCase: "100-continue", in: bytes) else {
                throw HTTPRejection(status: 417, field: "Expect", reason: "only 100-continue can be met")
            }
            expectsContinue = true
        case .contentLength:
            contentLength = try Self.length(value, in: bytes)
        default:
            break
        }
    }
}
