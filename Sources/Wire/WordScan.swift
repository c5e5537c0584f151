/// Questions about eight bytes at once. The answer is about all of them; which byte it was is found one by one.
///
/// Subtracting n (at most 128) from a byte below n borrows into its top bit; a byte that had the top bit set already
/// is not below n. A borrow that runs on into the next byte started in one that is below n, so it never makes up a
/// match.
extension UInt64 {
    private static var ones: UInt64 { 0x0101_0101_0101_0101 }

    @inline(__always)
    func hasByte(below bound: UInt8) -> Bool {
        (self &- Self.ones &* UInt64(bound)) & ~self & (Self.ones &* 0x80) != 0
    }

    @inline(__always)
    func hasByte(equalTo byte: UInt8) -> Bool {
        (self ^ (Self.ones &* UInt64(byte))).hasByte(below: 1)
    }
}

extension Span<UInt8> {
    /// The first index from `first` on, and before `end`, of a byte that no field value may hold; or `end`.
    @inline(__always)
    func endOfFieldContent(from first: Int, to end: Int) -> Int {
        let words = bytes
        var index = first
        while index + 8 <= end {
            let word = words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word.hasByte(below: .space) || word.hasByte(equalTo: 0x7F) { break }
            index += 8
        }
        while index < end, self[index].isFieldContent { index += 1 }
        return index
    }
}
