internal import Broker

/// Someone who is about to be subscribed: to one channel on a WebSocket, to all of its channels on an event stream.
///
/// Thread: owned by one reactor. It is done when each of its parts is ready. What was missed may be more than a client is told
/// at once: then it is followed by another one, which goes on where the client stands once it was told the first part.
final class Join {
    let client: ClientID
    let parts: [JoinPart]

    /// Whether the client was told by the one before it that it is subscribed.
    let isContinuation: Bool

    /// The id of the command that asks, as the client's own JSON.
    let commandID: [UInt8]?

    /// The poll that it is for, which is no subscription.
    let poll: Poll?

    /// When it is given up, in milliseconds of a clock that never jumps. A continuation is not: its client waits as long as a
    /// subscriber would.
    let deadlineMilliseconds: UInt64

    /// Finished or given up.
    var isDone = false

    /// Whether it stands among those that are finished in turn.
    var isQueued = false

    /// Parts that are not ready. Counted, for a join of 128 channels hears from each of them.
    private var unreadyCount: Int

    /// Payload in the replays of all parts.
    fileprivate(set) var replayBytes = 0

    init(client: ClientID, parts: [JoinPart], commandID: [UInt8]?, poll: Poll?, deadlineMilliseconds: UInt64) {
        self.client = client
        self.parts = parts
        self.commandID = commandID
        self.poll = poll
        self.deadlineMilliseconds = deadlineMilliseconds
        isContinuation = false
        unreadyCount = parts.count
        for part in parts { part.join = self }
    }

    /// What follows a join that leaves a rest.
    init(continuing join: Join) {
        client = join.client
        parts = join.parts.map { JoinPart(topic: $0.topic, since: $0.position, state: .telling) }
        commandID = nil
        poll = nil
        deadlineMilliseconds = .max
        isContinuation = true
        unreadyCount = parts.count
        for part in parts { part.join = self }
    }

    var isReady: Bool { unreadyCount == 0 }

    /// Whether some of what was missed is not in its replays.
    var leavesRest: Bool { parts.contains(where: \.leavesRest) }

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

    init(topic: Topic, since: Position?, state: State = .opening) {
        self.topic = topic
        self.since = since
        self.state = state
    }

    /// The client was told what was read before, and stands here now.
    func begin(since: Position?) {
        assert(state == .telling, "only a continuation begins once it is its turn")
        self.since = since ?? self.since
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
        var byteCount = 0
        let fitting = missed.prefix { publication in
            defer { byteCount += publication.payload.bytes.count }
            return byteCount < roomBytes
        }
        leavesRest = hasMore || fitting.count < missed.count
        if fitting.count == missed.count {
            replay = missed
            self.page = page
        } else {
            // A copy: the slice would hold all of the page.
            replay = ArraySlice(Array(fitting))
            byteCount = fitting.reduce(0) { $0 + $1.payload.bytes.count }
            self.page = page.part(byteCount: byteCount)
        }
        join.replayBytes += byteCount
    }

    /// Adds what is published while the other parts are not ready, if there is room for it.
    func add(_ publication: Publication, roomBytes: Int) {
        guard !leavesRest else { return }
        guard roomBytes > 0 else {
            leavesRest = true
            return
        }
        join.replayBytes += publication.payload.bytes.count
        replay.append(publication)
    }

    /// What was missed is gone: what follows begins at a position. Where there is a rest, reading it will tell.
    func lose(upTo position: Position) {
        guard !leavesRest else { return }
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
