import CJSON

/// Where the fields of a client's or publisher's message are, before anything is taken out of them.
struct ClientCommandFields {
    enum Text {
        case absent
        case wrongType
        case text(String)
    }

    private let message: UnsafeRawBufferPointer

    /// One for each field, in their order.
    private typealias Ranges = (
        Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>,
        Range<Int>, Range<Int>
    )
    private let ranges: Ranges

    /// nil if the message is not one JSON object.
    init?(_ message: UnsafeRawBufferPointer) {
        guard let base = message.baseAddress else { return nil }
        self.message = message
        let found: Ranges? = withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>.self, capacity: 11) { names in
            names.initializeElement(at: 0, to: Self.name(.type))
            names.initializeElement(at: 1, to: Self.name(.id))
            names.initializeElement(at: 2, to: Self.name(.channel))
            names.initializeElement(at: 3, to: Self.name(.since))
            names.initializeElement(at: 4, to: Self.name(.data))
            names.initializeElement(at: 5, to: Self.name(.data64))
            names.initializeElement(at: 6, to: Self.name(.once))
            names.initializeElement(at: 7, to: Self.name(.token))
            names.initializeElement(at: 8, to: Self.name(.key))
            names.initializeElement(at: 9, to: Self.name(.removed))
            names.initializeElement(at: 10, to: Self.name(.maxRate))
            return withUnsafeTemporaryAllocation(of: cjson_field.self, capacity: 11) { fields in
                // bounded: rooms for eleven
                let isObject = cjson_find_fields(base, message.count, names.baseAddress!, 11, fields.baseAddress!)
                return isObject
                    ? (
                        Self.range(fields[0]), Self.range(fields[1]), Self.range(fields[2]), Self.range(fields[3]),
                        Self.range(fields[4]), Self.range(fields[5]), Self.range(fields[6]), Self.range(fields[7]),
                        Self.range(fields[8]), Self.range(fields[9]), Self.range(fields[10])
                    ) : nil
            }
        }
        guard let found else { return nil }
        ranges = found
    }

    /// The raw JSON of the id, which is echoed: a number or a string, and not long.
    func id() throws(ClientCommandError) -> Range<Int>? {
        guard let id = range(.id) else { return nil }
        guard isNumberOrString(.id) else { throw ClientCommandError(reason: .wrongType, field: .id, id: nil) }
        guard id.count <= ClientCommand.idBytesMax else {
            throw ClientCommandError(reason: .tooLong, field: .id, id: nil)
        }
        return id
    }

    /// The raw JSON of a field; nil if it is absent. Only of `data` is `null` a value.
    func range(_ field: ClientCommand.Field) -> Range<Int>? {
        let range =
            switch field {
            case .type: ranges.0
            case .id: ranges.1
            case .channel: ranges.2
            case .since: ranges.3
            case .data: ranges.4
            case .data64: ranges.5
            case .once: ranges.6
            case .token: ranges.7
            case .key: ranges.8
            case .removed: ranges.9
            case .maxRate: ranges.10
            }
        // No other JSON value begins with an n.
        if range.isEmpty || field != .data && message[range.lowerBound] == UInt8(ascii: "n") { return nil }
        return range
    }

    /// A field that must be a string, unescaped.
    func text(of field: ClientCommand.Field) -> Text {
        guard let range = range(field) else { return .absent }
        guard message[range.lowerBound] == UInt8(ascii: "\"") else { return .wrongType }
        let raw = UnsafeRawBufferPointer(rebasing: message[range])
        let inner = UnsafeRawBufferPointer(rebasing: raw[1..<raw.count - 1])
        if !inner.contains(UInt8(ascii: "\\")) { return .text(String(decoding: inner, as: UTF8.self)) }
        let unescaped = String(unsafeUninitializedCapacity: raw.count) { room in
            // bounded: a string has its quotes
            max(0, cjson_unescape(raw.baseAddress!, raw.count, room.baseAddress!))
        }
        return .text(unescaped)
    }

    /// What a publication is about, if it says so.
    func key(id: Range<Int>?) throws(ClientCommandError) -> String? {
        switch text(of: .key) {
        case .text(let key): return key
        case .wrongType: throw ClientCommandError(reason: .wrongType, field: .key, id: id)
        case .absent:
            guard try isRemoval(id: id) else { return nil }
            throw ClientCommandError(reason: .missing, field: .key, id: id)
        }
    }

    /// Whether what was published under a key is to be there no longer.
    func isRemoval(id: Range<Int>?) throws(ClientCommandError) -> Bool {
        guard let range = range(.removed) else { return false }
        switch message[range.lowerBound] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw ClientCommandError(reason: .wrongType, field: .removed, id: id)
        }
    }

    /// A field that must be a number, as it is written.
    func number(
        _ field: ClientCommand.Field,
        of message: UnsafeRawBufferPointer,
        id: Range<Int>?
    ) throws(ClientCommandError) -> String? {
        guard let range = range(field) else { return nil }
        switch message[range.lowerBound] {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return String(decoding: message[range], as: UTF8.self)
        default: throw ClientCommandError(reason: .wrongType, field: field, id: id)
        }
    }

    func isNumberOrString(_ field: ClientCommand.Field) -> Bool {
        guard let range = range(field) else { return false }
        return switch message[range.lowerBound] {
        case UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// The bytes of a literal, which always end in a NUL.
    private static func name(_ field: ClientCommand.Field) -> UnsafePointer<CChar> {
        UnsafeRawPointer(field.name.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private static func range(_ field: cjson_field) -> Range<Int> {
        field.start..<field.start + field.count
    }
}
