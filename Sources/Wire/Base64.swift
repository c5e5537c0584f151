/// Base64 with the standard alphabet and padding.
///
/// Source: RFC 4648 section 4.
public enum Base64 {
    /// Characters that `count` bytes become.
    public static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends bytes as base64.
    public static func encode(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        buffer.append(count: encodedCount(bytes.count)) { room in
            let wholeCount = bytes.count - bytes.count % 3
            var written = 0
            var offset = 0
            while offset < wholeCount {
                let group = UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2])
                write(group, to: room, at: written)
                offset += 3
                written += 4
            }
            guard offset < bytes.count else { return }
            let second = offset + 1 < bytes.count ? bytes[offset + 1] : 0
            // bounded: widened bytes
            write(UInt32(bytes[offset]) << 16 | UInt32(second) << 8, to: room, at: written)
            room[written + 3] = padding
            if offset + 1 == bytes.count { room[written + 2] = padding }
        }
    }

    /// Appends the bytes that base64 stands for. Returns false, with nothing appended, unless it is exactly what
    /// `encode` writes: padded, without line breaks, with unused bits zero.
    public static func decode(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) -> Bool {
        guard text.count % 4 == 0 else { return false }
        let before = buffer.count
        var offset = 0
        while offset < text.count {
            let isLast = offset + 4 == text.count
            let paddingCount = isLast ? (text[offset + 3] != padding ? 0 : text[offset + 2] != padding ? 1 : 2) : 0
            guard append(text, at: offset, paddingCount: paddingCount, to: &buffer) else {
                buffer.truncate(to: before)
                return false
            }
            offset += 4
        }
        return true
    }

    private static let padding = UInt8(ascii: "=")

    private static func append(
        _ text: UnsafeRawBufferPointer,
        at offset: Int,
        paddingCount: Int,
        to buffer: inout ByteBuffer
    ) -> Bool {
        var group: UInt32 = 0
        for index in 0..<4 {
            var value: UInt8 = 0
            if index < 4 - paddingCount {
                value = sextet(of: text[offset + index])
                if value == invalid { return false }
            }
            group = group << 6 | UInt32(value)
        }
        let unusedBits: UInt32 = paddingCount == 0 ? 0 : paddingCount == 1 ? 0xFF : 0xFFFF
        guard group & unusedBits == 0 else { return false }
        buffer.append(UInt8(truncatingIfNeeded: group >> 16))
        if paddingCount < 2 { buffer.append(UInt8(truncatingIfNeeded: group >> 8)) }
        if paddingCount < 1 { buffer.append(UInt8(truncatingIfNeeded: group)) }
        return true
    }

    private static let invalid: UInt8 = 0xFF

    private static func sextet(of character: UInt8) -> UInt8 {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: invalid
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    @inline(__always)
    private static func write(_ group: UInt32, to room: UnsafeMutableRawBufferPointer, at offset: Int) {
        let table = alphabet.utf8Start
        room[offset] = table[Int(group >> 18)]
        room[offset + 1] = table[Int(group >> 12 & 0x3F)]
        room[offset + 2] = table[Int(group >> 6 & 0x3F)]
        room[offset + 3] = table[Int(group & 0x3F)]
    }
}
