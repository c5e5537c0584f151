internal import CZlib

/// What the end of a compressed body says of all that was compressed in it: its checksum and, for gzip, how many bytes it was.
///
/// Many readers of one run of bytes, of which each has had other bytes before it, need no checksum of their own while they read:
/// a checksum is moved over bytes that follow by what the run's own checksum was before them and after.
/// Size: 16 bytes.
public struct BodyChecksum: Equatable, Sendable {
    /// The checksum: CRC-32 for gzip (RFC 1952 §8), Adler-32 for `deflate` (RFC 1950 §8.2).
    public private(set) var value: UInt32

    /// What the body is compressed as.
    public let coding: ContentCoding

    /// How many bytes.
    public private(set) var count: UInt64

    /// Of no bytes.
    public init(_ coding: ContentCoding) {
        let value: UInt32 =
            switch coding {
            case .gzip: 0
            case .deflate: Adler32().value
            }
        self.init(coding, value: value, count: 0)
    }

    /// One that was taken before.
    public init(_ coding: ContentCoding, value: UInt32, count: UInt64) {
        self.value = value
        self.coding = coding
        self.count = count
    }

    /// Adds bytes.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        // Where there is no address zlib answers with the checksum of no bytes at all.
        guard start != nil else { return }
        let sum: UInt =
            switch coding {
            case .gzip: crc32_z(UInt(value), start, bytes.count)
            case .deflate: adler32_z(UInt(value), start, bytes.count)
            }
        value = UInt32(truncatingIfNeeded: sum)
        count += UInt64(bytes.count)
    }

    /// Adds the bytes of a run from one place of it to another, of which the checksums of all before them are known.
    ///
    /// A checksum is a remainder: that of `ab` is the one of `a` moved on by the length of `b`, plus the one of `b`. So what is
    /// between the two places is the difference of the later one and the earlier one moved on.
    public mutating func add(from earlier: BodyChecksum, to later: BodyChecksum) {
        assert(later.count >= earlier.count, "a run goes forwards")
        assert(coding == earlier.coding && coding == later.coding, "a checksum is of one kind")
        let length = later.count - earlier.count
        switch coding {
        case .gzip: value = Self.moved(value ^ earlier.value, by: length) ^ later.value
        case .deflate:
            var sum = Adler32(value)
            sum.add(from: Adler32(earlier.value), to: Adler32(later.value), count: length)
            value = sum.value
        }
        count += length
    }

    private static func moved(_ crc: UInt32, by length: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine(UInt(crc), 0, Int(truncatingIfNeeded: length)))
    }

    /// Appends what a body ends with: of gzip the lowest byte of a number comes first, of `deflate` the highest.
    public func appendTrailer(to output: inout ByteBuffer) {
        switch coding {
        case .gzip:
            withUnsafeBytes(of: value.littleEndian) { output.append($0) }
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian) { output.append($0) }
        case .deflate: withUnsafeBytes(of: value.bigEndian) { output.append($0) }
        }
    }
}
