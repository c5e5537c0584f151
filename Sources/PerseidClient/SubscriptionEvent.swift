/// What a subscription tells, in the order in which it happened.
public enum SubscriptionEvent: Sendable {
    /// Something was published.
    case message(Message)
    /// Something is missing, and cannot be had any more.
    case gap(Gap)
    /// A channel is open: the first time, and again after each new connection.
    case opened(Opened)
    /// The connection is another one, or there is none at the moment.
    case connection(ConnectionState)

    /// Bytes it takes while it waits for its reader, with what belongs to every event.
    var byteCount: Int {
        guard case .message(let message) = self else { return Self.overheadBytes }
        return Self.overheadBytes + message.payload.byteCount
    }

    /// What an event takes beside its payload: its place in the queue, and the objects that have its channel and payload.
    private static let overheadBytes = 256
}

/// A publication, as a subscriber is told of it.
public struct Message: Sendable, Hashable {
    /// The channel it was published in; of use with a pattern such as `room/*`.
    public let channel: String

    /// Where it stands; `nil` for one that is not kept, which was published to Redis alone.
    public let position: Position?

    /// What was published.
    public let payload: Payload

    /// What it is about, if its publisher said so.
    public let key: String?

    /// Whether it was there before its reader came: of a keyed channel a newcomer is told the newest of each key first.
    public let isSnapshot: Bool

    /// What is missing before it and cannot be had any more, where a loop over messages tells of it.
    public var gap: Gap?

    /// Names a publication.
    public init(
        channel: String,
        position: Position?,
        payload: Payload,
        key: String? = nil,
        isSnapshot: Bool = false
    ) {
        self.channel = channel
        self.position = position
        self.payload = payload
        self.key = key
        self.isSnapshot = isSnapshot
    }

    /// The text that was published, if it was one.
    public var text: String? { payload.text }

    /// Every byte of what was published: a text without its quotes, other JSON as it is.
    public var bytes: [UInt8] { payload.bytes }
}

/// Publications that are gone from the history: those after `from`, up to and including `to`.
public struct Gap: Sendable, Hashable {
    /// The channel.
    public let channel: String

    /// The last one that was told before.
    public let from: Position

    /// Where the subscription stands now.
    public let to: Position
}

/// A channel that is read from now on.
public struct Opened: Sendable, Hashable {
    /// The channel, or the pattern.
    public let channel: String

    /// What follows this position is told; `nil` where the node does not say.
    public let position: Position?

    /// Whether all that followed the position one came with is told; `nil` for one who came with none.
    public let isRecovered: Bool?
}
