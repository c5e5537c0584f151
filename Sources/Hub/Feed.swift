public import Broker
internal import Text

/// A fan-out log and the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
public final class Feed {
    /// What is made of its channels' publications.
    public struct Kind: Hashable {
        /// What its readers are sent.
        public let encoding: Encoding
        /// How that is compressed.
        public let stage: Stage

        /// How often its readers asked to be told.
        public let pace: Pace

        init(_ encoding: Encoding, _ stage: Stage = .direct, pace: Pace) {
            self.encoding = encoding
            self.stage = stage
            self.pace = pace
        }

        /// The same for the same readers, at another stage.
        func at(_ stage: Stage) -> Kind { Kind(encoding, stage, pace: pace) }
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

    /// What makes it another than the other feeds of the same channels.
    public let kind: Kind
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

    init(kind: Kind, topics: [Topic], log: FanoutLog) {
        self.kind = kind
        self.topics = topics
        self.log = log
        patternStandings = PatternStandings(topics)
    }

    /// What its readers are sent.
    public var encoding: Encoding { kind.encoding }

    /// How that is compressed.
    var stage: Stage { kind.stage }

    /// Whether its readers asked for a channel.
    func isOf(_ channel: ChannelName) -> Bool { topics.contains { $0.name == channel } }

    /// Whether its readers asked for just these; both are sorted.
    func isOfSame(_ others: [Topic]) -> Bool { topics.elementsEqual(others) { $0 === $1 } }

    /// Whether a channel's publications go into it.
    func has(_ topic: Topic) -> Bool { topic.feeds.contains { $0 === self } }

    /// Where a reader stands that has everything.
    var cursor: String {
        if !patternStandings.isEmpty { return patternStandings.cursor(topics) { $0.cursorEntry } }
        return topics.count == 1 ? entry(of: topics[0]) : topics.map(entry).joined(separator: Cursor.separator)
    }

    private func entry(of topic: Topic) -> String { pacer(of: topic)?.cursorEntry ?? topic.cursorEntry }

    /// What holds a channel's publications back from it, if something does. Who reads patterns is told whenever there is something.
    func pacer(of topic: Topic) -> Pacer? {
        guard topic.isPaced, patternStandings.isEmpty else { return nil }
        return topic.pacer(of: kind.pace)
    }

    /// Where a reader stands in one of its channels that has all of its log.
    func standing(in topic: Topic) -> Position { pacer(of: topic)?.released ?? topic.last }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    func cursor(_ topic: Topic, at position: Position) -> String {
        if !patternStandings.isEmpty {
            return patternStandings.cursor(topics) { $0 === topic ? $0.cursorEntry(at: position) : $0.cursorEntry }
        }
        return topics.map { $0 === topic ? $0.cursorEntry(at: position) : entry(of: $0) }.joined(
            separator: Cursor.separator
        )
    }
}
