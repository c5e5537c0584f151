/// Percent-encoding, RFC 3986 §2.1, without forgiveness: a `%` without two hexadecimal digits is an error, and so is
/// what decodes to something else than UTF-8.
public enum PercentCoding {
    /// Decodes a path segment, where `+` is a plus sign; `nil` when the encoding or the UTF-8 is invalid.
    public static func decodePath(_ range: ByteRange, in bytes: Span<UInt8>) -> String? {
        decode(range, in: bytes, plusIsSpace: false)
    }

    /// Decodes the name or value of a query parameter, where `+` is a space; `nil` when the encoding or the UTF-8 is
    /// invalid. Source: `application/x-www-form-urlencoded`, URL §5.1.
    public static func decodeQuery(_ range: ByteRange, in bytes: Span<UInt8>) -> String? {
        decode(range, in: bytes, plusIsSpace: true)
    }

    /// Encodes text so that it can stand anywhere in a path, a query or a cursor: all but unreserved characters
    /// (letters, digits and `-._~`) become `%XX` in upper case.
    public static func encode(_ text: String) -> String {
        var encoded = ByteBuffer(capacity: text.utf8.count * 3)
        encoded.append(percentEncoding: text)
        return String(decoding: encoded.bytes, as: UTF8.self)
    }

    /// Decodes the byte at `index` and moves on to the next; `nil` when the encoding is invalid.
    @inline(__always)
    static func decodeByte(_ bytes: Span<UInt8>, at index: inout Int, end: Int, plusIsSpace: Bool) -> UInt8? {
        let byte = bytes[index]
        index += 1
        if plusIsSpace, byte == UInt8(ascii: "+") { return .space }
        guard byte == UInt8(ascii: "%") else { return byte }
        guard index + 1 < end,
            let high = bytes[index].hexadecimalValue,
            let low = bytes[index + 1].hexadecimalValue
        else { return nil }
        index += 2
        return high << 4 | low
    }

    private static func decode(_ range: ByteRange, in bytes: Span<UInt8>, plusIsSpace: Bool) -> String? {
        // Decoding never lengthens.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: range.indices.count) { decoded in
            let end = range.indices.upperBound
            var index = range.indices.lowerBound
            var count = 0
            while index < end {
                guard let byte = decodeByte(bytes, at: &index, end: end, plusIsSpace: plusIsSpace) else { return nil }
                decoded[count] = byte
                count += 1
            }
            let text = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: decoded[..<count]))
            return UTF8Validator.isValid(text) ? String(decoding: text, as: UTF8.self) : nil
        }
    }
}

extension ByteBuffer {
    /// Appends the percent-encoding of some text; see `PercentCoding.encode`.
    public mutating func append(percentEncoding text: String) {
        for byte in text.utf8 {
            if ByteSet.unreserved.contains(byte) {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(UInt8.hexadecimalDigit(byte >> 4))
                append(UInt8.hexadecimalDigit(byte & 15))
            }
        }
    }
}
