public import Broker

/// What is answered to a `ControlRequest`.
public enum ControlAnswer: Sendable {
    /// What nodes said; it is not complete where one of them did not answer in time.
    case asked(ClusterPart, isComplete: Bool)
    /// It is done: a token is revoked, a session ended. Not where there is no such session.
    case done(Bool)
    /// Where a channel stands that remembers nothing any more; `Position.start` where nothing was ever published.
    case cleared(Position)
    case listed(InventoryPage)
    /// `nil` where there is no such session.
    case inspected(SessionFacts?)
}
