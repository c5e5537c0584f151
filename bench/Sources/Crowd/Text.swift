internal import CBench

/// Bytes that are read from left to right, in place; whatever does not match makes it fail, once and for all.
struct Text {
    private(set) var next: UnsafeRawPointer
    private(set) var remaining: Int

    init(_ bytes: UnsafeRawPointer, count: Int) {
        next = bytes
        remaining = count
    }

    @inline(__always)
    mutating func skip(_ expected: StaticString) -> Bool {
        let count = expected.utf8CodeUnitCount
        guard remaining >= count, bench_is_text(next, expected.utf8Start, count) != 0 else { return false }
        next += count
        remaining -= count
        return true
    }

    /// Up to and behind the first occurrence.
    mutating func skip(behind wanted: StaticString) -> Bool {
        guard let found = bench_find(next, remaining, wanted.utf8Start, wanted.utf8CodeUnitCount) else { return false }
        let count = next.distance(to: found) + wanted.utf8CodeUnitCount
        next += count
        remaining -= count
        return true
    }

    @inline(__always)
    mutating func decimal() -> UInt64? {
        var value: UInt64 = 0
        var count = 0
        while count < min(remaining, 19) {
            let digit = (next + count).load(as: UInt8.self) &- 0x30
            guard digit < 10 else { break }
            value = value &* 10 &+ UInt64(digit)
            count += 1
        }
        guard count > 0 else { return nil }
        next += count
        remaining -= count
        return value
    }

    @inline(__always)
    mutating func hexadecimal(digits: Int) -> UInt64? {
        guard remaining >= digits else { return nil }
        var value: UInt64 = 0
        for place in 0..<digits {
            let byte = (next + place).load(as: UInt8.self)
            let digit = byte &- 0x30 < 10 ? byte &- 0x30 : (byte | 0x20) &- 0x61 &+ 10
            guard digit < 16 else { return nil }
            value = value << 4 | UInt64(digit)
        }
        next += digits
        remaining -= digits
        return value
    }

    mutating func position() -> Position? {
        guard let milliseconds = decimal(), skip("-"), let number = decimal() else { return nil }
        return Position(milliseconds: milliseconds, number: number)
    }

    /// The kind of a channel, and its number within that, up to the quotation mark behind it.
    @inline(__always)
    mutating func channel() -> (kind: Int, number: UInt32)? {
        if skip("all\"") { return (0, 0) }
        let kind = skip("thousand/") ? 1 : skip("ten/") ? 2 : 0
        guard kind > 0, let number = decimal(), skip("\"") else { return nil }
        return (kind, UInt32(truncatingIfNeeded: number))
    }
}
