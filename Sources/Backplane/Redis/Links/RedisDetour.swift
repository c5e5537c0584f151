internal import Broker
internal import DequeModule

/// What is asked about a slot of a Redis Cluster while that is on its way from one master to another.
///
/// Thread: owned by the uplink. What one connection publishes in a channel stays in order: what was sent to the master of before comes
/// back first, in the order in which it was sent; then one question tries the way, and only when it is answered the others follow.
struct RedisDetour {
    /// What is to be done next.
    enum Step {
        /// Nothing: somebody has to answer first.
        case wait
        /// These were overtaken and must not be done any more; then there is a next step.
        case giveUp([any RedisCommand])
        /// This one tries the way.
        case attempt(any RedisCommand)
        /// The way is clear for these, in order.
        case clear([any RedisCommand])
    }

    /// When it began, on the monotonic clock.
    let beganAt: UInt64

    /// Of what was sent before it began, so many have not come back.
    private var unansweredCount: Int

    /// What came back, and what was asked since.
    private var returned: Deque<any RedisCommand> = []
    private var held: Deque<any RedisCommand> = []

    /// Whether one is on its way.
    private(set) var isTrying = false
    private var isClear = false

    /// Channels in which something was done that had been sent behind what came back.
    private var passed: Set<ChannelName> = []

    init(beganAt: UInt64, unansweredCount: Int) {
        self.beganAt = beganAt
        self.unansweredCount = unansweredCount
    }

    /// Commands that wait.
    var count: Int { returned.count + held.count }

    /// It is asked while others wait.
    mutating func hold(_ command: any RedisCommand) { held.append(command) }

    /// It was sent on, or back.
    mutating func takeBack(_ command: any RedisCommand) {
        if isTrying {
            isTrying = false
            returned.prepend(command)
        } else {
            unansweredCount = max(unansweredCount - 1, 0)
            returned.append(command)
        }
    }

    /// Another one that was sent before it began was answered, or the one that tried the way.
    mutating func takeAnswer(to command: any RedisCommand) {
        if isTrying {
            isTrying = false
            isClear = true
        } else {
            unansweredCount = max(unansweredCount - 1, 0)
            if let channel = command.orderedChannel, !returned.isEmpty { passed.insert(channel) }
        }
    }

    /// What is to be done now.
    mutating func next() -> Step {
        guard !isTrying, unansweredCount == 0 else { return .wait }
        let overtaken = returned.filter { $0.orderedChannel.map(passed.contains) ?? false }
        if !overtaken.isEmpty {
            returned.removeAll { $0.orderedChannel.map(passed.contains) ?? false }
            return .giveUp(Array(overtaken))
        }
        if !isClear, let first = returned.popFirst() ?? held.popFirst() {
            isTrying = true
            return .attempt(first)
        }
        return .clear(removeAll())
    }

    /// Gives all up.
    mutating func removeAll() -> [any RedisCommand] {
        defer { (returned, held) = ([], []) }
        return Array(returned + held)
    }
}
