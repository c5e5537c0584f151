extension ByteBuffer {
    /// Appends UTF-8 bytes as a JSON string with its quotes, escaping `"`, `\` and the control characters.
    ///
    /// The bytes must be valid UTF-8 for the string to be valid JSON. Source: RFC 8259 section 7.
    public mutating func appendJSONString(_ text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendJSONContent(text)
        append(UInt8(ascii: "\""))
    }

    /// The same without the quotes: a part of a string.
    mutating func appendJSONContent(_ text: UnsafeRawBufferPointer) {
        var start = 0
        while true {
            let end = JSONString.firstToEscape(in: text, from: start)
            append(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            if end == text.count { break }
            start = JSONString.endOfEscaped(in: text, from: end)
            appendEscaped(UnsafeRawBufferPointer(rebasing: text[end..<start]))
        }
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

    /// Appends a run of bytes each of which must be escaped: a payload may be nothing else, and six bytes for each of them are
    /// written in one go.
    mutating func appendEscaped(_ run: UnsafeRawBufferPointer) {
        append(atMost: JSONString.escapeBytesMax * run.count) { room in
            var count = 0
            for byte in run {
                let pair = JSONString.shortEscape(of: byte)
                room[count] = UInt8(ascii: "\\")
                if pair != 0 {
                    room[count + 1] = pair
                    count += 2
                    continue
                }
                room[count + 1] = UInt8(ascii: "u")
                room[count + 2] = UInt8(ascii: "0")
                room[count + 3] = UInt8(ascii: "0")
                room[count + 4] = UInt8(ascii: "0") + byte >> 4
                room[count + 5] = JSONString.hexadecimalDigit(byte & 0x0F)
                count += JSONString.escapeBytesMax
            }
            return count
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
            if mustEscape(byte) { return offset }
            offset += 1
        }
        return offset
    }

    /// Bytes of the longest escape, `\u001f`.
    static let escapeBytesMax = 6

    static func mustEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

    /// Bytes that are escaped at once: so much more room than they take may be reserved.
    private static let runBytesMax = 512

    /// The end of the run of bytes from `start` on that must be escaped, or of what is escaped of it at once.
    static func endOfEscaped(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        let last = min(text.count, start + runBytesMax)
        var end = start
        while end < last, mustEscape(text[end]) { end += 1 }
        return end
    }

    /// What follows the backslash where that is one byte, else 0.
    static func shortEscape(of byte: UInt8) -> UInt8 {
        switch byte {
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        case 0x22, 0x5C: byte
        default: 0
        }
    }

    static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
