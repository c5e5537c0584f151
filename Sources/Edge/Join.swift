internal import Broker
internal import Reactor

/// Someone who is about to be subscribed: to one channel on a WebSocket, to all of its channels on an event stream.
///
/// Thread: owned by one reactor. It is done when each of its parts is ready.
final class Join {
    let connection: SlabKey
    let parts: [JoinPart]

    /// The id of the command that asks, as the client's own JSON.
    let commandID: [UInt8]?

    /// The poll that it is for, which is no subscription.
    let poll: Poll?

    /// The tick after which it is given up.
    let deadlineTick: UInt32

    /// Finished or given up.
    var isDone = false

    /// Whether it stands among those that are finished in turn.
    var isQueued = false

    /// Parts that are not ready. Counted, for a join of 128 channels hears from each of them.
    private var unreadyCount: Int

    /// Payload in the replays of all parts.
    fileprivate(set) var replayBytes = 0

    init(connection: SlabKey, parts: [JoinPart], commandID: [UInt8]?, poll: Poll?, deadlineTick: UInt32) {
        self.connection = connection
        self.parts = parts
        self.commandID = commandID
        self.poll = poll
        self.deadlineTick = deadlineTick
        unreadyCount = parts.count
        for part in parts { part.join = self }
    }

    var isReady: Bool { unreadyCount == 0 }

    fileprivate func notePartReady() {
        assert(unreadyCount > 0, "a part was ready twice")
        unreadyCount -= 1
    }
}

/// One channel of a join.
final class JoinPart {
    enum State {
        /// The channel is not open yet.
        case opening
        /// What the client missed is being read.
        case recovering
        /// Everything since `since` is in `replay`, and what is published meanwhile is added to it.
        case ready
    }

    let topic: Topic

    /// Where the client stands, if it said so.
    let since: Position?

    private(set) var state = State.opening
    private(set) var replay: ArraySlice<Publication> = []

    /// What holds the memory of the replay.
    private(set) var page: SharedPage?

    /// Whether nothing is missing since `since`; `nil` without one.
    var isRecovered: Bool?

    /// Where what follows begins.
    var position = Position.start

    /// What it is part of; set by the join itself, and never outlived by it.
    // bounded: set by the join that makes it
    unowned(unsafe) var join: Join!

    init(topic: Topic, since: Position?) {
        self.topic = topic
        self.since = since
    }

    func becomeRecovering() {
        assert(state != .ready, "what is ready stays so")
        state = .recovering
    }

    /// Takes what was missed, if there is room for it: says whether there was.
    func take(_ missed: ArraySlice<Publication>, byteCount: Int, of page: SharedPage, bytesMax: Int) -> Bool {
        guard join.replayBytes + byteCount <= bytesMax else { return false }
        join.replayBytes += byteCount
        replay = missed
        self.page = page
        return true
    }

    /// Adds what is published while the other parts are not ready, if there is room for it: says whether there was.
    func add(_ publication: Publication, bytesMax: Int) -> Bool {
        let byteCount = publication.payload.bytes.count
        guard join.replayBytes + byteCount <= bytesMax else { return false }
        join.replayBytes += byteCount
        replay.append(publication)
        return true
    }

    /// What was missed is gone: what follows begins at a position.
    func lose(upTo position: Position) {
        isRecovered = false
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
