package import Broker
package import DequeModule

/// A channel as one reactor sees it.
///
/// Thread: owned by one reactor. It lives while the reactor has a subscriber, or someone who is about to be one.
package final class Topic {
    package let name: ChannelName

    /// The channel's name in a cursor.
    package let cursorName: String

    /// Whether it tells who is subscribed.
    package let hasPresence: Bool

    /// Whether the uplink said where the channel stands.
    package var isOpen = false

    /// The newest position that was appended to the feeds.
    package var last = Position.start

    /// The channel's part of a cursor that stands at the newest position. Made once for all feeds that have the channel among
    /// others: a client may have a hundred of them in a feed of its own.
    package var cursorEntry: String {
        if let known = madeEntry, known.position == last { return known.text }
        let text = "\(cursorName)@\(last)"
        madeEntry = (last, text)
        return text
    }

    private var madeEntry: (position: Position, text: String)?

    /// Reports were dropped; what is missing was asked for, or will be once there is room for it.
    package var isCatchingUp = false

    /// Whether it is asked for once the logs have room.
    package var catchesUpLater = false

    /// What was published while the logs were full, and its memory.
    package var waiting = Deque<Publication>()
    package var waitingBytes = 0

    /// The newest position that was reported.
    package var lastReported: Position { waiting.last?.position ?? last }

    /// Whether some log has several windows that were not sent to everyone yet. Then its readers cannot keep up with its
    /// publishers, and nobody else's publications must wait behind it.
    package var isFull: Bool { feeds.contains { $0.log.unsentBytes > 4 * $0.log.windowBytesMax } }

    /// Everything that is made of this channel's publications.
    package var feeds: [Feed] = []

    /// Who waits for the channel to open, for a recovery, for its other channels, or for its turn: one for a connection.
    package var joins: [ClientID: JoinPart] = [:]

    /// Who is being told a part of what it missed, and asks for the rest later. Apart from those that wait: a thousand slow
    /// clients must not be looked at with each publication.
    package var telling: [ClientID: JoinPart] = [:]

    /// What a client waits for, or is being told.
    package func part(of client: ClientID) -> JoinPart? { joins[client] ?? telling[client] }

    /// A client no longer waits, and is told no more.
    package func forget(_ client: ClientID) {
        joins[client] = nil
        telling[client] = nil
    }

    /// Polls that are held until something is published.
    package var polls: [ClientID: Poll] = [:]

    /// The position of the recovery that was asked for and covers those who wait with it or later.
    package var recoveryUnderWay: Position?

    /// Positions that clients come back with, were not reported yet and were asked about.
    package var questionsAhead: Set<Position> = []

    /// Subscriptions and polls that are held, for the cluster-wide count.
    package var subscribers = 0

    /// Whether the count changed since the uplink was told.
    package var isCountDirty = false

    package init(_ name: ChannelName, hasPresence: Bool) {
        self.name = name
        self.hasPresence = hasPresence
        cursorName = Cursor.encode(name.text)
    }
}

/// A fan-out log and the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
package final class Feed {
    /// What makes two streams the same.
    package struct Key: Hashable {
        package let encoding: Encoding
        /// Sorted.
        package let channels: [ChannelName]

        package init(encoding: Encoding, channels: [ChannelName]) {
            self.encoding = encoding
            self.channels = channels
        }
    }

    package let key: Key
    package let topics: [Topic]
    package let log: FanoutLog

    /// Whether it stands in the queue of feeds to be flushed.
    package var isQueued = false

    /// What its log was counted with in the memory of all logs.
    package var countedBytes = 0

    /// Times of publications that are not sent to everyone yet, and of those the round under way began with.
    package var waitingMilliseconds: [UInt64] = []
    package var roundMilliseconds: [UInt64] = []

    package init(key: Key, topics: [Topic], log: FanoutLog) {
        self.key = key
        self.topics = topics
        self.log = log
    }

    /// Where a reader stands that has everything.
    package var cursor: String {
        topics.count == 1 ? topics[0].cursorEntry : topics.map(\.cursorEntry).joined(separator: ",")
    }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    package func cursor(_ topic: Topic, at position: Position) -> String {
        topics.map { $0 === topic ? "\($0.cursorName)@\(position)" : $0.cursorEntry }.joined(separator: ",")
    }
}
