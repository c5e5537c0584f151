internal import Broker

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
    var isNamed: Bool

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
    func cut(behind end: Position?) {
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
