internal import Broker

/// What a client missed, told as fast as it reads.
///
/// Thread: owned by one reactor. It holds the publications that all who missed the same hold, and frames of only the next
/// few: ten thousand slow clients that come back at once cost one history and not ten thousand.
struct Replay {
    /// One channel of it.
    private struct Part {
        let topic: Topic
        /// Whether it is what a newcomer is told.
        let isSnapshot: Bool
    }

    private var parts: [Part]
    private var missed: MissedPublications

    /// Frames of a feed that its reader has left, which come behind what was missed before.
    let made: [UInt8]

    /// What was asked for, of which it tells.
    private var wanted: [ChannelName]

    /// What goes on where this ends, if it is not all that was missed.
    let continuation: Join?

    /// Payload that it began with.
    let byteCount: Int

    /// Where the client stands, in each of its channels, once it has what was taken so far.
    private(set) var standings: [SessionPosition]

    /// The same as text, if that is told with each message.
    private(set) var cursorText: CursorText?

    /// Its patterns, by their places, and how far all is known that was published in channels which they stand for.
    private var patterns: [(place: Int, known: Position)] = []

    /// The parts of a join whose client was told where each of them begins.
    init(_ join: Join, continuation: Join?, hasCursors: Bool) {
        self.continuation = continuation
        byteCount = join.replayBytes
        made = []
        wanted = join.topics.map(\.name)
        parts = join.parts.map { Part(topic: $0.topic, isSnapshot: $0.isSnapshot) }
        missed = MissedPublications(join.parts)
        cursorText = hasCursors ? CursorText(join.parts, at: \.toldPosition) : nil
        standings = join.parts.map { SessionPosition($0.topic.name, $0.position) }
        patterns = parts.enumerated().lazy.filter(\.element.topic.isPattern).map { ($0, $1.topic.last) }
    }

    /// Nothing that is told, and behind it what goes on from where the client stands.
    init(behind standing: SessionPosition, continuation: Join) {
        self.continuation = continuation
        byteCount = 0
        parts = []
        missed = MissedPublications([])
        made = []
        wanted = [standing.channel]
        cursorText = nil
        standings = [standing]
    }

    /// Frames that tell of some channels. Where their reader stands meanwhile, what comes before them says.
    init(made: [UInt8], of wanted: [ChannelName]) {
        self.made = made
        self.wanted = wanted
        continuation = nil
        byteCount = 0
        parts = []
        missed = MissedPublications([])
        cursorText = nil
        standings = []
    }

    var isFinished: Bool { missed.isEmpty && made.isEmpty }

    /// Whether its client still wants something of it.
    var isWanted: Bool { !wanted.isEmpty }

    /// Whether it has channels in common with a name.
    func overlaps(_ name: ChannelName) -> Bool {
        wanted.contains { $0.overlaps(name) } || standings.contains { $0.channel.overlaps(name) }
    }

    /// Whether it tells of a channel.
    func tells(of channel: ChannelName) -> Bool { wanted.contains(channel) || position(in: channel) != nil }

    /// Its client no longer wants a channel: that is not told, unless something else that was asked for stands for it.
    mutating func leave(_ channel: ChannelName) {
        guard wanted.contains(channel) else { return }
        wanted.removeAll { $0 == channel }
        let (wanted, parts) = (wanted, parts)
        missed.drop { place in !wanted.contains { $0.overlaps(parts[place].topic.name) } }
    }

    /// Where the client stands in a channel, if it is one of those that are told.
    func position(in channel: ChannelName) -> Position? {
        standings.first { $0.channel == channel }?.position
    }

    /// Takes the next publication; the cursor moves behind it.
    mutating func next() -> (publication: Publication, topic: Topic, isSnapshot: Bool)? {
        guard let (publication, place) = missed.next() else { return nil }
        move(place, to: publication.position)
        if missed.nextPosition.map({ $0 > publication.position }) ?? true { movePatterns(to: publication.position) }
        return (publication, parts[place].topic, parts[place].isSnapshot)
    }

    private mutating func move(_ place: Int, to position: Position) {
        standings[place] = SessionPosition(parts[place].topic.name, position)
        cursorText?.move(place, to: position)
    }

    /// The client has all that was missed up to a position, in whichever channel: what is left, and what a continuation brings, is behind it.
    private mutating func movePatterns(to position: Position) {
        for (place, known) in patterns where standings[place].position.map({ $0 < min(position, known) }) ?? false {
            move(place, to: min(position, known))
        }
        cursorText?.leaveToPatterns()
    }
}
