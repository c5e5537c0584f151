/// Percent-encoding, RFC 3986 §2.1: the one place where it is read and written.
public enum PercentCoding {
    /// What a `%` without two hexadecimal digits is.
    public enum StrayPercent: Sendable {
        /// An error.
        case refused
        /// Itself: a password that somebody pasted into an address.
        case kept
    }

    /// Whether a byte needs no encoding anywhere: letters, digits and `-._~`, RFC 3986 §2.3.
    public static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Encodes text so that it can stand anywhere in a path, a query or a cursor: all but unreserved characters become `%XX` in
    /// upper case.
    public static func encode(_ text: String) -> String { encode(text) { !isUnreserved($0) } }

    /// Encodes the bytes of a text that must not stand for themselves.
    public static func encode(_ text: String, where mustEncode: (UInt8) -> Bool) -> String {
        guard text.utf8.contains(where: mustEncode) else { return text }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(3 * text.utf8.count)
        for byte in text.utf8 {
            if mustEncode(byte) {
                encoded += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 15)]
            } else {
                encoded.append(byte)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// Decodes the byte at `index` and moves on to the next; `nil` for a `%` without two hexadecimal digits. In a query a plus
    /// sign is a space.
    @inline(__always)
    public static func decodeByte(
        _ bytes: Span<UInt8>,
        at index: inout Int,
        end: Int,
        plusIsSpace: Bool = false
    ) -> UInt8? {
        let byte = bytes[index]
        index += 1
        if plusIsSpace, byte == UInt8(ascii: "+") { return UInt8(ascii: " ") }
        guard byte == UInt8(ascii: "%") else { return byte }
        guard index + 1 < end,
            let high = hexadecimalValue(of: bytes[index]),
            let low = hexadecimalValue(of: bytes[index + 1])
        else { return nil }
        index += 2
        return high << 4 | low
    }

    /// Decodes text; `nil` for what is not encoded so, or does not decode to UTF-8.
    public static func decode(
        _ bytes: Span<UInt8>,
        plusIsSpace: Bool = false,
        strayPercent: StrayPercent = .refused
    ) -> String? {
        // Decoding never lengthens.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count) { decoded in
            var index = 0
            var count = 0
            while index < bytes.count {
                let before = index
                var byte = decodeByte(bytes, at: &index, end: bytes.count, plusIsSpace: plusIsSpace)
                if byte == nil, strayPercent == .kept {
                    byte = UInt8(ascii: "%")
                    index = before + 1
                }
                guard let byte else { return nil }
                decoded[count] = byte
                count += 1
            }
            return String(validating: decoded[..<count], as: UTF8.self)
        }
    }

    /// Decodes a part of a text.
    public static func decode(_ text: some StringProtocol, strayPercent: StrayPercent = .refused) -> String? {
        var text = String(text)
        return text.withUTF8 { decode($0.span, strayPercent: strayPercent) }
    }

    /// The value of a hexadecimal digit of either case.
    @inline(__always)
    public static func hexadecimalValue(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}
