/// A checksum of RFC 1950 §8.2, as the two sums that it consists of: the one of all bytes, and the one of what that was behind each
/// of them.
struct Adler32 {
    /// What both are remainders of.
    private static let modulus: UInt64 = 65_521

    private var bytes: UInt64 = 1
    private var sums: UInt64 = 0

    /// Of no bytes.
    init() {}

    /// One that was taken before.
    init(_ value: UInt32) {
        bytes = UInt64(value & 0xFFFF)
        sums = UInt64(value >> 16)
    }

    /// As it is written.
    var value: UInt32 { UInt32(truncatingIfNeeded: sums << 16 | bytes) }

    /// Adds so many bytes of a run, of which the checksums before and behind them are known.
    ///
    /// Each byte has the second sum grow by what the first one was before them all, once. So that part of it is taken away for the
    /// run, and put in for what this is of.
    mutating func add(from earlier: Adler32, to later: Adler32, count: UInt64) {
        let count = count % Self.modulus
        sums = Self.remainder(sums + count * bytes + later.sums, less: earlier.sums + count * earlier.bytes)
        bytes = Self.remainder(bytes + later.bytes, less: earlier.bytes)
    }

    private static func remainder(_ number: UInt64, less other: UInt64) -> UInt64 {
        (number + modulus - other % modulus) % modulus
    }
}
