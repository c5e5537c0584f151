/// Why a client is sent away, as WebSocket close codes of the private range.
public enum ByeCode: UInt16 {
    /// The node is going away.
    case drain = 4_000
    /// The session was taken over elsewhere.
    case takenOver = 4_001
    /// The backplane did not answer in time.
    case unavailable = 4_002
    /// No session answers to the token.
    case unknownSession = 4_003
    /// The backplane does not let the node hear one of its channels.
    case forbidden = 4_004
    /// A stream grew old or long; the client goes on with a new one.
    case renewed = 4_005
    /// The client reads too slowly; it resumes from its cursor.
    case tooSlow = 4_008
    /// The token it came with is over; it comes back with another one.
    case tokenExpired = 4_010
    /// What it came with is no token that is taken.
    case unauthorized = 4_011
    /// Whoever runs the cluster sent it away.
    case disconnected = 4_012
    /// The same, to come back at once.
    case recalled = 4_013
    /// The backend does not let it in.
    case refused = 4_014
    /// The backend that is asked about it did not answer.
    case unanswered = 4_015
    /// It comes too often.
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
