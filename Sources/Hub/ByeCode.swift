/// Why a client is sent away, as WebSocket close codes of the private range.
public enum ByeCode: UInt16 {
    /// The node is being stopped; another node takes the client.
    case drain = 4_000
    /// Another connection resumed the client's session.
    case takenOver = 4_001
    /// Redis is away or did not answer in time.
    case unavailable = 4_002
    /// There is no session with the token that the client showed.
    case unknownSession = 4_003
    /// Redis does not let the node listen to one of the client's channels.
    case forbidden = 4_004
    /// The stream has become old or long; the client goes on with a new one.
    case renewed = 4_005
    /// The client reads too slowly; it resumes from its cursor.
    case tooSlow = 4_008
    /// The client's token has expired or was revoked; the client comes back with another one.
    case tokenExpired = 4_010
    /// The node does not accept the token that the client showed, or the client showed none in time.
    case unauthorized = 4_011
    /// Whoever runs the cluster sent the client away for good.
    case disconnected = 4_012
    /// Whoever runs the cluster sent the client away; it comes back at once.
    case recalled = 4_013
    /// The backend does not let the client in.
    case refused = 4_014
    /// The backend that the node asked about the client did not answer.
    case unanswered = 4_015
    /// The client, its address or its user sends too many requests.
    case tooOften = 4_016

    /// The same in words.
    public var reason: StaticString {
        switch self {
        case .drain: "the node is going away"
        case .takenOver: "the session was taken over"
        case .unavailable: "the backplane is away"
        case .unknownSession: "there is no such session"
        case .forbidden: "the backplane refuses a channel"
        case .renewed: "the stream is renewed"
        case .tooSlow: "too slow"
        case .tokenExpired: "token expired"
        case .unauthorized: "not a token that is taken here"
        case .disconnected: "disconnected"
        case .recalled: "to be connected anew"
        case .refused: "not allowed"
        case .unanswered: "the backend did not answer"
        case .tooOften: "too many requests"
        }
    }

    /// Whether it is of use to the client to come back. One whose session was taken over would take it over in turn, for ever.
    public var mayReconnect: Bool {
        switch self {
        case .takenOver, .unknownSession, .forbidden, .unauthorized, .disconnected, .refused: false
        case .drain, .unavailable, .renewed, .tooSlow, .tokenExpired, .recalled, .unanswered, .tooOften: true
        }
    }

    /// The last id of an event stream that is not to come back. A browser's `EventSource` does so all the same and shows
    /// it: then it is answered with 204, which ends it.
    var lastEventID: String? { mayReconnect ? nil : "\(Self.lastEventIDMark)\(rawValue)" }

    /// What no cursor begins with.
    public static let lastEventIDMark = "!"
}
