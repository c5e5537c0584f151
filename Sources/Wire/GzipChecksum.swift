internal import CZlib

/// What the end of a gzip stream says of all that was compressed in it: its checksum and how many bytes it was (RFC 1952).
///
/// Many readers of one run of bytes, of which each has had other bytes before it, need no checksum of their own while they read:
/// a checksum is moved over bytes that follow by what the run's own checksum was before them and after.
/// Size: 16 bytes.
public struct GzipChecksum: Equatable, Sendable {
    /// CRC-32 of the bytes, RFC 1952 §8.
    public private(set) var crc: UInt32 = 0

    /// How many bytes.
    public private(set) var count: UInt64 = 0

    /// Of no bytes.
    public init() {}

    /// One that was taken before.
    public init(crc: UInt32, count: UInt64) {
        self.crc = crc
        self.count = count
    }

    /// What a gzip stream begins with, RFC 1952 §2.3: deflate, no flags, no time, system unknown.
    public static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    /// Adds bytes.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        crc = UInt32(
            truncatingIfNeeded: crc32_z(UInt(crc), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        )
        count += UInt64(bytes.count)
    }

    /// Adds the bytes of a run from one place of it to another, of which the checksums of all before them are known.
    ///
    /// A checksum is a remainder: that of `ab` is the one of `a` moved on by the length of `b`, plus the one of `b`. So what is
    /// between the two places is the difference of the later one and the earlier one moved on.
    public mutating func add(from earlier: GzipChecksum, to later: GzipChecksum) {
        assert(later.count >= earlier.count, "a run goes forwards")
        let length = later.count - earlier.count
        crc = Self.moved(crc ^ earlier.crc, by: length) ^ later.crc
        count += length
    }

    private static func moved(_ crc: UInt32, by length: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine(UInt(crc), 0, Int(truncatingIfNeeded: length)))
    }

    /// Appends what a gzip stream ends with.
    public func appendTrailer(to output: inout ByteBuffer) {
        withUnsafeBytes(of: crc.littleEndian) { output.append($0) }
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian) { output.append($0) }
    }
}
