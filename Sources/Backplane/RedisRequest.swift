internal import Broker

/// What is asked of Redis on the command link.
enum RedisRequest {
    case authenticate(user: String?, password: String)
    case select(database: Int)
    case version
    case install
    /// An answer that stands before those of this turn's publishes; see `RedisCommandLink.ask`.
    case prelude
    case publish(PublishRequest)
    case read(ChannelName, since: Position?, countMax: Int, bytesMax: Int, ReadPurpose)
    case live(facts: String)
    case retire
    case count(ChannelName, subscribers: Int)
    case describe(ChannelName, Ticket)
    case enter(ChannelName, MemberID, transport: String)
    case renew(ChannelName, [(id: MemberID, transport: String)])
    case leave(ChannelName, MemberID)
    case list(ChannelName, limit: Int, Ticket)
    case grant(SessionRequest)
    case restore(SessionID, secret: SecretHash, fence: UInt64)
    case save(SessionID, fence: UInt64, SessionStanding, [SessionPosition])

    /// Whether it can come by the thousand at once, when a storm of clients comes or goes, and must then not stand in the
    /// way of what is published.
    var isBulk: Bool {
        switch self {
        case .count, .describe, .enter, .renew, .leave, .list, .grant, .restore, .save: true
        case .authenticate, .select, .version, .install, .prelude, .publish, .read, .live, .retire: false
        }
    }
}
