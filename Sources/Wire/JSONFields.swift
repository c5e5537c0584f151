import CJSON

/// The fields of one JSON object that are asked for, as their raw JSON. Of a doubled name the last one counts.
///
/// It lives as long as the bytes it was made of.
public struct JSONFields {
    private let bytes: UnsafeRawBufferPointer
    private let ranges: [Range<Int>]

    /// The fields of such names, in their order; `nil` if the bytes are not one object.
    public init?(_ bytes: UnsafeRawBufferPointer, _ names: [StaticString]) {
        guard let base = bytes.baseAddress else { return nil }
        self.bytes = bytes
        let found: [Range<Int>]? = withUnsafeTemporaryAllocation(
            of: UnsafePointer<CChar>.self,
            capacity: names.count
        ) { room in
            for (place, name) in names.enumerated() {
                // The bytes of a literal always end in a NUL.
                room.initializeElement(
                    at: place,
                    to: UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
                )
            }
            return withUnsafeTemporaryAllocation(of: cjson_field.self, capacity: names.count) { fields in
                // bounded: a room for each name
                guard cjson_find_fields(base, bytes.count, room.baseAddress!, names.count, fields.baseAddress!) else {
                    return nil
                }
                return fields.map { $0.start..<$0.start + $0.count }
            }
        }
        guard let found else { return nil }
        ranges = found
    }

    /// A field's raw JSON; `nil` where it is absent or `null`.
    public subscript(place: Int) -> UnsafeRawBufferPointer? {
        raw(place).flatMap { $0.first == UInt8(ascii: "n") ? nil : $0 }
    }

    /// The same where `null` is a value.
    public func raw(_ place: Int) -> UnsafeRawBufferPointer? {
        ranges[place].isEmpty ? nil : UnsafeRawBufferPointer(rebasing: bytes[ranges[place]])
    }
}

extension UnsafeRawBufferPointer {
    /// The string that raw JSON is; `nil` where it is another value.
    public var jsonString: String? {
        guard count >= 2, self[0] == UInt8(ascii: "\"") else { return nil }
        let inner = UnsafeRawBufferPointer(rebasing: self[1..<count - 1])
        if !inner.contains(UInt8(ascii: "\\")) { return String(decoding: inner, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: count) { room in
            // bounded: a string has its quotes, and is never longer unescaped
            Swift.max(0, cjson_unescape(baseAddress!, count, room.baseAddress!))
        }
    }

    /// The number that raw JSON is; `nil` where it is another value.
    public var jsonNumber: Double? {
        guard let first, first == UInt8(ascii: "-") || first.isDigit else { return nil }
        return Double(String(decoding: self, as: UTF8.self))
    }

    /// The same where it is a whole one that 53 bits can say.
    public var jsonInteger: Int64? {
        guard let number = jsonNumber, number.rounded() == number, abs(number) <= 9_007_199_254_740_992 else {
            return nil
        }
        return Int64(number)
    }

    /// Whether raw JSON is `true`.
    public var isJSONTrue: Bool { first == UInt8(ascii: "t") }

    /// Whether raw JSON is an object.
    public var isJSONObject: Bool { first == UInt8(ascii: "{") }
}
