internal import Broker

/// What is asked of Redis on the command link.
enum RedisRequest {
    case authenticate(user: String?, password: String)
    case select(database: Int)
    /// What kind of server this is.
    case hello
    case version
    /// Loads the function library; in place of an older one, or only where there is none.
    case install(replaces: Bool)
    /// An answer that stands before those of this turn's publishes, see `RedisCommandLink.send`; or a sign of life.
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

    /// Which requests it shares a lane with; `nil` for what the link itself has to say, which never waits.
    var lane: RedisLane.Kind? {
        switch self {
        case .authenticate, .select, .hello, .version, .install, .prelude, .live, .retire: nil
        case .publish: .publish
        case .read(_, _, _, _, .fill), .read(_, _, _, _, .recover): .read
        case .read(_, _, _, _, .open): .opening
        case .read(_, _, _, _, .request), .describe, .list: .question
        case .count, .enter, .renew, .leave, .grant, .restore, .save: .upkeep
        }
    }

    /// What it holds in memory until it is answered, its text on the way out included: an upper bound.
    var byteCount: Int {
        let payload =
            switch self {
            case .publish(let request):
                Self.byteCount(sent: request.payload.bytes.count)
                    + Self.byteCount(sent: request.idempotencyKey?.utf8.count ?? 0)
            case .renew(_, let members): members.count * Self.listedBytes
            case .save(_, _, _, let positions): positions.count * Self.listedBytes
            default: 0
            }
        return Self.overheadBytes + payload
    }

    /// A request, its place in two queues, its fixed words, a channel's name of 255 bytes twice.
    private static let overheadBytes = 1_024

    /// A member or a channel with its position, as value and as text: names are at most 255 bytes.
    private static let listedBytes = 640

    /// An argument and its copy on the way out, unless it is sent from where it is.
    private static func byteCount(sent count: Int) -> Int {
        count < RedisCommandBuffer.sharedBytesMin ? 2 * count : count
    }
}
