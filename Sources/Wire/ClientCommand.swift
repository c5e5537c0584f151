/// What a client asks for in a WebSocket text message, such as `{"type":"subscribe","id":7,"channel":"a"}`; a message may be an
/// array of such objects.
///
/// Unknown fields are ignored, `null` counts as absent (except as `data`), and of a doubled field the last one counts.
public struct ClientCommand: Hashable, Sendable {
    /// The kind of command.
    public enum Kind: String, Sendable, CaseIterable {
        /// Receive a channel from now on, or from `since`.
        case subscribe
        /// Receive it no longer.
        case unsubscribe
        /// Publish `data` in a channel.
        case publish
        /// Tell who is subscribed to a channel.
        case presence
        /// Ask a service.
        case call
        /// Show who the client is.
        case authenticate
        /// Answer with a pong.
        case ping
    }

    /// A field of a command.
    public enum Field: String, Sendable, CaseIterable {
        /// The kind of command.
        case type
        /// The client's own name for the command, echoed in the answer: a number or a string.
        case id
        /// The channel's name.
        case channel
        /// The position to resume after.
        case since
        /// The payload to publish: any JSON.
        case data
        /// The same as base64, for bytes that are no text.
        case data64
        /// A publisher's own name for a publication, so that repeating it is safe.
        case once
        /// What says who the client is.
        case token
        /// What a publication is about.
        case key
        /// `true`: what was published under the key is there no longer.
        case removed
        /// Batches a second that a channel is told in, at most.
        case maxRate = "max-rate"

        /// Its name in the message.
        public var name: StaticString {
            switch self {
            case .type: "type"
            case .id: "id"
            case .channel: "channel"
            case .since: "since"
            case .data: "data"
            case .data64: "data64"
            case .once: "once"
            case .token: "token"
            case .key: "key"
            case .removed: "removed"
            case .maxRate: "max-rate"
            }
        }
    }

    /// Longest `id` in bytes, quotes included: it is echoed, and an answer must not be larger than its question.
    public static let idBytesMax = 128

    /// What is asked for.
    public var kind: Kind

    /// Where the raw JSON of the id is in the message, if there is one.
    public var id: Range<Int>?

    /// The channel as the client wrote it, unescaped, not checked otherwise; empty where none is asked for.
    public var channel: String

    /// The position to resume after, not checked.
    public var since: String?

    /// Batches a second that it wants to be told in, at most, as it wrote the number; not checked otherwise.
    public var maxRate: String?

    /// What says who the client is: always there for `authenticate`.
    public var token: String?

    /// What the publication is about, if it says so; not checked.
    public var key: String?

    /// What to publish, or to ask a service: always there for `publish`, `nil` for a `call` without.
    public var data: PublishedData?

    /// Reads a command out of a text message.
    public init(_ message: UnsafeRawBufferPointer) throws(ClientCommandError) {
        guard let fields = ClientCommandFields(message) else {
            throw ClientCommandError(reason: .notAnObject, field: nil, id: nil)
        }
        let id = try fields.id()
        func fail(_ reason: ClientCommandError.Reason, _ field: Field) -> ClientCommandError {
            ClientCommandError(reason: reason, field: field, id: id)
        }

        switch fields.text(of: .type) {
        case .absent: throw fail(.missing, .type)
        case .wrongType: throw fail(.wrongType, .type)
        case .text(let name):
            guard let kind = Kind(rawValue: name) else { throw fail(.unknown, .type) }
            self.kind = kind
        }
        self.id = id
        self.channel = ""
        guard kind != .ping else { return }
        if kind == .authenticate {
            switch fields.text(of: .token) {
            case .absent: throw fail(.missing, .token)
            case .wrongType: throw fail(.wrongType, .token)
            case .text(let text): token = text
            }
            return
        }

        switch fields.text(of: .channel) {
        case .absent: throw fail(.missing, .channel)
        case .wrongType: throw fail(.wrongType, .channel)
        case .text(let name): channel = name
        }
        if kind == .subscribe {
            switch fields.text(of: .since) {
            case .absent: break
            case .wrongType: throw fail(.wrongType, .since)
            case .text(let position): since = position
            }
            maxRate = try fields.number(.maxRate, of: message, id: id)
        }
        if kind == .publish {
            data = try PublishedData(published: fields, id: id)
            key = try fields.key(id: id)
        }
        if kind == .call { data = try PublishedData(of: fields, id: id) }
    }
}

extension ClientCommand {
    /// Where the commands in a message are: it is one, or an array of them, each of which is right or wrong by itself.
    static func ranges(in message: UnsafeRawBufferPointer, countMax: Int) throws(ClientCommandError) -> [Range<Int>] {
        guard message.first(where: { !$0.isJSONWhitespace }) == UInt8(ascii: "["),
            let found = JSONText.elements(of: message, countMax: countMax), found.count > 0
        else { return [message.indices] }
        guard found.count <= countMax else {
            throw ClientCommandError(reason: .tooMany(countMax), field: nil, id: nil)
        }
        return found.ranges
    }
}

extension UInt8 {
    /// What may stand between the tokens of JSON, RFC 8259 §2.
    var isJSONWhitespace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
