/// The payload within a publisher's message: any JSON as `data`, or any bytes as `data64`.
public enum PublishedData: Hashable, Sendable {
    /// Where its raw JSON is in the message. It may hold line breaks between its tokens (see `JSONText.makeSingleLine`).
    case json(Range<Int>)
    /// What its base64 stands for.
    case bytes([UInt8])
    /// That there is nothing any more under its key.
    case removal

    /// Takes the one that is there.
    init(_ fields: borrowing ClientCommandFields, id: Range<Int>?) throws(ClientCommandError) {
        let json = fields.range(.data)
        switch fields.text(of: .data64) {
        case .absent:
            guard let json else { throw ClientCommandError(reason: .missing, field: .data, id: id) }
            self = .json(json)
        case .wrongType: throw ClientCommandError(reason: .wrongType, field: .data64, id: id)
        case .text(var text):
            guard json == nil else { throw ClientCommandError(reason: .beside(.data), field: .data64, id: id) }
            var decoded = ByteBuffer()
            guard text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0), to: &decoded) }) else {
                throw ClientCommandError(reason: .notBase64, field: .data64, id: id)
            }
            self = .bytes(Array(decoded.bytes))
        }
    }

    /// Takes what is to be published: the one that is there, or that there is nothing any more.
    init(published fields: borrowing ClientCommandFields, id: Range<Int>?) throws(ClientCommandError) {
        guard try fields.isRemoval(id: id) else {
            try self.init(fields, id: id)
            return
        }
        for field in [ClientCommand.Field.data, .data64] where fields.range(field) != nil {
            throw ClientCommandError(reason: .beside(.removed), field: field, id: id)
        }
        self = .removal
    }

    /// Takes the one that is there, if one is.
    init?(of fields: borrowing ClientCommandFields, id: Range<Int>?) throws(ClientCommandError) {
        if case .absent = fields.text(of: .data64), fields.range(.data) == nil { return nil }
        try self.init(fields, id: id)
    }

    /// The field it came in.
    public var field: StaticString {
        switch self {
        case .json: "data"
        case .bytes: "data64"
        case .removal: "removed"
        }
    }
}
