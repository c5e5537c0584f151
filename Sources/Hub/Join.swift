internal import Broker

/// Someone who is about to be subscribed: to one channel on a WebSocket, to all of its channels on an event stream.
///
/// Thread: owned by one reactor. It is done when each of its parts is ready. What was missed may be more than a client is told
/// at once: then it is followed by another one, which goes on where the client stands once it was told the first part.
final class Join {
    let client: ClientID

    /// One for each channel; of patterns also those that they stand for, where it is known of them what the client has.
    private(set) var parts: [JoinPart]

    /// Where the client stands in channels that its patterns stand for.
    let entries: [ChannelName: Position]

    /// Whether the client was told by the one before it that it is subscribed.
    let isContinuation: Bool

    /// Whether the client reads its channel already, and only catches up: who is present stays so.
    let isOfReader: Bool

    /// The id of the command that asks, as the client's own JSON.
    let commandID: [UInt8]?

    /// The poll that it is for, which is no subscription.
    let poll: Poll?

    /// When it is given up, in milliseconds of a clock that never jumps. A continuation is not: its client waits as long as a
    /// subscriber would.
    private(set) var deadlineMilliseconds = UInt64.max

    /// How often its client wants to be told of what follows.
    let pace: Pace

    /// Finished or given up.
    var isDone = false

    /// Whether it is ready, and waits until others are told as much as its client was.
    var waitsForPace = false

    /// Whether it is yet to begin, and waits until others of its client are done.
    var isFollowing = false

    /// Whether it is ready, and waits until its client was told what it missed of what it reads.
    var waitsForReader = false

    /// Whether others of its client may have to wait for it.
    var isListed = false

    /// Whether it stands among those that are finished in turn.
    var isQueued = false

    /// Parts that are not ready. Counted, for a join of 128 channels hears from each of them.
    private var unreadyCount: Int

    /// Payload in the replays of all parts.
    fileprivate(set) var replayBytes = 0

    /// Where it reads patterns: what comes behind this in any of their channels is left to what follows, for what was missed is told oldest
    /// first. `nil` while there is room for all of it.
    fileprivate private(set) var end: Position?

    init(
        client: ClientID,
        parts: [JoinPart],
        entries: [ChannelName: Position] = [:],
        commandID: [UInt8]?,
        poll: Poll?,
        pace: Pace
    ) {
        self.pace = pace
        self.client = client
        self.parts = parts
        self.entries = entries
        self.commandID = commandID
        self.poll = poll
        isContinuation = false
        isOfReader = false
        unreadyCount = parts.count
        for part in parts { part.join = self }
    }

    /// Of a client that was a reader of a channel, and goes on from where it stands once its connection takes bytes again.
    init(goingOnIn topic: Topic, since: Position, client: ClientID, pace: Pace) {
        self.client = client
        self.pace = pace
        parts = [JoinPart(topic: topic, since: since, state: .telling)]
        entries = [:]
        commandID = nil
        poll = nil
        isContinuation = true
        isOfReader = true
        unreadyCount = 1
        for part in parts { part.join = self }
    }

    /// What follows a join that leaves a rest.
    init(continuing join: Join) {
        client = join.client
        pace = join.pace
        parts = join.parts.map { JoinPart(continuing: $0) }
        entries = join.entries
        commandID = nil
        poll = nil
        isContinuation = true
        isOfReader = join.isOfReader
        unreadyCount = parts.count
        for part in parts { part.join = self }
    }

    var isReady: Bool { unreadyCount == 0 }

    /// It is its turn, and it is given up later.
    func begin(deadlineMilliseconds: UInt64) {
        isFollowing = false
        self.deadlineMilliseconds = deadlineMilliseconds
    }

    /// What was asked for.
    var topics: [Topic] { parts.filter { !$0.isMember }.map(\.topic) }

    /// Adds a channel that one of its patterns stands for.
    func add(_ part: JoinPart) {
        part.join = self
        parts.append(part)
        unreadyCount += 1
    }

    /// All parts are ready. Puts the channels that were added where they belong, for cursors are sorted, and leaves to what follows what
    /// none of them is told yet.
    func close() {
        guard parts.contains(where: \.isMember) else { return }
        parts = parts.sortedByName
        cutAtEnd()
        nameGaps()
    }

    /// Where many channels of a pattern lost something, a cursor does not say of each what its client was told of that: who is cut off
    /// meanwhile is told once more.
    private func nameGaps() {
        let lossy = parts.filter { $0.isMember && $0.isRecovered == false }
        guard lossy.count <= PatternStandings.namedMax else { return }
        for part in lossy { part.isNamed = true }
    }

    fileprivate var readsPatterns: Bool { parts.contains { $0.isMember || $0.topic.isPattern } }

    /// Not all of what is behind a position is here.
    fileprivate func end(behind position: Position) { end = min(end ?? position, position) }

    /// Leaves the newer half of what was missed to what follows.
    fileprivate func makeRoom() {
        let all = parts.flatMap { part in part.replay.map { ($0.position, $0.payload.bytes.count) } }.sorted {
            $0.0 < $1.0
        }
        var room = replayBytes / 2
        let fitting = all.prefix { _, byteCount in
            defer { room -= byteCount }
            return room > 0
        }
        guard let last = fitting.last else { return }
        end(behind: last.0)
        cutAtEnd()
    }

    private func cutAtEnd() {
        for part in parts { part.cut(behind: end) }
    }

    /// Whether nothing is missing since what the client said of a part; of a pattern of all that it stands for.
    func isRecovered(_ part: JoinPart) -> Bool? {
        // Who said nothing of where it stands is told nothing of it.
        if part.isSnapshot { return nil }
        guard part.topic.isPattern, part.since != nil else { return part.isRecovered }
        return parts.allSatisfy {
            $0.isRecovered != false || !$0.isMember || !part.topic.name.stands(for: $0.topic.name)
        }
    }

    /// Whether some of what was missed is not in its replays.
    var leavesRest: Bool { parts.contains(where: \.leavesRest) }

    /// Whether an answer with room for so many bytes leaves some of what was missed to the next one.
    func hasMore(thanRoomBytes roomBytes: Int32) -> Bool {
        if leavesRest { return true }
        var room = Int(roomBytes)
        for part in parts {
            for publication in part.replay {
                if room <= 0 { return true }
                room -= publication.payload.jsonByteCount
            }
        }
        return false
    }

    fileprivate func notePartReady() {
        assert(unreadyCount > 0, "a part was ready twice")
        unreadyCount -= 1
    }
}

/// One channel of a join.
final class JoinPart {
    enum State {
        /// The client is being told what was read before.
        case telling
        /// The channel is not open yet.
        case opening
        /// What the client missed is being read.
        case recovering
        /// Everything since `since` is in `replay`, and what is published meanwhile is added to it.
        case ready
    }

    let topic: Topic

    /// Where the client stands, if it said so.
    private(set) var since: Position?

    private(set) var state: State
    private(set) var replay: ArraySlice<Publication> = []

    /// What holds the memory of the replay.
    private(set) var page: SharedPage?

    /// Whether nothing is missing since `since`; `nil` without one.
    var isRecovered: Bool?

    /// Whether more was missed than the replay has.
    private(set) var leavesRest = false

    /// Where what follows begins.
    var position = Position.start

    /// What it is part of; set by the join itself, and never outlived by it.
    // bounded: set by the join that makes it
    unowned(unsafe) var join: Join!

    /// Whether it was not asked for by itself, but by a pattern that stands for it.
    let isMember: Bool

    /// Whether `since` is when the client had everything, and no publication's place.
    let isBound: Bool

    /// Whether a cursor says where the client stands before it is told what it missed. It need not in a channel of a pattern that the
    /// client said nothing of, for which the pattern's position counts.
    fileprivate(set) var isNamed: Bool

    /// Whether the client is new to a keyed channel, and is told the newest of each key first.
    let isSnapshot: Bool

    /// Of a pattern: whether its channels are parts of the join.
    var isExpanded = false

    init(
        topic: Topic,
        since: Position?,
        isMember: Bool = false,
        isBound: Bool = false,
        isSnapshot: Bool = false,
        state: State = .opening
    ) {
        self.topic = topic
        self.since = since
        self.isMember = isMember
        self.isBound = isBound
        isNamed = !isMember || !isBound
        self.state = state
        self.isSnapshot = isSnapshot
    }

    /// Of a client that is new to a keyed channel: it stands where that begins.
    init(snapshotOf topic: Topic) {
        self.topic = topic
        since = .start
        isMember = false
        isBound = false
        isNamed = true
        state = .opening
        isSnapshot = true
    }

    /// What goes on where another one ends.
    init(continuing part: JoinPart) {
        topic = part.topic
        since = part.position
        isMember = part.isMember
        isBound = false
        isNamed = part.isNamed
        isSnapshot = part.isSnapshot
        isExpanded = true
        state = .telling
    }

    /// Whether there is something to tell.
    var hasNews: Bool { !replay.isEmpty || leavesRest || isRecovered == false }

    /// Where a poll that is not answered yet asks from: who said nothing of a channel has it from now on. A pattern has no such place, and
    /// one who is new to a keyed channel is told all that is there by then.
    var comesBackSince: Position? {
        if isSnapshot { return nil }
        return topic.isPattern ? since : since ?? position
    }

    /// Where the client is told that it stands, before it is told what it missed.
    var toldSince: Position? { isNamed ? since : nil }

    /// The same once it was told what is gone.
    var toldPosition: Position? { isNamed ? position : nil }

    /// The client was told what was read before, and stands here now.
    func begin(since: Position?, isNamed: Bool) {
        assert(state == .telling, "only a continuation begins once it is its turn")
        self.since = since ?? self.since
        self.isNamed = isNamed
        state = .opening
    }

    func becomeRecovering() {
        assert(state != .ready, "what is ready stays so")
        state = .recovering
    }

    /// Takes as much of what was missed as there is room for.
    ///
    /// - Parameter hasMore: whether the rest of it is yet to be read.
    func take(_ missed: ArraySlice<Publication>, of page: SharedPage, hasMore: Bool, roomBytes: Int) {
        if join.readsPatterns { return takeInOrder(missed, of: page, hasMore: hasMore, roomBytes: roomBytes) }
        var byteCount = 0
        let fitting = missed.prefix { publication in
            defer { byteCount += publication.payload.bytes.count }
            return byteCount < roomBytes
        }
        leavesRest = hasMore
        hold(missed, of: page)
        if fitting.count < missed.count { cut(at: fitting.endIndex) }
    }

    /// The same where other channels may leave their newest to make room for what is older.
    private func takeInOrder(_ missed: ArraySlice<Publication>, of page: SharedPage, hasMore: Bool, roomBytes: Int) {
        leavesRest = hasMore
        if hasMore, let last = missed.last { join.end(behind: last.position) }
        let before = join.replayBytes
        hold(missed, of: page)
        cut(behind: join.end)
        if join.replayBytes - before > roomBytes { join.makeRoom() }
    }

    private func hold(_ missed: ArraySlice<Publication>, of page: SharedPage) {
        replay = missed
        self.page = page
        join.replayBytes += missed.payloadBytes
    }

    /// Leaves what comes behind a position to the join that follows.
    fileprivate func cut(behind end: Position?) {
        guard let end, let first = replay.firstIndex(where: { $0.position > end }) else { return }
        cut(at: first)
    }

    /// The same from an index on.
    private func cut(at index: Int) {
        leavesRest = true
        join.replayBytes -= replay.payloadBytes
        // A copy: the slice would hold all of the page.
        replay = ArraySlice(Array(replay[..<index]))
        let byteCount = replay.payloadBytes
        page = page?.part(byteCount: byteCount)
        join.replayBytes += byteCount
    }

    /// Adds what is published while the other parts are not ready, if there is room for it.
    func add(_ publication: Publication, roomBytes: Int) {
        guard !leavesRest else { return }
        let isBehindEnd = join.end.map { publication.position > $0 } ?? false
        if isBehindEnd || roomBytes <= 0 && !join.readsPatterns {
            leavesRest = true
            return
        }
        join.replayBytes += publication.payload.bytes.count
        replay.append(publication)
        if roomBytes <= 0 { join.makeRoom() }
    }

    /// Leaves what comes behind a position to what the client is told next by who reads the channel.
    func leave(behind position: Position) {
        guard let first = replay.firstIndex(where: { $0.position > position }) else { return }
        replay = replay[..<first]
    }

    /// Of what was missed only the newest is told.
    func keepNewest() {
        guard !leavesRest else { return }
        replay = replay.suffix(1)
    }

    /// What was missed is gone: what follows begins at a position. Where there is a rest, reading it will tell. Where positions went
    /// back, what leads up to there is not gone, and what came behind it the client never had.
    func lose(upTo position: Position) {
        guard !leavesRest else { return }
        if let last = replay.lastIndex(where: { $0.position == position }) {
            replay = replay[...last]
            return
        }
        // What was lost may be all behind where the client stands.
        isRecovered = position == since
        self.position = position
        letGo()
    }

    /// Lets go of what was missed; its memory may be the reader's own now.
    func letGo() {
        replay = []
        page = nil
    }

    func becomeReady() {
        guard state != .ready else { return }
        state = .ready
        join.notePartReady()
    }
}

extension ArraySlice<Publication> {
    fileprivate var payloadBytes: Int { reduce(0) { $0 + $1.payload.bytes.count } }
}

extension [JoinPart] {
    /// In the order of cursors.
    var sortedByName: [JoinPart] {
        sorted { $0.topic.name.text.utf8.lexicographicallyPrecedes($1.topic.name.text.utf8) }
    }
}
