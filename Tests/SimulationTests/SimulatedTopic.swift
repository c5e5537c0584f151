import Broker
import Reactor

/// A channel as one edge sees it, with the one log that all its connections read. (See Edge/Topic.swift.)
final class SimulatedTopic {
    let name: ChannelName
    let number: Int
    var isOpen = false
    var last = Position.start
    var isCatchingUp = false
    var log: FanoutLog?
    var isQueued = false
    var joins: [SimulatedJoin] = []
    var polls: [SimulatedPoll] = []
    var isAdvancing = false
    var recoveryUnderWay: Position?
    var questionsAhead: Set<Position> = []

    init(_ name: ChannelName, number: Int) {
        self.name = name
        self.number = number
    }
}

/// A connection that is about to be subscribed to a channel. (See Edge/Join.swift; a WebSocket's joins have one part.)
final class SimulatedJoin {
    enum State {
        case telling
        case opening
        case recovering
        case ready
    }

    let slot: UInt32
    let topic: SimulatedTopic
    let since: Position?
    let deadlineTick: Tick
    /// Whether the client was told that it is subscribed, and a part of what it missed.
    let isContinuation: Bool
    var state: State
    var replay: [Publication] = []
    var isRecovered: Bool?
    var position = Position.start
    var isDone = false
    var leavesRest = false

    init(slot: UInt32, topic: SimulatedTopic, since: Position?, deadlineTick: Tick) {
        self.slot = slot
        self.topic = topic
        self.since = since
        self.deadlineTick = deadlineTick
        isContinuation = false
        state = .opening
    }

    init(continuing join: SimulatedJoin) {
        slot = join.slot
        topic = join.topic
        since = join.replay.last?.position ?? join.position
        deadlineTick = .start
        isContinuation = true
        state = .telling
    }

    func take(_ missed: [Publication], hasMore: Bool, bytesMax: Int) {
        var byteCount = 0
        replay = Array(
            missed.prefix { publication in
                defer { byteCount += publication.payload.bytes.count }
                return byteCount == 0 || byteCount < bytesMax
            }
        )
        leavesRest = hasMore || replay.count < missed.count
    }
}
