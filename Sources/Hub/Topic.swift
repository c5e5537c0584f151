public import Broker
internal import DequeModule
internal import Text

/// A channel as one reactor sees it.
///
/// Thread: owned by one reactor. It lives while the reactor has a subscriber, or someone who is about to be one.
public final class Topic {
    /// The channel's name.
    public let name: ChannelName

    /// The channel's name in a cursor.
    let cursorName: String

    /// Whether it tells who is subscribed.
    let hasPresence: Bool

    /// Whether the uplink said where the channel stands.
    public var isOpen = false

    /// The newest position that was appended to the feeds.
    public var last = Position.start

    /// The channel's part of a cursor that stands at the newest position. Made once for all feeds that have the channel among
    /// others: a client may have a hundred of them in a feed of its own.
    var cursorEntry: String {
        if let known = madeEntry, known.position == last { return known.text }
        let text = cursorEntry(at: last)
        madeEntry = (last, text)
        return text
    }

    /// The same where a client stands elsewhere.
    func cursorEntry(at position: Position) -> String { Cursor.entry(cursorName, at: position) }

    private var madeEntry: (position: Position, text: String)?

    /// Reports were dropped; what is missing was asked for, or will be once there is room for it.
    var isCatchingUp = false

    /// Whether it is asked for once the logs have room.
    var catchesUpLater = false

    /// What was published while the logs were full, and its memory.
    var waiting = Deque<Publication>()
    var waitingBytes = 0

    /// The newest position that was reported.
    var lastReported: Position { waiting.last?.position ?? last }

    /// Whether some log has several windows that were not sent to everyone yet. Then its readers cannot keep up with its
    /// publishers, and nobody else's publications must wait behind it.
    var isFull: Bool { feeds.contains { $0.log.unsentBytes > 4 * $0.log.windowBytesMax } }

    /// Everything that is made of this channel's publications.
    public var feeds: [Feed] = []

    /// The clients that wait for the channel to open, for a recovery, for their other channels, or for their turn.
    var joins: [ClientID: JoinPart] = [:]

    /// The clients that are being told a part of what they missed, and ask for the rest later. Apart from those that wait: a
    /// thousand slow clients must not be looked at with each publication.
    var telling: [ClientID: JoinPart] = [:]

    /// What a client waits for, or is being told.
    func part(of client: ClientID) -> JoinPart? { joins[client] ?? telling[client] }

    /// A client no longer waits, and is told no more.
    func forget(_ client: ClientID) {
        joins[client] = nil
        telling[client] = nil
    }

    /// Polls that are held until something is published.
    var polls: [ClientID: Poll] = [:]

    /// The position of the recovery that was asked for: it answers all joins that wait from there or from later.
    var recoveryUnderWay: Position?

    /// Positions that clients come back with, were not reported yet and were asked about.
    var questionsAhead: Set<Position> = []

    /// Subscriptions and polls that are held, for the cluster-wide count.
    var subscribers = 0

    /// Whether the count changed since the uplink was told.
    var isCountDirty = false

    init(_ name: ChannelName, hasPresence: Bool) {
        self.name = name
        self.hasPresence = hasPresence
        cursorName = PercentCoding.encode(name.text)
    }
}

/// A fan-out log and the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
public final class Feed {
    /// What makes two streams the same.
    public struct Key: Hashable {
        /// What its readers are sent.
        public let encoding: Encoding
        /// Sorted.
        public let channels: [ChannelName]

        init(encoding: Encoding, channels: [ChannelName]) {
            self.encoding = encoding
            self.channels = channels
        }
    }

    /// What makes it one.
    public let key: Key
    /// Its channels, sorted by name.
    public let topics: [Topic]
    /// What its readers are sent from.
    public let log: FanoutLog

    /// Whether it stands in the queue of feeds to be flushed.
    var isQueued = false

    /// What its log was counted with in the memory of all logs.
    var countedBytes = 0

    /// Times of publications that are not sent to everyone yet, and of those the round under way began with.
    var waitingMilliseconds: [UInt64] = []
    var roundMilliseconds: [UInt64] = []

    init(key: Key, topics: [Topic], log: FanoutLog) {
        self.key = key
        self.topics = topics
        self.log = log
    }

    /// Where a reader stands that has everything.
    var cursor: String {
        topics.count == 1 ? topics[0].cursorEntry : topics.map(\.cursorEntry).joined(separator: Cursor.separator)
    }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    func cursor(_ topic: Topic, at position: Position) -> String {
        topics.map { $0 === topic ? $0.cursorEntry(at: position) : $0.cursorEntry }.joined(separator: Cursor.separator)
    }
}
