extension ByteBuffer {
    /// Appends UTF-8 bytes as a JSON string with its quotes, escaping `"`, `\` and the control characters.
    ///
    /// The bytes must be valid UTF-8 for the string to be valid JSON. Source: RFC 8259 section 7.
    public mutating func appendJSONString(_ text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var start = 0
        while true {
            let end = JSONString.firstToEscape(in: text, from: start)
            append(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            if end == text.count { break }
            appendEscaped(text[end])
            start = end + 1
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a string as a JSON string.
    public mutating func appendJSONString(_ text: String) {
        var text = text
        text.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0)) }
    }

    /// Appends a literal as a JSON string.
    public mutating func appendJSONString(_ literal: StaticString) {
        appendJSONString(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        default:
            append(count: 6) { room in
                room[0] = 0x5C
                room[1] = UInt8(ascii: "u")
                room[2] = UInt8(ascii: "0")
                room[3] = UInt8(ascii: "0")
                room[4] = UInt8(ascii: "0") + byte >> 4
                room[5] = JSONString.hexadecimalDigit(byte & 0x0F)
            }
        }
    }
}

enum JSONString {
    /// The offset of the first byte at or after `start` that must be escaped; the count of the bytes if there is none.
    static func firstToEscape(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = text.baseAddress else { return text.count }
        var offset = start
        while text.count - offset >= 8 {
            let word = WordScan.load(base, at: offset)
            let found =
                WordScan.flags(in: word, below: 0x20)
                | WordScan.flags(in: word, equalTo: 0x22)
                | WordScan.flags(in: word, equalTo: 0x5C)
            if found != 0 { return offset + WordScan.index(ofLowest: found) }
            offset += 8
        }
        while offset < text.count {
            let byte = base.load(fromByteOffset: offset, as: UInt8.self)
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return offset }
            offset += 1
        }
        return offset
    }

    static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
