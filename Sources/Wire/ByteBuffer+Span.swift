extension ByteBuffer {
    /// Appends the bytes of a span.
    public mutating func append(_ source: Span<UInt8>) {
        source.withUnsafeBufferPointer { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends some of the bytes of a span.
    public mutating func append(_ source: Span<UInt8>, in indices: Range<Int>) {
        append(source.extracting(indices))
    }
}
