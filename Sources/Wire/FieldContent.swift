extension Span<UInt8> {
    /// The first index from `first` on, and before `end`, of a byte that no field value may hold; or `end`.
    @inline(__always)
    func endOfFieldContent(from first: Int, to end: Int) -> Int {
        let words = bytes
        var index = first
        while index + 8 <= end {
            let word = words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let refused = WordScan.flags(in: word, below: .space) | WordScan.flags(in: word, equalTo: 0x7F)
            if refused != 0 { break }
            index += 8
        }
        while index < end, self[index].isFieldContent { index += 1 }
        return index
    }
}
