internal import Text

/// The parameters of a query, `name=value` pairs joined by `&`, in the order they were given.
///
/// Nothing is decoded or allocated until a value is asked for. A name without `=` has an empty value; empty pairs are
/// skipped. Names are compared decoded, so `c%68annel` is `channel`.
///
/// Size: 8 bytes.
public struct QueryString: Sendable, BitwiseCopyable {
    /// One parameter, both parts still encoded.
    public struct Pair: Equatable, Sendable, BitwiseCopyable {
        /// What stands before the first `=`.
        public var name: ByteRange
        /// What stands after it.
        public var value: ByteRange
    }

    /// What was not read yet.
    private var rest: ByteRange

    /// Reads a query, such as `HTTPRequestHead.query`.
    public init(_ range: ByteRange) {
        self.rest = range
    }

    /// The next parameter; `nil` after the last.
    public mutating func next(in bytes: Span<UInt8>) -> Pair? {
        while !rest.isEmpty {
            let (first, end) = (rest.indices.lowerBound, rest.indices.upperBound)
            let pair = ByteRange.run(in: bytes.extracting(..<end), from: first) { $0 != UInt8(ascii: "&") }
            let pairEnd = pair.indices.upperBound
            rest = ByteRange(min(pairEnd + 1, end)..<end)
            if pair.isEmpty { continue }
            let name = ByteRange.run(in: bytes.extracting(..<pairEnd), from: first) { $0 != UInt8(ascii: "=") }
            let valueStart = min(name.indices.upperBound + 1, pairEnd)
            return Pair(name: name, value: ByteRange(valueStart..<pairEnd))
        }
        return nil
    }

    /// The decoded value of the first parameter of that name; `nil` when there is none.
    ///
    /// Errors: 400 naming the parameter when its value is not valid percent-encoded UTF-8.
    public func first(_ name: StaticString, in bytes: Span<UInt8>) throws(HTTPRejection) -> String? {
        var unread = self
        while let pair = unread.next(in: bytes) {
            if Self.isNamed(pair.name, name, in: bytes) { return try Self.value(of: pair, name, in: bytes) }
        }
        return nil
    }

    /// The decoded values of all parameters of that name, in order.
    ///
    /// Errors: 400 naming the parameter when one of the values is not valid percent-encoded UTF-8.
    public func all(_ name: StaticString, in bytes: Span<UInt8>) throws(HTTPRejection) -> [String] {
        var values: [String] = []
        var unread = self
        while let pair = unread.next(in: bytes) {
            if Self.isNamed(pair.name, name, in: bytes) { values.append(try Self.value(of: pair, name, in: bytes)) }
        }
        return values
    }

    private static func isNamed(_ encoded: ByteRange, _ name: StaticString, in bytes: Span<UInt8>) -> Bool {
        let end = encoded.indices.upperBound
        var index = encoded.indices.lowerBound
        for offset in 0..<name.utf8CodeUnitCount {
            guard index < end,
                PercentCoding.decodeByte(bytes, at: &index, end: end, plusIsSpace: true) == name.utf8Start[offset]
            else { return false }
        }
        return index == end
    }

    private static func value(
        of pair: Pair,
        _ name: StaticString,
        in bytes: Span<UInt8>
    ) throws(HTTPRejection) -> String {
        guard let value = PercentCoding.decode(bytes.extracting(pair.value.indices), plusIsSpace: true) else {
            throw .malformed(name, "not valid percent-encoded UTF-8")
        }
        return value
    }
}
