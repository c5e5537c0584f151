import CJSON

/// What there is to know about a JSON text without taking it apart.
///
/// Source: RFC 8259. Nesting deeper than 1,024 and escaped halves of surrogate pairs are refused; numbers may be of any
/// size. Memory: one parser for each thread, which grows with the largest text it saw.
public enum JSONText {
    /// What a text is at its top level.
    public enum Kind: UInt8, Sendable {
        /// `{…}`
        case object
        /// `[…]`
        case array
        /// A string, a number, `true`, `false` or `null`.
        case scalar
    }

    /// The kind of a valid JSON text; nil if the bytes are not one.
    public static func kind(of bytes: UnsafeRawBufferPointer) -> Kind? {
        switch cjson_validate(bytes.baseAddress, bytes.count) {
        case CJSON_OBJECT: .object
        case CJSON_ARRAY: .array
        case CJSON_SCALAR: .scalar
        default: nil
        }
    }

    /// Where the elements of an array are, and how many there are in all; nil if the bytes are not one array.
    public static func elements(
        of bytes: UnsafeRawBufferPointer,
        countMax: Int
    ) -> (ranges: [Range<Int>], count: Int)? {
        guard let base = bytes.baseAddress else { return nil }
        return withUnsafeTemporaryAllocation(of: cjson_field.self, capacity: countMax) { fields in
            let count = cjson_find_elements(base, bytes.count, fields.baseAddress, countMax)
            guard count >= 0 else { return nil }
            return (fields[..<min(count, countMax)].map { $0.start..<$0.start + $0.count }, count)
        }
    }

    /// The members of an object, of the first of them: the name, and where the value is; nil if the bytes are not one object.
    static func members(of bytes: UnsafeRawBufferPointer, countMax: Int) -> [(name: String, value: Range<Int>)]? {
        guard let base = bytes.baseAddress else { return nil }
        return withUnsafeTemporaryAllocation(of: cjson_field.self, capacity: 2 * countMax) { fields in
            let values = fields.baseAddress.map { $0 + countMax }
            let count = cjson_find_members(base, bytes.count, fields.baseAddress, values, countMax)
            guard count >= 0 else { return nil }
            return (0..<min(count, countMax)).map { place in
                let (name, value) = (fields[place], fields[countMax + place])
                let raw = UnsafeRawBufferPointer(rebasing: bytes[name.start..<name.start + name.count])
                return (raw.jsonString ?? "", value.start..<value.start + value.count)
            }
        }
    }

    /// Makes a valid JSON text one line, in place, without changing what it says: CR, LF and TAB become spaces. In valid
    /// JSON they are only ever whitespace between the tokens, since a string must escape them.
    public static func makeSingleLine(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        var offset = 0
        while offset < bytes.count {
            if bytes.count - offset >= 8 {
                let found = WordScan.flags(in: WordScan.load(base, at: offset), below: 0x20)
                offset += found == 0 ? 8 : WordScan.index(ofLowest: found)
                if found == 0 { continue }
            }
            if bytes[offset] < 0x20 { bytes[offset] = 0x20 }
            offset += 1
        }
    }
}
