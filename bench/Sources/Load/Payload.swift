internal import CBench

/// What a publication carries: who sent it, its number, and when. Plain letters, so that no encoding changes them.
///
///     offset  0   8         16         24            40
///             marker source   sequence   nanoseconds   padding …
///
/// Numbers are fixed-width, one letter (`A`–`P`) for each four bits, so that reading one takes a few instructions:
/// millions of publications are checked each second.
enum Payload {
    static let marker: StaticString = "@perseid"
    static let minimumByteCount = 40
    static let sourceOffset = 8
    static let sequenceOffset = 16
    static let nanosecondsOffset = 24

    /// The marker as it is loaded from memory.
    static let markerWord: UInt64 = marker.withUTF8Buffer {
        UnsafeRawPointer($0.baseAddress!).loadUnaligned(as: UInt64.self)
    }

    private static let letterA: UInt64 = 0x4141_4141_4141_4141

    /// Reads eight letters as a 32-bit number.
    @inline(__always)
    static func number(at bytes: UnsafeRawPointer) -> UInt32 {
        let nibbles = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) &- letterA
        let octets = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff
        let pairs = (octets << 8 | octets >> 16) & 0x0000_ffff_0000_ffff
        return UInt32(truncatingIfNeeded: pairs << 16 | pairs >> 32)
    }

    /// Writes a 32-bit number as eight letters.
    static func write(_ number: UInt32, at bytes: UnsafeMutableRawPointer) {
        for position in 0..<8 {
            let nibble = UInt8(truncatingIfNeeded: number >> (28 - 4 * UInt32(position))) & 15
            bytes.storeBytes(of: UInt8(ascii: "A") + nibble, toByteOffset: position, as: UInt8.self)
        }
    }

    /// When the publication was due.
    @inline(__always)
    static func nanoseconds(of payload: UnsafeRawPointer) -> UInt64 {
        UInt64(number(at: payload + nanosecondsOffset)) << 32 | UInt64(number(at: payload + nanosecondsOffset + 8))
    }

    /// A payload of the given source that still lacks its sequence number and time.
    static func template(source: Int, byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: byteCount)
        bytes.withUnsafeMutableBytes { bytes in
            marker.withUTF8Buffer { bytes.copyMemory(from: UnsafeRawBufferPointer($0)) }
            write(UInt32(source), at: bytes.baseAddress! + sourceOffset)
        }
        return bytes
    }

    /// Completes a payload in place.
    static func stamp(_ payload: UnsafeMutableRawPointer, sequence: UInt32, nanoseconds: UInt64) {
        write(sequence, at: payload + sequenceOffset)
        write(UInt32(truncatingIfNeeded: nanoseconds >> 32), at: payload + nanosecondsOffset)
        write(UInt32(truncatingIfNeeded: nanoseconds), at: payload + nanosecondsOffset + 8)
    }

    /// Where a payload starts in the bytes, if it does.
    static func find(in bytes: UnsafeRawPointer, count: Int) -> Int? {
        guard count > 0 else { return nil }
        let found = bench_find(bytes, count, UnsafeRawPointer(marker.utf8Start), marker.utf8CodeUnitCount)
        return found.map { bytes.distance(to: $0) }
    }
}
