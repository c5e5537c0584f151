public import Broker
public import DequeModule

/// A channel as one reactor sees it.
///
/// Thread: owned by one reactor. It lives while the reactor has a subscriber, or someone who is about to be one.
public final class Topic {
    public let name: ChannelName

    /// The channel's name in a cursor.
    public let cursorName: String

    /// Whether it tells who is subscribed.
    public let hasPresence: Bool

    /// Whether the uplink said where the channel stands.
    public var isOpen = false

    /// The newest position that was appended to the feeds.
    public var last = Position.start

    /// The channel's part of a cursor that stands at the newest position. Made once for all feeds that have the channel among
    /// others: a client may have a hundred of them in a feed of its own.
    public var cursorEntry: String {
        if let known = madeEntry, known.position == last { return known.text }
        let text = "\(cursorName)@\(last)"
        madeEntry = (last, text)
        return text
    }

    private var madeEntry: (position: Position, text: String)?

    /// Reports were dropped; what is missing was asked for, or will be once there is room for it.
    public var isCatchingUp = false

    /// Whether it is asked for once the logs have room.
    public var catchesUpLater = false

    /// What was published while the logs were full, and its memory.
    public var waiting = Deque<Publication>()
    public var waitingBytes = 0

    /// The newest position that was reported.
    public var lastReported: Position { waiting.last?.position ?? last }

    /// Whether some log has several windows that were not sent to everyone yet. Then its readers cannot keep up with its
    /// publishers, and nobody else's publications must wait behind it.
    public var isFull: Bool { feeds.contains { $0.log.unsentBytes > 4 * $0.log.windowBytesMax } }

    /// Everything that is made of this channel's publications.
    public var feeds: [Feed] = []

    /// Who waits for the channel to open, for a recovery, for its other channels, or for its turn: one for a connection.
    public var joins: [ClientID: JoinPart] = [:]

    /// Who is being told a part of what it missed, and asks for the rest later. Apart from those that wait: a thousand slow
    /// clients must not be looked at with each publication.
    public var telling: [ClientID: JoinPart] = [:]

    /// What a client waits for, or is being told.
    public func part(of client: ClientID) -> JoinPart? { joins[client] ?? telling[client] }

    /// A client no longer waits, and is told no more.
    public func forget(_ client: ClientID) {
        joins[client] = nil
        telling[client] = nil
    }

    /// Polls that are held until something is published.
    public var polls: [ClientID: Poll] = [:]

    /// The position of the recovery that was asked for and covers those who wait with it or later.
    public var recoveryUnderWay: Position?

    /// Positions that clients come back with, were not reported yet and were asked about.
    public var questionsAhead: Set<Position> = []

    /// Subscriptions and polls that are held, for the cluster-wide count.
    public var subscribers = 0

    /// Whether the count changed since the uplink was told.
    public var isCountDirty = false

    public init(_ name: ChannelName, hasPresence: Bool) {
        self.name = name
        self.hasPresence = hasPresence
        cursorName = Cursor.encode(name.text)
    }
}

/// A fan-out log and the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
public final class Feed {
    /// What makes two streams the same.
    public struct Key: Hashable {
        public let encoding: Encoding
        /// Sorted.
        public let channels: [ChannelName]

        public init(encoding: Encoding, channels: [ChannelName]) {
            self.encoding = encoding
            self.channels = channels
        }
    }

    public let key: Key
    public let topics: [Topic]
    public let log: FanoutLog

    /// Whether it stands in the queue of feeds to be flushed.
    public var isQueued = false

    /// What its log was counted with in the memory of all logs.
    public var countedBytes = 0

    /// Times of publications that are not sent to everyone yet, and of those the round under way began with.
    public var waitingMilliseconds: [UInt64] = []
    public var roundMilliseconds: [UInt64] = []

    public init(key: Key, topics: [Topic], log: FanoutLog) {
        self.key = key
        self.topics = topics
        self.log = log
    }

    /// Where a reader stands that has everything.
    public var cursor: String {
        topics.count == 1 ? topics[0].cursorEntry : topics.map(\.cursorEntry).joined(separator: ",")
    }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    public func cursor(_ topic: Topic, at position: Position) -> String {
        topics.map { $0 === topic ? "\($0.cursorName)@\(position)" : $0.cursorEntry }.joined(separator: ",")
    }
}
