/// How messages travel from a node to this client.
public enum Transport: String, Sendable, Hashable, CaseIterable {
    /// A WebSocket: the one that can be told of other channels while it is open.
    case webSocket
    /// An event stream (Server-Sent Events).
    case eventStream
    /// A line of JSON for each message.
    case jsonStream
    /// One question after the other, each held until there is something to answer.
    case longPoll

    /// Whether the node can be told something while it is open. If not, another one is opened in its place.
    var takesCommands: Bool { self == .webSocket }

    /// Whether it is one answer that goes on, and not many.
    var isStream: Bool { self != .longPoll }

    /// The resource that is asked for.
    var path: StaticString {
        switch self {
        case .webSocket: "/ws"
        case .eventStream: "/sse"
        case .jsonStream: "/stream"
        case .longPoll: "/poll"
        }
    }
}
