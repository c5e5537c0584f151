internal import Broker

/// What a client missed, told as fast as it reads.
///
/// Thread: owned by one reactor. It holds the publications that all who missed the same hold, and frames of only the next
/// few: ten thousand slow clients that come back at once cost one history and not ten thousand.
struct Replay {
    /// One channel of it.
    private struct Part {
        let topic: Topic
        /// Its place in the cursor's text.
        let place: Int
        var rest: ArraySlice<Publication>
        /// Whether it is what a newcomer is told.
        let isSnapshot: Bool
        /// Holds its memory.
        let page: SharedPage?
    }

    private var parts: [Part]

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

    /// The parts of a join whose client was told where each of them begins.
    init(_ join: Join, continuation: Join?, hasCursors: Bool) {
        self.continuation = continuation
        byteCount = join.replayBytes
        made = []
        wanted = join.topics.map(\.name)
        parts = join.parts.enumerated().map { place, part in
            Part(topic: part.topic, place: place, rest: part.replay, isSnapshot: part.isSnapshot, page: part.page)
        }
        cursorText = hasCursors ? CursorText(join.parts.lazy.map { (topic: $0.topic, position: $0.toldPosition) }) : nil
        standings = join.parts.map { SessionPosition($0.topic.name, $0.position) }
        dropFinishedParts()
    }

    /// Nothing that is told, and behind it what goes on from where the client stands.
    init(behind standing: SessionPosition, continuation: Join) {
        self.continuation = continuation
        byteCount = 0
        parts = []
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
        cursorText = nil
        standings = []
    }

    var isFinished: Bool { parts.isEmpty && made.isEmpty }

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
        parts.removeAll { part in !wanted.contains { $0.overlaps(part.topic.name) } }
        dropFinishedParts()
    }

    /// Where the client stands in a channel, if it is one of those that are told.
    func position(in channel: ChannelName) -> Position? {
        standings.first { $0.channel == channel }?.position
    }

    /// Takes the next publication; the cursor moves behind it.
    mutating func next() -> (publication: Publication, topic: Topic, isSnapshot: Bool)? {
        guard let (topic, place, isSnapshot) = parts.first.map({ ($0.topic, $0.place, $0.isSnapshot) }),
            let publication = parts[0].rest.popFirst()
        else { return nil }
        standings[place] = SessionPosition(topic.name, publication.position)
        cursorText?.move(place, to: publication.position)
        dropFinishedParts()
        return (publication, topic, isSnapshot)
    }

    private mutating func dropFinishedParts() {
        // bounded: a part for each channel of a poll or a connection, which have a limit
        while let first = parts.first, first.rest.isEmpty { parts.removeFirst() }
    }
}
