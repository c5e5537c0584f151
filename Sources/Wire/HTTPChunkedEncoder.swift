/// Writes chunks of a body whose length is not known before its end.
///
/// Source: RFC 9112 §7.1. One message is one chunk, so that whoever reads chunks reads messages.
public enum HTTPChunkedEncoder {
    /// What ends the body.
    public static let end: StaticString = "0\r\n\r\n"

    /// Appends one chunk. An empty one would end the body, so it is left out.
    public static func append(_ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        guard bytes.count > 0 else { return }
        append(hexadecimal: bytes.count, to: &buffer)
        buffer.append("\r\n")
        buffer.append(bytes)
        buffer.append("\r\n")
    }

    private static func append(hexadecimal number: Int, to buffer: inout ByteBuffer) {
        if number >= 16 { append(hexadecimal: number / 16, to: &buffer) }
        buffer.append(UInt8.hexadecimalDigit(UInt8(truncatingIfNeeded: number % 16)))
    }
}
