internal import Broker
internal import DequeModule

/// Joins that are under way.
///
/// Thread: owned by one reactor.
struct JoinQueue {
    /// Those that were not ready at once, in the order in which they are given up.
    private(set) var waiting = Deque<Join>()

    /// Those that are ready, to be finished in turn.
    private(set) var ready = Deque<Join>()

    /// Those whose clients are yet to be told all that they missed, by client.
    private var continuations: [ClientID: [Join]] = [:]

    /// Patterns that clients wait for, or are yet to be told all of, by client.
    private var patternCounts: [ClientID: Int] = [:]

    var isEmpty: Bool {
        ready.isEmpty && continuations.isEmpty && waiting.allSatisfy(\.isDone)
    }

    /// Counts a join until it is done.
    mutating func begin(_ join: Join) { changePatternCount(of: join, by: 1) }

    func patternCount(of client: ClientID) -> Int { patternCounts[client] ?? 0 }

    private mutating func changePatternCount(of join: Join, by sign: Int) {
        let change = join.poll == nil ? sign * join.parts.count(where: \.topic.isPattern) : 0
        guard change != 0 else { return }
        let count = patternCounts[join.client, default: 0] + change
        patternCounts[join.client] = count == 0 ? nil : count
    }

    mutating func wait(_ join: Join) { waiting.append(join) }

    /// Takes the first of those that wait if it is done or its time is over.
    mutating func popDue(_ nowMilliseconds: UInt64) -> Join? {
        guard let join = waiting.first, join.isDone || join.deadlineMilliseconds <= nowMilliseconds else { return nil }
        return waiting.removeFirst()
    }

    /// Puts a join that is ready among those that are finished in turn, once.
    mutating func becomeReady(_ join: Join) {
        guard !join.isQueued else { return }
        join.isQueued = true
        ready.append(join)
    }

    mutating func popReady() -> Join? {
        let join = ready.popFirst()
        join?.isQueued = false
        return join
    }

    mutating func goOnLater(_ join: Join) {
        begin(join)
        continuations[join.client, default: []].append(join)
    }

    func continuations(of client: ClientID) -> [Join] { continuations[client] ?? [] }

    /// Forgets a join that is done, or never will be.
    mutating func end(_ join: Join) {
        changePatternCount(of: join, by: -1)
        guard join.isContinuation, var left = continuations[join.client] else { return }
        left.removeAll { $0 === join }
        continuations[join.client] = left.isEmpty ? nil : left
    }
}
