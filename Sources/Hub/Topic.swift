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
    public var isOpen = false {
        didSet { noteBehind() }
    }

    /// The newest position that was appended to the feeds. Of a pattern: until when its readers have everything that they do not
    /// have a position of.
    public var last = Position.start

    /// Whether it stands for several channels, which are found one by one. What is here of reports and logs is theirs then.
    var isPattern: Bool { name.isPattern }

    /// Of a pattern: the channels that were found, and how many of them wait for what came before their newest.
    var members: [ChannelName: Topic] = [:]
    var behindCount = 0

    /// Of a pattern: the channels that moved since `last`, for which that does not speak.
    private(set) var recent: [Topic] = []

    /// Patterns that stand for it and are read.
    var patterns: [Topic] = []

    /// Whether the uplink waits for what came before its newest.
    var isBehind = false {
        didSet { if isBehind != oldValue { noteBehind() } }
    }

    /// Whether its readers may lack what came before its newest.
    private var mayLack: Bool { isBehind || isCatchingUp || !waiting.isEmpty || !isOpen }
    private var isCountedBehind = false

    /// Has its patterns know whether it may lack something.
    func noteBehind() {
        guard mayLack != isCountedBehind else { return }
        isCountedBehind.toggle()
        for pattern in patterns { pattern.behindCount += isCountedBehind ? 1 : -1 }
    }

    /// A pattern stands for it.
    func join(_ pattern: Topic) {
        pattern.members[name] = self
        patterns.append(pattern)
        if isCountedBehind { pattern.behindCount += 1 }
    }

    /// The pattern is no longer read.
    func leave(_ pattern: Topic) {
        patterns.removeAll { $0 === pattern }
        if isCountedBehind { pattern.behindCount -= 1 }
    }

    /// Of a pattern: a publication of a channel of it was appended. What was made in earlier milliseconds was appended, too, unless one
    /// of its channels lacks something: Redis publishes one after the other.
    func advance(behind position: Position, in member: Topic) {
        if !recent.contains(where: { $0 === member }) { recent.append(member) }
        guard behindCount == 0, position.milliseconds > last.milliseconds + 1 else { return }
        last = Position(milliseconds: position.milliseconds - 1, sequence: 0)
        leaveOld()
    }

    /// One of its channels is open, or it is itself.
    func noteOpened(_ member: Topic) {
        if member !== self, !recent.contains(where: { $0 === member }) { recent.append(member) }
        leaveOld()
    }

    private func leaveOld() { recent.removeAll { $0.last <= last } }

    /// It is read no longer.
    func forgetMembers() {
        members = [:]
        recent = []
    }

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
    var isCatchingUp = false {
        didSet { if isCatchingUp != oldValue { noteBehind() } }
    }

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

    /// What was published within this second, and for how many readers, while somebody wants to know; see `ActivityCount`.
    var recentPublications = 0
    var recentDeliveries = 0

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
        /// What is done to its messages besides.
        public let stage: Stage

        init(encoding: Encoding, channels: [ChannelName], stage: Stage = .direct) {
            self.encoding = encoding
            self.channels = channels
            self.stage = stage
        }

        /// The same channels for the same readers, at another stage.
        func at(_ stage: Stage) -> Key { Key(encoding: encoding, channels: channels, stage: stage) }
    }

    /// How its messages are compressed.
    public enum Stage: UInt8 {
        /// Not at all.
        case direct
        /// Not yet: its readers go on with the shared feed of the same channels where that refers to nothing before.
        case waiting
        /// Each with those before it.
        case shared
        /// Each by itself.
        case alone
    }

    /// What makes it one.
    public let key: Key
    /// What its readers asked for, sorted by name; a pattern brings its channels along.
    public let topics: [Topic]

    /// What its readers are told of where they stand in patterns.
    var patternStandings: PatternStandings

    /// Channels of its patterns that have publications waiting for room in its log.
    var waiters: [Topic] = []
    /// What its readers are sent from.
    public let log: FanoutLog

    /// Whether it stands in the queue of feeds to be flushed.
    var isQueued = false

    /// Compresses what its readers are sent, or wraps what must not be.
    var coder: FeedCoder?

    /// Whether a rule lets its messages be compressed as its stage says. Until the rules change.
    var mayCompress = false

    /// The newest publication, where its frame is of no use to a reader that lacks those before it but is to be sent it.
    var newest: (publication: Publication, topic: Topic)?

    /// What its log was counted with in the memory of all logs.
    var countedBytes = 0

    /// Times of publications that are not sent to everyone yet, and of those the round under way began with.
    var waitingMilliseconds: [UInt64] = []
    var roundMilliseconds: [UInt64] = []

    init(key: Key, topics: [Topic], log: FanoutLog) {
        self.key = key
        self.topics = topics
        self.log = log
        patternStandings = PatternStandings(topics)
    }

    /// Whether a channel's publications go into it.
    func has(_ topic: Topic) -> Bool { topic.feeds.contains { $0 === self } }

    /// Where a reader stands that has everything.
    var cursor: String {
        if !patternStandings.isEmpty { return patternStandings.cursor(topics) { $0.cursorEntry } }
        return topics.count == 1 ? topics[0].cursorEntry : topics.map(\.cursorEntry).joined(separator: Cursor.separator)
    }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    func cursor(_ topic: Topic, at position: Position) -> String {
        if !patternStandings.isEmpty {
            return patternStandings.cursor(topics) { $0 === topic ? $0.cursorEntry(at: position) : $0.cursorEntry }
        }
        return topics.map { $0 === topic ? $0.cursorEntry(at: position) : $0.cursorEntry }.joined(
            separator: Cursor.separator
        )
    }
}
