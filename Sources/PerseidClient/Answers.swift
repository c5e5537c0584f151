internal import Broker
internal import Wire

/// What was published in a channel, oldest first.
public struct HistoryPage: Sendable {
    /// The messages.
    public let messages: [Message]

    /// Where the channel stands.
    public let position: Position?

    /// Whether there are more: behind the last one where a position was asked for, else before the first.
    public let hasMore: Bool

    /// Whether nothing is missing since the position that was asked for.
    public let isRecovered: Bool?

    init(_ json: [UInt8], of channel: String) throws(PerseidError) {
        let read = json.withUnsafeBytes { bytes in
            Result { () throws(PerseidError) in try HistoryPage(bytes, of: channel) }
        }
        self = try read.get()
    }

    private init(_ json: UnsafeRawBufferPointer, of channel: String) throws(PerseidError) {
        guard let fields = JSONFields(json, ["publications", "position", "more", "recovered"]), let list = fields[0]
        else {
            throw .nonsense("what answers is no history")
        }
        var messages: [Message] = []
        for element in try PollAnswer.elements(of: list) {
            let publication = try ServerMessage(publication: element, of: ChannelName(channel))
            guard case .message(let name, let position, let payload, let marks) = publication else { continue }
            messages.append(
                Message(
                    channel: name.text,
                    position: position.map { Position($0) },
                    payload: payload,
                    key: marks.key,
                    isSnapshot: marks.isSnapshot
                )
            )
        }
        self.messages = messages
        position = fields[1]?.jsonString.flatMap { Position($0) }
        hasMore = fields[2]?.isJSONTrue ?? false
        isRecovered = fields[3]?.isJSONTrue
    }
}

/// Who is subscribed to a channel, in the whole cluster.
public struct Presence: Sendable {
    /// One who is.
    public struct Member: Sendable, Hashable {
        /// What it is known by, for as long as its session lasts where it has one.
        public let id: String
        /// The node it is connected to.
        public let node: String
        /// By what it reads, as nodes name it.
        public let transport: String
        /// Since when, in milliseconds since 1970.
        public let sinceMilliseconds: UInt64
        /// Who it is, as JSON, where that is known.
        public let user: [UInt8]?
        /// What others may see of it besides, as JSON.
        public let info: [UInt8]?
    }

    /// How many there are.
    public let count: Int

    /// Those that are listed.
    public let members: [Member]

    init(_ json: [UInt8]) throws(PerseidError) {
        let read = json.withUnsafeBytes { bytes in
            Result { () throws(PerseidError) in try Presence(bytes) }
        }
        self = try read.get()
    }

    private init(_ json: UnsafeRawBufferPointer) throws(PerseidError) {
        guard let fields = JSONFields(json, ["count", "members"]), let list = fields[1] else {
            throw .nonsense("what answers is no presence")
        }
        members = try PollAnswer.elements(of: list).compactMap { Member($0) }
        count = fields[0]?.jsonInteger.flatMap { Int(exactly: $0) } ?? members.count
    }
}

extension Presence.Member {
    fileprivate init?(_ json: UnsafeRawBufferPointer) {
        guard let fields = JSONFields(json, ["id", "node", "transport", "since", "user", "info"]),
            let id = fields[0]?.jsonString
        else { return nil }
        self.id = id
        node = fields[1]?.jsonString ?? ""
        transport = fields[2]?.jsonString ?? ""
        sinceMilliseconds = fields[3]?.jsonInteger.flatMap { UInt64(exactly: $0) } ?? 0
        user = fields[4].map { Array($0) }
        info = fields[5].map { Array($0) }
    }
}
