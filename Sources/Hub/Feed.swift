public import Broker
internal import Text

/// A fan-out log that knows the channels that go into it, in one encoding.
///
/// Thread: owned by one reactor. A WebSocket reads one feed per channel. An event stream reads one feed for all its
/// channels, because each of its `id:` lines is the cursor of all; streams of the same channels share it.
///
/// Size: 120 bytes with the log, until something is published: most channels are read in one way, and a node may hear a hundred thousand.
public final class Feed: FanoutLog {
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

    // Side by side: what stands apart from others of its size takes as much as the largest.
    /// Whether it stands in the queue of feeds to be flushed.
    var isQueued = false

    /// Whether somebody reads it; see `FeedTable`.
    var isRead = false

    /// Whether a rule lets its messages be compressed as its stage says. Until the rules change.
    var mayCompress = false

    /// Whether patterns are among what its readers asked for.
    let hasPatterns: Bool

    /// What its readers asked for, sorted by name; a pattern brings its channels along.
    public let topics: Few<Topic>

    /// Compresses what its readers are sent, or wraps what must not be.
    var coder: FeedCoder?

    private var matching = Seldom<Matching>()
    private var passing: Passing?

    /// What patterns have to do with.
    private struct Matching {
        var standings = PatternStandings([])
        var waiters: [Topic] = []
        var pacer: PatternPacer?
    }

    /// What there is once something was published. An object, and no `Seldom`: it is changed in place with each publication and each part of
    /// a round, and never goes again.
    private final class Passing {
        var waitingMilliseconds: [UInt64] = []
        var roundMilliseconds: [UInt64] = []
        var countedBytes = 0
        var newest: (publication: Publication, topic: Topic)?

        func beginRound() {
            if roundMilliseconds.isEmpty { swap(&roundMilliseconds, &waitingMilliseconds) }
        }

        func endRound(_ observe: (UInt64) -> Void) {
            for milliseconds in roundMilliseconds { observe(milliseconds) }
            roundMilliseconds.removeAll(keepingCapacity: roundMilliseconds.capacity <= 256)
        }
    }

    init(kind: Kind, topics: Few<Topic>, windowBytesMax: Int, policy: SlowReaderPolicy) {
        self.kind = kind
        self.topics = topics
        hasPatterns = topics.contains(where: \.isPattern)
        super.init(windowBytesMax: windowBytesMax, policy: policy)
        if hasPatterns { patternStandings = PatternStandings(topics) }
    }

    private func neededPassing() -> Passing {
        if let passing { return passing }
        let made = Passing()
        passing = made
        return made
    }

    /// What its readers are told of where they stand in patterns.
    var patternStandings: PatternStandings {
        get { matching.known?.standings ?? PatternStandings([]) }
        _modify { yield &matching[orNew: Matching()].standings }
    }

    /// Channels of its patterns that have publications waiting for room in it.
    var waiters: [Topic] {
        get { matching.known?.waiters ?? [] }
        _modify { yield &matching[orNew: Matching()].waiters }
    }

    /// What holds all that is published back from its readers, if something does: it has patterns then.
    var patternPacer: PatternPacer? {
        get { hasPatterns ? matching.known?.pacer : nil }
        set { matching[orNew: Matching()].pacer = newValue }
    }

    /// Whether its readers are yet to be told something that is not in its log.
    var isHoldingBack: Bool { patternPacer?.isEmpty == false }

    /// The newest publication, where its frame is of no use to a reader that lacks those before it but is to be sent it.
    var newest: (publication: Publication, topic: Topic)? {
        get { passing?.newest }
        set { neededPassing().newest = newValue }
    }

    /// What it was counted with in the memory of all logs.
    var countedBytes: Int {
        get { passing?.countedBytes ?? 0 }
        set { if newValue != countedBytes { neededPassing().countedBytes = newValue } }
    }

    // MARK: How long publications take

    /// Notes when something was published that is not sent to everyone yet.
    func noteTime(_ milliseconds: UInt64) { neededPassing().waitingMilliseconds.append(milliseconds) }

    /// What was published so far is what the round brings that begins, unless one is under way.
    func beginRoundOfTimes() { passing?.beginRound() }

    /// All readers were sent what the round under way began with: says when each of that was published.
    func endRoundOfTimes(_ observe: (UInt64) -> Void) { passing?.endRound(observe) }

    /// What its readers are sent.
    public var encoding: Encoding { kind.encoding }

    /// How that is compressed.
    var stage: Stage { kind.stage }

    /// Whether its readers asked for a channel.
    func isOf(_ channel: ChannelName) -> Bool { topics.contains { $0.name == channel } }

    /// Whether its readers asked for just these; both are sorted.
    func isOfSame(_ others: Few<Topic>) -> Bool {
        // Mostly one look tells: a client with a hundred channels is asked this of each for each.
        topics[0] === others[0] && topics.elementsEqual(others) { $0 === $1 }
    }

    /// Whether a channel's publications go into it.
    func has(_ topic: Topic) -> Bool { topic.feeds.contains { $0 === self } }

    /// Where a reader stands that has everything.
    var cursor: String {
        if hasPatterns { return patternStandings.cursor(topics) { $0.cursorEntry } }
        return topics.count == 1
            ? entry(of: topics[0]) : topics.map { entry(of: $0) }.joined(separator: Cursor.separator)
    }

    private func entry(of topic: Topic) -> String { pacer(of: topic)?.cursorEntry ?? topic.cursorEntry }

    /// What holds a channel's publications back from it, if something does. Who reads patterns has one for all channels: `patternPacer`.
    func pacer(of topic: Topic) -> Pacer? {
        guard topic.isPaced, !hasPatterns else { return nil }
        return topic.pacer(of: kind.pace)
    }

    /// Where a reader stands in one of its channels that has all of its log.
    func standing(in topic: Topic) -> Position { pacer(of: topic)?.released ?? topic.last }

    /// Where a reader stands that has everything but what follows a position in one of the channels.
    func cursor(_ topic: Topic, at position: Position) -> String {
        if hasPatterns {
            return patternStandings.cursor(topics) { $0 === topic ? $0.cursorEntry(at: position) : $0.cursorEntry }
        }
        return topics.map { $0 === topic ? $0.cursorEntry(at: position) : entry(of: $0) }.joined(
            separator: Cursor.separator
        )
    }
}
