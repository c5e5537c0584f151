internal import Broker
internal import DequeModule

/// Polls that are held until something is published.
///
/// Thread: owned by one reactor.
struct PollTable {
    private var held: [ClientID: Poll] = [:]

    /// Those that are not to be answered yet, with what they ask for.
    var dozing: [ClientID: DozingPoll] = [:]

    /// Those that something came for in this turn.
    var due = Deque<Poll>()

    var count: Int { held.count }

    subscript(client: ClientID) -> Poll? { held[client] }

    mutating func hold(_ poll: Poll) {
        assert(held[poll.client] == nil && !poll.isAnswered, "a client waits for one answer at a time")
        held[poll.client] = poll
    }

    /// No longer holds a poll; says whether it was held.
    mutating func remove(_ poll: Poll) -> Bool {
        guard held[poll.client] === poll else { return false }
        held[poll.client] = nil
        return true
    }

    /// Those for which something came in this turn that they are not to be told yet, and when they are.
    var early: [(poll: Poll, dueMilliseconds: UInt64)] = []

    /// Takes the next of those that something came for, if it is still held.
    mutating func popDue() -> Poll? {
        while let poll = due.popFirst() {
            if held[poll.client] === poll { return poll }
        }
        return nil
    }
}
