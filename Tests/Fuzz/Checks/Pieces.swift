/// Cuts bytes as a network does: anywhere. The cuts follow from the bytes, so the same bytes are always cut alike.
struct Pieces {
    private var state: UInt64

    init(_ bytes: [UInt8]) {
        // FNV-1a.
        state = bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } | 1
    }

    /// A number below a limit, by xorshift64.
    mutating func number(below limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(truncatingIfNeeded: state >> 1) % max(limit, 1)
    }

    /// The ends of all pieces of so many bytes: mostly short ones, the last of which is `count`.
    mutating func ends(of count: Int) -> [Int] {
        var ends: [Int] = []
        var end = 0
        while end < count {
            end = min(count, end + 1 + number(below: number(below: 4) == 0 ? count : 8))
            ends.append(end)
        }
        return ends
    }
}

/// Memory of exactly these bytes: one byte read behind them is found by AddressSanitizer, which a part of an array hides.
func withExactCopy<Outcome>(
    of bytes: some Collection<UInt8>,
    _ body: (UnsafeMutableRawBufferPointer) throws -> Outcome
) throws -> Outcome {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return try body(copy)
}

extension UnsafeMutableRawBufferPointer {
    var readOnly: UnsafeRawBufferPointer { UnsafeRawBufferPointer(self) }
    var octets: UnsafeBufferPointer<UInt8> { readOnly.bindMemory(to: UInt8.self) }
}
