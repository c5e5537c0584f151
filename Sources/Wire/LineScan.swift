/// Finds the ends of lines, eight bytes at a time.
public enum LineScan {
    /// The offset of the first line feed at or after `start`; `nil` if there is none.
    public static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var offset = start
        while bytes.count - offset >= 8 {
            let found = WordScan.flags(in: WordScan.load(base, at: offset), equalTo: 0x0A)
            if found != 0 { return offset + WordScan.index(ofLowest: found) }
            offset += 8
        }
        while offset < bytes.count {
            if bytes[offset] == 0x0A { return offset }
            offset += 1
        }
        return nil
    }

    /// The beginning of some bytes that holds no more than so many ends of lines, and no more than so many bytes.
    public static func beginning(
        of bytes: UnsafeRawBufferPointer,
        lineCountMax: Int,
        byteCountMax: Int
    ) -> UnsafeRawBufferPointer {
        let most = UnsafeRawBufferPointer(rebasing: bytes.prefix(byteCountMax))
        var end = 0
        for _ in 0..<lineCountMax {
            guard let found = lineFeed(in: most, from: end) else { return most }
            end = found + 1
        }
        return UnsafeRawBufferPointer(rebasing: most[..<end])
    }
}
