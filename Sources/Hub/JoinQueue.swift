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

    /// Those that others of the same client may have to wait for, in the order in which they came: what was not ready at once, what follows
    /// that, and what goes on once its client was told what was read before.
    private var underWay: [ClientID: [Join]] = [:]

    var isEmpty: Bool {
        ready.isEmpty && underWay.isEmpty && waiting.allSatisfy(\.isDone)
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

    // MARK: Of one client

    /// Notes one that others of its client may have to wait for, once.
    mutating func list(_ join: Join, at place: Int? = nil) {
        guard !join.isListed else { return }
        join.isListed = true
        let count = ofClient(join.client).count
        underWay[join.client, default: []].insert(join, at: min(place ?? count, count))
    }

    /// Where something has to stand that takes the place of a join.
    func place(of join: Join) -> Int? {
        join.isFollowing ? ofClient(join.client).firstIndex { $0 === join } : 0
    }

    func ofClient(_ client: ClientID) -> [Join] { underWay[client] ?? [] }

    /// Patterns that a client of commands waits for, or is yet to be told all of.
    func patternCount(of client: ClientID) -> Int {
        ofClient(client).reduce(0) { $0 + $1.parts.count(where: \.topic.isPattern) }
    }

    /// Those whose client is yet to be told all that it missed.
    func continuations(of client: ClientID) -> [Join] { ofClient(client).filter(\.isContinuation) }

    /// Forgets one that is done, or never will be; says which of the same client may have waited for it.
    mutating func end(_ join: Join) -> [Join] {
        guard join.isListed, var left = underWay[join.client] else { return [] }
        left.removeAll { $0 === join }
        underWay[join.client] = left.isEmpty ? nil : left
        return left.filter { $0.isFollowing || $0.waitsForReader }
    }

    /// Whether nothing that its client is yet to be told has channels in common with it. Those that wait have their turn one after the
    /// other.
    func mayBegin(_ join: Join, at place: Int? = nil) -> Bool {
        guard !underWay.isEmpty, let others = underWay[join.client] else { return true }
        let place = place ?? others.firstIndex { $0 === join } ?? others.count
        return !others.enumerated().contains { otherPlace, other in
            other !== join && (otherPlace < place || !other.isFollowing) && other.overlaps(join.topics.map(\.name))
        }
    }

    /// Whether what a client asks for now has to wait.
    func mustFollow(_ client: ClientID, _ channel: ChannelName) -> Bool {
        guard !underWay.isEmpty, let others = underWay[client] else { return false }
        return others.contains { $0.overlaps([channel]) }
    }

    /// Whether what a reader is yet to be told, who fell behind meanwhile, has channels in common with a join: only then it is finished.
    func mustWaitForReader(_ join: Join) -> Bool {
        join.waitsForReader = false
        guard !underWay.isEmpty, !join.isOfReader, let others = underWay[join.client] else { return false }
        join.waitsForReader = others.contains { $0.isOfReader && $0.overlaps(join.topics.map(\.name)) }
        return join.waitsForReader
    }
}

extension Join {
    /// Whether it has channels in common with some names.
    func overlaps(_ names: [ChannelName]) -> Bool {
        parts.contains { part in !part.isMember && names.contains { $0.overlaps(part.topic.name) } }
    }
}
