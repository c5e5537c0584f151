/// Tests eight bytes at once, by arithmetic on one 64-bit word.
///
/// Each test answers with a word of flags: bit 7 of every byte that passes. Bytes above the lowest flagged one may be
/// flagged wrongly (a borrow runs through them), so only "is there one" and "which is the lowest" may be asked.
enum WordScan {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Eight bytes from memory, the first of them lowest.
    @inline(__always)
    static func load(_ base: UnsafeRawPointer, at offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    static func flags(in word: UInt64, below limit: UInt8) -> UInt64 {
        (word &- ones &* UInt64(limit)) & ~word & highBits
    }

    @inline(__always)
    static func flags(in word: UInt64, equalTo byte: UInt8) -> UInt64 {
        flags(in: word ^ (ones &* UInt64(byte)), below: 1)
    }

    /// Which byte the lowest flag belongs to.
    @inline(__always)
    static func index(ofLowest flags: UInt64) -> Int {
        flags.trailingZeroBitCount >> 3
    }

    /// The offset of the first CR or LF at or after `start`; the count of the bytes if there is none.
    static func firstLineBreak(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return bytes.count }
        var offset = start
        while bytes.count - offset >= 8 {
            let word = load(base, at: offset)
            let found = flags(in: word, equalTo: 0x0A) | flags(in: word, equalTo: 0x0D)
            if found != 0 { return offset + index(ofLowest: found) }
            offset += 8
        }
        while offset < bytes.count, bytes[offset] != 0x0A, bytes[offset] != 0x0D { offset += 1 }
        return offset
    }
}
