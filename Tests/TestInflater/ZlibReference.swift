internal import CZlib

/// What zlib itself says of checksums and headers.
public enum ZlibReference {
    /// Of some bytes.
    public static func crc32(_ bytes: [UInt8]) -> UInt32 { UInt32(CZlib.crc32(0, bytes, UInt32(bytes.count))) }
    public static func adler32(_ bytes: [UInt8]) -> UInt32 { UInt32(CZlib.adler32(1, bytes, UInt32(bytes.count))) }

    /// Of what two checksums are of, one behind the other; so many bytes are the second one.
    public static func crc32(_ first: UInt32, _ second: UInt32, count: UInt64) -> UInt32 {
        UInt32(crc32_combine(UInt(first), UInt(second), Int(count)))
    }
    public static func adler32(_ first: UInt32, _ second: UInt32, count: UInt64) -> UInt32 {
        UInt32(adler32_combine(UInt(first), UInt(second), Int(count)))
    }

    /// What zlib's format begins with, at the default level.
    public static func header(windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        let code = czlib_begin_deflate(&stream, 6, windowBits, 8)
        precondition(code == Z_OK, "zlib has memory")
        defer { deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: 64)
        output.withUnsafeMutableBufferPointer {
            stream.next_out = $0.baseAddress
            stream.avail_out = UInt32($0.count)
            CZlib.deflate(&stream, Z_FINISH)
        }
        return Array(output.prefix(2))
    }
}
