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

    var isEmpty: Bool {
        ready.isEmpty && continuations.isEmpty && waiting.allSatisfy(\.isDone)
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

    mutating func goOnLater(_ join: Join) { continuations[join.client, default: []].append(join) }

    func continuations(of client: ClientID) -> [Join] { continuations[client] ?? [] }

    /// Forgets a continuation that is done, or never will be.
    mutating func endContinuation(_ join: Join) {
        guard join.isContinuation, var left = continuations[join.client] else { return }
        left.removeAll { $0 === join }
        continuations[join.client] = left.isEmpty ? nil : left
    }
}
