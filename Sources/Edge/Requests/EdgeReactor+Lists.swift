internal import Backplane
internal import Broker
internal import DequeModule
internal import Reactor

extension EdgeReactor {
    /// An answer that may be long: to write one takes up to a millisecond, so what is published does not wait until all that
    /// came with it are written.
    enum List {
        case history(Ticket, Result<HistoryPage, BackplaneFailure>)
        case presence(Ticket, Result<PresenceList, BackplaneFailure>)
        case metrics(Exchange)
    }

    /// Writes long answers, for one slice of time. Says whether some are left.
    func answerLists() -> Bool {
        guard !lists.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let list = lists.popFirst() {
            switch list {
            case .history(let ticket, let outcome): answerHistory(ticket, outcome)
            case .presence(let ticket, let outcome): answerPresence(ticket, outcome)
            case .metrics(let exchange): answerMetrics(exchange)
            }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !lists.isEmpty
    }
}
