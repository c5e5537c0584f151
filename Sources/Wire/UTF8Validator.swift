/// Checks that bytes are UTF-8, piece by piece: a character may begin in one piece and end in a later one.
///
/// Refuses overlong forms, surrogates and anything above U+10FFFF, at the first byte that makes the text impossible.
/// Size: 4 bytes. Source: RFC 3629; the table of well-formed sequences in chapter 3 of the Unicode standard.
public struct UTF8Validator: Sendable {
    /// Continuation bytes that the character begun last still needs.
    private var pending: UInt8 = 0

    /// The range of the next continuation byte: only the first one after a lead byte can be narrower than 80–BF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    private var isInvalid = false

    /// Starts a new text.
    public init() {}

    /// Whether the text so far is valid and ends between two characters.
    public var isComplete: Bool { pending == 0 && !isInvalid }

    /// Takes the next piece. Returns false once the text cannot become valid any more, and from then on always.
    public mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isInvalid else { return false }
        guard let base = bytes.baseAddress else { return true }
        var offset = 0
        while offset < bytes.count {
            if pending == 0 {
                offset = Self.skipASCII(base, from: offset, to: bytes.count)
                if offset == bytes.count { return true }
                offset = Self.skipCommon(base, from: offset, to: bytes.count)
                let lead = base.load(fromByteOffset: offset, as: UInt8.self)
                if lead < 0x80 { continue }
                guard begin(lead) else { return invalidate() }
            } else {
                let byte = base.load(fromByteOffset: offset, as: UInt8.self)
                guard byte >= lowest, byte <= highest else { return invalidate() }
                pending -= 1
                lowest = 0x80
                highest = 0xBF
            }
            offset += 1
        }
        return true
    }

    /// Whether a whole text is valid UTF-8.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var validator = UTF8Validator()
        return validator.validate(bytes) && validator.isComplete
    }

    private mutating func invalidate() -> Bool {
        isInvalid = true
        return false
    }

    /// Takes a byte that is not ASCII as the first one of a character.
    @inline(__always)
    private mutating func begin(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xC2...0xDF:
            pending = 1
        case 0xE0...0xEF:
            pending = 2
            if lead == 0xE0 { lowest = 0xA0 }  // below it is overlong
            if lead == 0xED { highest = 0x9F }  // above it are the surrogates
        case 0xF0...0xF4:
            pending = 3
            if lead == 0xF0 { lowest = 0x90 }  // below it is overlong
            if lead == 0xF4 { highest = 0x8F }  // above it lies beyond U+10FFFF
        default:
            return false
        }
        return true
    }

    /// Skips characters of two and three bytes that are whole, valid and have no narrow range, which is nearly all text
    /// that is not ASCII, and the single spaces between them. Stops four bytes before the end at the latest.
    @inline(__always)
    private static func skipCommon(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
        var offset = start
        while end - offset >= 4 {
            let word = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let lead = UInt8(truncatingIfNeeded: word)
            if lead >= 0xC2, lead <= 0xDF, word & 0xC000 == 0x8000 {
                offset += 2
            } else if lead >= 0xE1, lead <= 0xEF, lead != 0xED, word & 0xC0_C000 == 0x80_8000 {
                offset += 3
            } else if lead == 0x20 {
                offset += 1
            } else {
                break
            }
        }
        return offset
    }

    @inline(__always)
    private static func skipASCII(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
        var offset = start
        while end - offset >= 8 {
            let flags = WordScan.load(base, at: offset) & WordScan.highBits
            if flags != 0 { return offset + WordScan.index(ofLowest: flags) }
            offset += 8
        }
        while offset < end, base.load(fromByteOffset: offset, as: UInt8.self) < 0x80 { offset += 1 }
        return offset
    }
}
