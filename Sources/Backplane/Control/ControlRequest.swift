public import Broker

/// What whoever runs the cluster wants of it, from any node.
public enum ControlRequest: Sendable {
    /// Of clients, whichever node they are at.
    case ask(ClusterQuestion)
    /// That a channel remembers nothing of what was published in it, and its readers are told of a gap.
    case clear(ChannelName, isKeyed: Bool)
    /// That tokens are not taken any more.
    case revoke(Revocation)
    /// A list of what there is.
    case list(Inventory)
    /// What is kept of a session.
    case inspect(SessionID)
    /// The end of a session.
    case end(SessionID)
}
