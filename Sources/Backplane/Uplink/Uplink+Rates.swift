internal import Broker

// What users have of what is limited in the cluster: one question for each of them that is busy, and no state here.
extension Uplink {
    /// Tells the cluster.
    func spend(_ spending: RateSpending) {
        metrics.rateSpendings.add()
        backplane.spend(spending)
    }

    public func spent(_ ticket: Ticket, _ outcome: Result<UInt64, BackplaneFailure>) {
        if case .failure = outcome { metrics.rateSpendingsFailed.add() }
        post(.spent(ticket, outcome), to: 1 << ticket.reactor)
    }
}
