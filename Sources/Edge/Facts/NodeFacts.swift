internal import Broker
internal import Hub

/// How a node is, as it says itself in the channel `$nodes`, once a second while somebody listens.
///
/// A value; whoever reads it may be of another version, so counts go by their names and those that are not known are passed over. Counters
/// only grow while the node lives: who reads two of these makes rates of them. Nothing in it is about single clients.
public struct NodeFacts: Sendable, Codable, Equatable {
    /// What hinders a node, if anything does.
    public enum State: String, Sendable, Codable {
        case ready
        /// It lets its clients go, and will be gone.
        case draining
        /// It takes nobody new.
        case overloaded
        /// Its backplane is away, or keys of tokens were never had.
        case hindered
    }

    /// A channel that was busy in the last second.
    public struct Channel: Sendable, Codable, Equatable {
        public let channel: String
        public let publications: Int
        /// One for each publication and reader.
        public let deliveries: Int
    }

    /// Observations by upper bound; one more count holds the rest.
    public struct Histogram: Sendable, Codable, Equatable {
        public let bounds: [UInt64]
        public let counts: [Int]
    }

    /// The node's name, and the version of its program.
    public let node: String
    public let version: String

    /// When this was said, in milliseconds since 1970, and for how long the node has lived then.
    public let time: UInt64
    public let uptimeSeconds: UInt64

    public let state: State
    /// Why it is not ready.
    public let reason: String?

    /// What carries publications: `redis` or `memory`.
    public let backplane: String

    /// Connections by transport, `http` for those that ask and are answered.
    public let connections: [String: Int]

    /// What is so now.
    public let gauges: [String: Int]

    /// What happened since the node started.
    public let counters: [String: Int]

    /// Publications by milliseconds from their position's clock to their last send, since the node started.
    public let fanoutMilliseconds: Histogram

    /// Channels that most was delivered in within the last second, of those that this node has readers of.
    public let busiest: [Channel]

    /// Channels that are named: as many as a page shows at a glance.
    public static let busiestMax = 20
}

extension NodeFacts.State {
    /// What a newer node says is at least not that all is well.
    public init(from decoder: any Decoder) throws {
        self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .hindered
    }
}

extension NodeFacts.Channel {
    init(_ activity: ChannelActivity) {
        self.init(
            channel: activity.channel.text,
            publications: activity.publications,
            deliveries: activity.deliveries
        )
    }
}
