internal import Backplane
internal import Broker

/// How far a request of whoever runs the cluster has come.
enum ControlStep {
    /// Nodes are asked about a client, or to do something to it.
    case question(ClusterQuestion)
    /// What is kept of a session is read; then nodes are asked.
    case session(SessionID)
    case sessionFacts(SessionID, SessionFacts)
    /// A client was sent away for good, and its session ends.
    case end(SessionID, ClusterPart, isComplete: Bool)
    /// A page is looked for.
    case list(Inventory.Kind)
    case revoke
    /// A channel forgets what was published in it.
    case clear(ChannelName)
}
