public import Broker

/// What is kept of a session.
public struct SessionFacts: Sendable, Equatable {
    /// The node that has it; `nil` while nobody is connected by it.
    public let node: String?

    /// Its subscriptions, and up to where its client certainly has them.
    public let positions: [SessionPosition]

    /// Makes facts.
    public init(node: String?, positions: [SessionPosition]) {
        self.node = node
        self.positions = positions
    }
}
