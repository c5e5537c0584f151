/// What a node tells a client besides publications. Ids are the client's own JSON, echoed.
public enum ControlMessage: Sendable {
    /// The first message. `session` is the token to resume with, if there is a session.
    case welcome(session: String?, node: String, heartbeatSeconds: UInt64)
    /// Where a channel stands that is read from now on; `isRecovered` says whether all since the client's position follows.
    /// In a keyed channel only the newest of each key is told of what a client was not there for. `maxRate` is a number: how many batches
    /// a second it is told, at most.
    case subscribed(
        id: [UInt8]?,
        channel: String,
        position: Envelope.Position,
        isRecovered: Bool?,
        isKeyed: Bool = false,
        maxRate: String? = nil
    )
    /// A channel is read no longer.
    case unsubscribed(id: [UInt8]?, channel: String)
    /// The backplane has a publication, at this position.
    case published(id: [UInt8]?, channel: String, position: Envelope.Position)
    /// What lay after `from` up to and including `to` is gone.
    case gap(channel: String, from: Envelope.Position, to: Envelope.Position)
    /// Who is subscribed to a channel.
    case presence(id: [UInt8]?, channel: String, count: Int, members: [PresentMember])
    /// What a service answers, as JSON.
    case result(id: [UInt8]?, channel: String, data: [UInt8])
    /// What was asked is not done, and why; and after how long asking again is of use, where that is known. Where it is about reading
    /// a channel, that is named: it may be one of several that were asked for at once.
    case error(
        id: [UInt8]?,
        channel: String? = nil,
        code: UInt16,
        message: String,
        retryMilliseconds: UInt64? = nil
    )
    /// Who the client is from now on, and until when in milliseconds since 1970.
    case authenticated(id: [UInt8]?, user: String?, endMilliseconds: UInt64?)
    /// The answer to `ping`.
    case pong(id: [UInt8]?)
    /// The node ends the connection; whether it is of use to come back, and after how long.
    case bye(code: UInt16, reason: String, mayReconnect: Bool, afterMilliseconds: UInt64)

    /// Its type, and its name where a carrier names what it carries.
    public var name: StaticString {
        switch self {
        case .welcome: "welcome"
        case .subscribed: "subscribed"
        case .unsubscribed: "unsubscribed"
        case .published: "published"
        case .gap: "gap"
        case .presence: "presence"
        case .result: "result"
        case .error: "error"
        case .authenticated: "authenticated"
        case .pong: "pong"
        case .bye: "bye"
        }
    }
}

/// A member of a channel as clients are told of it.
public struct PresentMember: Sendable {
    /// What it is known by; nobody can take its place with it.
    public let id: String
    /// The node it is connected to.
    public let node: String
    /// By what it reads.
    public let transport: String
    /// Since when, in milliseconds of the Redis clock.
    public let sinceMilliseconds: UInt64
    /// Who it is, and what others may see besides, as raw JSON; `nil` where that is not known.
    let user: [UInt8]?
    let info: [UInt8]?

    /// Makes a member; `details` is a JSON object with `user` and `info`. If it is something else, nothing of it is told.
    public init(id: String, node: String, transport: String, sinceMilliseconds: UInt64, details: [UInt8] = []) {
        (user, info) = details.withUnsafeBytes { bytes in
            guard JSONText.kind(of: bytes) == .object, let fields = JSONFields(bytes, ["user", "info"]) else {
                return (nil, nil)
            }
            return (fields[0].map { Array($0) }, fields[1].map { Array($0) })
        }
        self.id = id
        self.node = node
        self.transport = transport
        self.sinceMilliseconds = sinceMilliseconds
    }
}
