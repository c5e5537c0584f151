public import Broker
internal import DequeModule

/// A request that is answered when something was published, or when it was held long enough.
///
/// Thread: owned by one reactor. It has no queue of its own: the client says where it stands, and is told where it stands
/// then. So an answer that is lost is asked for again, from any node. There is one for each idle client: what is small in it stands
/// together.
public final class Poll {
    /// The client that waits.
    public let client: ClientID

    /// When it is answered with nothing, in milliseconds of a clock that never jumps. Known from the moment on when it came.
    public private(set) var deadlineMilliseconds: UInt64 = 0

    /// Its channels, and where the client stands in each once it has the answer.
    private var places = PollPlaces()

    /// Its channels.
    var topics: some Collection<Topic> { places.lazy.map(\.topic) }

    /// Channels that its patterns stand for, of which the client said where it stands, or is told something.
    private var members: [(topic: Topic, position: Position)] = []

    /// What the answer holds.
    private(set) var items: [PollItem] = []

    /// What is missing since the client's cursor.
    public private(set) var gaps: [(topic: Topic, from: Position, to: Position)] = []

    /// How long it is held while there is nothing to tell; 0 for who asks now and then, and does not wait.
    var holdMilliseconds: UInt64 { UInt64(heldMilliseconds) }
    private var heldMilliseconds: UInt32

    /// Bytes of payload the answer still has room for, and whether something was left for the next poll because of that.
    /// Then nothing that has a position is added, or the cursor would pass over what was left.
    private(set) var roomBytes: Int32
    private(set) var isDivided = false

    /// What its answer is written in.
    public let encoding: Encoding

    /// Whether it has a session, and so is a member of channels that tell who is present.
    public let hasSession: Bool

    /// Whether the client said where it stands, and so is told whether all since then is here.
    public let hasCursor: Bool

    /// Whether its session is let go of with its answer, and not by who writes that.
    let releasesSession: Bool

    var isAnswered = false

    /// Whether more was missed than was read for it; then it is answered at once, and the next one is told the rest.
    private(set) var leavesRest = false

    private var isDue = false

    /// How often its client wants to be told.
    private(set) var pace = Pace.any

    /// Whether something came that its client is not to be told yet: what it is told is read anew once it may be.
    private(set) var isEarly = false

    /// Makes one that waits for its channels.
    public init(
        client: ClientID,
        encoding: Encoding,
        hasSession: Bool,
        hasCursor: Bool,
        holdMilliseconds: UInt64,
        bytesMax: Int,
        releasesSession: Bool = true
    ) {
        self.releasesSession = releasesSession
        self.client = client
        self.encoding = encoding
        self.hasSession = hasSession
        self.hasCursor = hasCursor
        heldMilliseconds = UInt32(clamping: holdMilliseconds)
        roomBytes = Int32(clamping: bytesMax)
    }

    /// It came, and is held from now on. Says nothing new where it asks for more channels.
    func begin(now: UInt64, _ pace: Pace) {
        guard deadlineMilliseconds == 0 else { return }
        deadlineMilliseconds = now + holdMilliseconds
        self.pace = pace
    }

    /// When its client may be told of a channel of some rate; `nil` for one that is told whatever there is: who does not wait, and who is
    /// new.
    func mayTellMilliseconds(_ rate: MaxRate) -> UInt64? {
        guard hasCursor, holdMilliseconds > 0 else { return nil }
        return deadlineMilliseconds - holdMilliseconds + rate.intervalMilliseconds
    }

    /// Where its client stands, as far as it was told nothing yet: what it comes back with once it may be told something.
    var asked: (channels: [(name: ChannelName, since: Position?)], entries: [ChannelName: Position]) {
        assert(!hasNews, "who has something to tell does not come back")
        let entries = members.map { ($0.topic.name, $0.position) }
        return (places.map { ($0.topic.name, $0.position) }, Dictionary(entries) { first, _ in first })
    }

    /// It is no longer held, and comes back. What it had of channels it is still present in, until it is given them anew.
    func comeBack() {
        isEarly = false
        isDue = false
    }

    /// It is given its channels, all of them.
    func beginAnew() {
        places = PollPlaces()
        members = []
    }

    /// It is answered as soon as its channels are open.
    func endHold() { heldMilliseconds = 0 }

    /// Whether there is something to tell.
    public var hasNews: Bool { !items.isEmpty || !gaps.isEmpty }

    /// Where the client stands once it has the answer.
    public var cursor: String {
        leaveOld()
        return (places + members)
            .sorted { $0.topic.name.text.utf8.lexicographicallyPrecedes($1.topic.name.text.utf8) }
            .map { $0.topic.cursorEntry(at: $0.position) }.joined(separator: Cursor.separator)
    }

    /// Where the client stands once it has the answer, in each channel that it asked for.
    public var standings: [SessionPosition] {
        leaveOld()
        return places.map { SessionPosition($0.topic.name, $0.position) }
    }

    /// The same in channels that its patterns stand for, as far as those do not say it.
    public var memberStandings: [SessionPosition] {
        leaveOld()
        // Those that it asked for by name, too: their names may be given up before the pattern is.
        let own = places.filter { place in places.contains { $0.topic.name.stands(for: place.topic.name) } }
        return (members + own).map { SessionPosition($0.topic.name, $0.position) }
    }

    /// Leaves channels to their patterns where there are many: whoever has the answer has all that came before the newest.
    private func leaveOld() {
        guard !isDivided, !leavesRest else { return }
        leaveOld(upTo: nil)
    }

    /// The same where the client has all that was missed up to a position, and not what is behind it.
    private func leaveOld(upTo told: Position?) {
        guard members.count > PatternStandings.namedMax else { return }
        for place in places.indices where places[place].topic.isPattern {
            let last = places[place].topic.last
            places[place].position = max(places[place].position, min(told ?? last, last))
        }
        members.removeAll { member in
            places.contains { $0.topic.name.stands(for: member.topic.name) && member.position <= $0.position }
        }
    }

    /// Adds channels that are open, with what the client missed in them, oldest first.
    func begin(_ parts: [JoinPart]) {
        for part in parts { begin(part) }
        if isDivided || parts.allSatisfy(\.replay.isEmpty) { return }
        var missed = MissedPublications(parts)
        var told = Position.start
        while let (publication, place) = missed.next() {
            let part = parts[place]
            let item = PollItem(
                topic: part.topic,
                payload: publication.payload,
                position: publication.position,
                isSnapshot: part.isSnapshot
            )
            add(item, at: publication.position, cost: publication.payload.jsonByteCount)
            if isDivided { break }
            if missed.nextPosition.map({ $0 > publication.position }) ?? true { told = publication.position }
        }
        if isDivided || leavesRest { leaveOld(upTo: told) }
    }

    /// Adds a channel at where its client stands before it is told what it missed.
    private func begin(_ part: JoinPart) {
        let start = isDivided ? part.since : part.isMember ? part.toldPosition : part.position
        if part.isMember {
            if let start { members.append((part.topic, start)) }
        } else {
            places.append((part.topic, start ?? part.position))
            if part.since == nil {
                for topic in part.topic.recent where !members.contains(where: { $0.topic === topic }) {
                    members.append((topic, topic.last))
                }
            }
        }
        if isDivided { return }
        if part.leavesRest { leavesRest = true }
        if part.isRecovered == false { gaps.append((part.topic, part.since ?? .start, part.position)) }
    }

    private func add(_ item: PollItem, at position: Position, cost: Int) {
        if roomBytes <= 0 { isDivided = true }
        guard !isDivided else { return }
        roomBytes = Int32(clamping: Int(roomBytes) - cost)
        items.append(item)
        advance(item.topic, to: position)
    }

    /// Something came that is not to be told yet. One that is about to be answered leaves it to the next, and with it all that follows.
    func takeEarly() -> Bool {
        if hasNews { isDivided = true }
        defer { isEarly = !hasNews }
        return !isEarly && !hasNews
    }

    /// Adds what was published meanwhile; the first of it puts the poll among those that are due.
    func take(_ payload: Payload, at position: Position?, in topic: Topic, due: inout Deque<Poll>) {
        if isEarly { return }
        let item = PollItem(topic: topic, payload: payload, position: position)
        if let position { add(item, at: position, cost: payload.bytes.count) } else { items.append(item) }
        becomeDue(&due)
    }

    /// Notes that something is gone for good.
    func takeGap(from: Position, to position: Position, in topic: Topic, due: inout Deque<Poll>) {
        if isDivided || isEarly { return }
        gaps.append((topic, from, position))
        advance(topic, to: position)
        becomeDue(&due)
    }

    /// No longer has a channel: what was published in it is not told, either.
    func end(_ topic: Topic) {
        guard let place = places.firstIndex(where: { $0.topic === topic }) else { return }
        places.remove(at: place)
        func isGone(_ other: Topic) -> Bool {
            other === topic
                || topic.name.stands(for: other.name)
                    && !places.contains { $0.topic === other || $0.topic.name.stands(for: other.name) }
        }
        items.removeAll { isGone($0.topic) }
        gaps.removeAll { isGone($0.topic) }
        members.removeAll { isGone($0.topic) }
    }

    private func advance(_ topic: Topic, to position: Position) {
        if let place = places.firstIndex(where: { $0.topic === topic }) {
            places[place].position = position
        } else if let place = members.firstIndex(where: { $0.topic === topic }) {
            members[place].position = position
        } else {
            members.append((topic, position))
        }
    }

    private func becomeDue(_ due: inout Deque<Poll>) {
        if !isDue { due.append(self) }
        isDue = true
    }
}
