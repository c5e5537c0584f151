/// Bytes within a stream of deflate that are not compressed (RFC 1951 §3.2.4): what one reader is sent that others are not.
public enum StoredBlocks {
    /// Bytes of one, at most.
    private static let bytesMax = 65_535

    /// A block without bytes that is the last one.
    public static let end: [UInt8] = [1, 0, 0, 0xFF, 0xFF]

    /// Appends bytes as blocks of their own. The stream must stand at a byte, as it does behind each flush.
    public static func append(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let block = rest.prefix(bytesMax)
            rest = rest.dropFirst(block.count)
            let count = UInt16(truncatingIfNeeded: block.count)
            output.append(UInt8(0))
            append(count, to: &output)
            append(~count, to: &output)
            output.append(UnsafeRawBufferPointer(rebasing: block))
        }
    }

    private static func append(_ number: UInt16, to output: inout ByteBuffer) {
        withUnsafeBytes(of: number.littleEndian) { output.append($0) }
    }
}
