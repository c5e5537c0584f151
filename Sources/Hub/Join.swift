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
    var replayBytes = 0

    /// Where it reads patterns: what comes behind this in any of their channels is left to what follows, for what was missed is told oldest
    /// first. `nil` while there is room for all of it.
    private(set) var end: Position?

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

    var readsPatterns: Bool { parts.contains { $0.isMember || $0.topic.isPattern } }

    /// Not all of what is behind a position is here.
    func end(behind position: Position) { end = min(end ?? position, position) }

    /// Leaves the newer half of what was missed to what follows.
    func makeRoom() {
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

    func notePartReady() {
        assert(unreadyCount > 0, "a part was ready twice")
        unreadyCount -= 1
    }
}
