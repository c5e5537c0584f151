/// Where a run of bytes lies in the caller's bytes, kept in place of a copy.
///
/// Size: 8 bytes. Units: bytes, from the first byte of the span the range was made from.
public struct ByteRange: Equatable, Sendable, BitwiseCopyable {
    /// Offset of the first byte.
    public var start: UInt32

    /// Number of bytes.
    public var count: UInt32

    /// Makes the range of `count` bytes from `start`.
    public init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }

    /// Makes a range from indices, which must fit 32 bits.
    public init(_ indices: Range<Int>) {
        // bounded: of a request's head, which has a limit
        self.init(start: UInt32(indices.lowerBound), count: UInt32(indices.count))
    }

    /// No bytes, at the beginning.
    public static let empty = ByteRange(start: 0, count: 0)

    /// Whether the range holds no byte.
    public var isEmpty: Bool { count == 0 }

    /// The range as indices of the span it was made from.
    public var indices: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

extension ByteRange {
    /// Whether the bytes are exactly those of a literal.
    public func equals(_ literal: StaticString, in bytes: Span<UInt8>) -> Bool {
        Int(count) == literal.utf8CodeUnitCount && hasPrefix(literal, in: bytes)
    }

    /// Whether the bytes begin with those of a literal.
    public func hasPrefix(_ literal: StaticString, in bytes: Span<UInt8>) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard Int(count) >= length else { return false }
        for offset in 0..<length where bytes[Int(start) + offset] != literal.utf8Start[offset] { return false }
        return true
    }

    /// Whether the bytes are those of an ASCII literal, in upper or lower case.
    public func equals(ignoringCase literal: StaticString, in bytes: Span<UInt8>) -> Bool {
        Int(count) == literal.utf8CodeUnitCount && hasPrefix(ignoringCase: literal, in: bytes)
    }

    /// Whether the bytes begin with an ASCII literal, in upper or lower case.
    public func hasPrefix(ignoringCase literal: StaticString, in bytes: Span<UInt8>) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard Int(count) >= length else { return false }
        for offset in 0..<length {
            let (byte, expected) = (bytes[Int(start) + offset], literal.utf8Start[offset])
            // Most senders write a name the usual way: then they are equal as they are.
            guard byte == expected || byte.lowercased == expected.lowercased else { return false }
        }
        return true
    }

    /// The bytes as text; `nil` unless they are valid UTF-8.
    public func text(in bytes: Span<UInt8>) -> String? {
        bytes.extracting(indices).withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
    }

    /// The bytes from `first` on that satisfy a condition.
    @inline(__always)
    static func run(in bytes: Span<UInt8>, from first: Int, while accepts: (UInt8) -> Bool) -> ByteRange {
        var end = first
        while end < bytes.count, accepts(bytes[end]) { end += 1 }
        return ByteRange(first..<end)
    }

    /// The range without the spaces and tabs at both ends (OWS, RFC 9110 §5.6.3).
    func trimmingOptionalWhitespace(in bytes: Span<UInt8>) -> ByteRange {
        var (first, end) = (indices.lowerBound, indices.upperBound)
        while first < end, bytes[first].isOptionalWhitespace { first += 1 }
        while end > first, bytes[end - 1].isOptionalWhitespace { end -= 1 }
        return ByteRange(first..<end)
    }
}
