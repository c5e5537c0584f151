extension ByteBuffer {
    /// Appends UTF-8 text as a JSON string with its quotation marks, RFC 8259 §7.
    ///
    /// The bytes must be valid UTF-8. Only what must be escaped is: the quotation mark, the backslash and control
    /// characters. `<` and U+2028 stay as they are; a page that embeds JSON in a script escapes them itself.
    public mutating func appendJSONString(utf8 text: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        var first = 0
        while first < text.count {
            let end = JSONString.plainEnd(of: text, from: first)
            append(text, in: first..<end)
            if end < text.count { appendJSONEscape(of: text[end]) }
            first = end + 1
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends text as a JSON string with its quotation marks.
    public mutating func appendJSONString(_ text: String) {
        var copy = text
        copy.withUTF8 { appendJSONString(utf8: $0.span) }
    }

    /// Appends a literal as a JSON string with its quotation marks.
    public mutating func appendJSONString(_ literal: StaticString) {
        appendJSONString(utf8: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount).span)
    }

    private mutating func appendJSONEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        default:
            append("\\u00")
            append(UInt8.hexadecimalDigit(byte >> 4))
            append(UInt8.hexadecimalDigit(byte & 15))
        }
    }
}

/// Where JSON text needs no escape.
enum JSONString {
    /// The first byte from `first` on that must be escaped, or the end. Eight bytes are looked at in one step.
    static func plainEnd(of text: Span<UInt8>, from first: Int) -> Int {
        let words = text.bytes
        var index = first
        while index + 8 <= text.count,
            isPlain(words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
        {
            index += 8
        }
        while index < text.count, isPlain(text[index]) { index += 1 }
        return index
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= .space && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        !word.hasByte(below: .space) && !word.hasByte(equalTo: UInt8(ascii: "\""))
            && !word.hasByte(equalTo: UInt8(ascii: "\\"))
    }
}
