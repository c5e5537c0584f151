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

    init(connection: SlabKey, parts: [JoinPart], commandID: [UInt8]?, poll: Poll?, deadlineTick: UInt32) {
        self.connection = connection
        self.parts = parts
        self.commandID = commandID
        self.poll = poll
        self.deadlineTick = deadlineTick
        for part in parts { part.join = self }
    }

    var isReady: Bool { parts.allSatisfy { $0.state == .ready } }
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

    var state = State.opening
    var replay: ArraySlice<Publication> = []

    /// Whether nothing is missing since `since`; `nil` without one.
    var isRecovered: Bool?

    /// Where what follows begins.
    var position = Position.start

    /// What it is part of; set by the join itself, and never outlived by it.
    unowned(unsafe) var join: Join!

    init(topic: Topic, since: Position?) {
        self.topic = topic
        self.since = since
    }
}
