/// One publication in a body of many, a line of JSON: `{"channel":"a","data":…,"id":7,"once":"order-17"}`.
///
/// Unknown fields are ignored, as in a `ClientCommand`.
public struct PublicationLine: Hashable, Sendable {
    /// Longest `once` in bytes, as of an `Idempotency-Key`.
    public static let onceBytesMax = 255

    /// The channel as the publisher wrote it, unescaped, not checked otherwise.
    public var channel: String

    /// What to publish.
    public var data: PublishedData

    /// Where the raw JSON of its id is in the line, if it has one: it is echoed.
    public var id: Range<Int>?

    /// The publisher's own name for it, so that repeating it is safe.
    public var once: String?

    /// What it is about, if it says so; not checked.
    public var key: String?

    /// Reads a line, without its line break.
    public init(_ line: UnsafeRawBufferPointer) throws(ClientCommandError) {
        guard let fields = ClientCommandFields(line) else {
            throw ClientCommandError(reason: .notAnObject, field: nil, id: nil)
        }
        let id = try fields.id()
        self.id = id
        switch fields.text(of: .channel) {
        case .absent: throw ClientCommandError(reason: .missing, field: .channel, id: id)
        case .wrongType: throw ClientCommandError(reason: .wrongType, field: .channel, id: id)
        case .text(let name): channel = name
        }
        switch fields.text(of: .once) {
        case .absent: once = nil
        case .wrongType: throw ClientCommandError(reason: .wrongType, field: .once, id: id)
        case .text(let text):
            guard (1...Self.onceBytesMax).contains(text.utf8.count) else {
                throw ClientCommandError(reason: .tooLong, field: .once, id: id)
            }
            once = text
        }
        data = try PublishedData(published: fields, id: id)
        key = try fields.key(id: id)
    }
}
