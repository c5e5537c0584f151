public import Broker

/// How many subscribers a channel has.
public struct ChannelFacts: Sendable, Equatable {
    /// On all nodes.
    public let subscribers: Int

    /// Nodes that have at least one.
    public let nodes: Int

    /// The newest position.
    public let head: Position

    /// Makes the facts.
    public init(subscribers: Int, nodes: Int, head: Position) {
        self.subscribers = subscribers
        self.nodes = nodes
        self.head = head
    }
}
