/// A set of ASCII bytes as two words, so that a lookup is a shift. Bytes from 0x80 on are never members.
///
/// The words are literals, not built from text, so that no set needs an initialiser at run time;
/// a test spells out the members of each.
struct ByteSet: Sendable {
    /// Bit n is the byte n.
    let low: UInt64

    /// Bit n is the byte 64 + n.
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 128 && ((byte < 64 ? low : high) &>> UInt64(byte)) & 1 == 1
    }

    /// `tchar`, RFC 9110 §5.6.2: methods and field names.
    static let token = ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)

    /// What stands for itself in a path: `pchar` and `/`, RFC 3986 §3.3, without `%`; and `[]^|`, which browsers do not
    /// encode there (URL standard, path percent-encode set). A backslash they make a slash, so here it is refused.
    static let path = ByteSet(low: 0x2FFF_FFD2_0000_0000, high: 0x57FF_FFFE_EFFF_FFFF)

    /// What stands for itself in a query: the same, and what browsers do not encode there (URL standard, special-query
    /// percent-encode set). Still no control character, space, `"`, `#`, `<` or `>`.
    static let query = ByteSet(low: 0x2FFF_FFD2_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)

    /// Hexadecimal digits, `:` and `.`: what an IPv6 address is made of, RFC 3986 §3.2.2.
    static let addressLiteral = ByteSet(low: 0x07FF_4000_0000_0000, high: 0x0000_007E_0000_007E)
}

extension UInt8 {
    static let horizontalTab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20

    /// A space or a horizontal tab.
    @inline(__always)
    var isOptionalWhitespace: Bool { self == .space || self == .horizontalTab }

    /// What a field value may hold: HTAB, SP, visible ASCII and bytes from 0x80 on, RFC 9110 §5.5.
    @inline(__always)
    var isFieldContent: Bool { (self >= .space && self != 0x7F) || self == .horizontalTab }

    @inline(__always)
    var isDigit: Bool { self &- 0x30 < 10 }

    /// An ASCII letter in lower case; everything else unchanged.
    @inline(__always)
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// The upper-case hexadecimal digit of a number below 16.
    @inline(__always)
    static func hexadecimalDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
