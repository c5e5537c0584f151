internal import Broker
internal import DequeModule
internal import Reactor

/// A channel as one reactor sees it.
///
/// Thread: owned by one reactor. It lives while the reactor has a subscriber, or someone who is about to be one.
final class Topic {
    let name: ChannelName

    /// The channel's name in a cursor.
    let cursorName: String

    /// Whether it tells who is subscribed.
    let hasPresence: Bool

    /// Whether the uplink said where the channel stands.
    var isOpen = false

    /// The newest position that was appended to the feeds.
    var last = Position.start

    /// The channel's part of a cursor that stands at the newest position. Made once for all feeds that have the channel among
    /// others: a client may have a hundred of them in a feed of its own.
    var cursorEntry: String {
        if let known = madeEntry, known.position == last { return known.text }
        let text = "\(cursorName)@\(last)"
        madeEntry = (last, text)
        return text
    }

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
    var feeds: [Feed] = []

    /// Who waits for the channel to open, for a recovery, for its other channels, or for its turn: one for a connection.
    var joins: [SlabKey: JoinPart] = [:]

    /// Polls that are held until something is published.
    var polls: [SlabKey: Poll] = [:]

    /// The position of the recovery that was asked for and covers those who wait with it or later.
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
        cursorName = Cursor.encode(name.text)
    }
}

/// A fan-out log and the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
final class Feed {
    /// What makes two streams the same.
    struct Key: Hashable {
        let encoding: Encoding
        /// Sorted.
        let channels: [ChannelName]
    }

    let key: Key
    let topics: [Topic]
    let log: FanoutLog

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
        topics.count == 1 ? topics[0].cursorEntry : topics.map(\.cursorEntry).joined(separator: ",")
    }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    func cursor(_ topic: Topic, at position: Position) -> String {
        topics.map { $0 === topic ? "\($0.cursorName)@\(position)" : $0.cursorEntry }.joined(separator: ",")
    }
}
