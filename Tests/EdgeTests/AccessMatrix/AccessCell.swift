import Testing

/// How a client comes.
enum AccessWay: String, CaseIterable, Sendable {
    case webSocket, eventStream, jsonStream, longPoll, multipart, frame, jsonp
    /// Bayeux, by long-polling and by a WebSocket.
    case bayeux, bayeuxSocket
    /// A request that is answered and over.
    case request

    /// Whether all that its client says is the request that it begins with.
    var isReader: Bool {
        switch self {
        case .eventStream, .jsonStream, .longPoll, .multipart, .frame, .jsonp: true
        case .webSocket, .bayeux, .bayeuxSocket, .request: false
        }
    }

    var isBayeux: Bool { self == .bayeux || self == .bayeuxSocket }
    var isPoll: Bool { self == .longPoll || self == .jsonp }

    /// Where it is asked for.
    var path: String {
        switch self {
        case .webSocket: "/ws"
        case .eventStream: "/sse"
        case .jsonStream: "/stream"
        case .longPoll, .jsonp: "/poll"
        case .multipart: "/multipart"
        case .frame: "/frame"
        case .bayeux, .bayeuxSocket: "/bayeux"
        case .request: "/"
        }
    }
}

/// What it wants to do.
enum AccessDeed: String, CaseIterable, Sendable {
    /// Read a channel from now on.
    case subscribe
    /// Go on with a session that a user began who has the right to it.
    case resume
    case publish
    /// Read what was published before: by a cursor where a reader comes, by Bayeux's extension `replay`, or as a request of its own.
    case history
    /// See who is subscribed: by a command, a request, or the events of `$presence/…`.
    case presence
    /// Ask a service.
    case call
    /// Ask what is for whoever runs the cluster.
    case api
}

/// What it shows of who it is.
enum AccessShown: String, CaseIterable, Sendable {
    case none, valid, expired, foreignKey, otherAudience, revoked

    /// Its token, which is to be revoked where that is what it is.
    func token() throws -> String? {
        switch self {
        case .none: nil
        case .valid: try AccessToken.Kind.valid.token()
        case .expired: try AccessToken.Kind.expired.token()
        case .foreignKey: try AccessToken.Kind.foreign.token()
        case .otherAudience: try AccessToken.Kind.otherAudience.token()
        case .revoked: try AccessToken.make(["sub": "alice", "aud": "push", "jti": "revoked"])
        }
    }
}

/// What becomes of it.
enum AccessOutcome: Equatable {
    case allowed
    /// It is known who it is, or that it is nobody, and that may not.
    case forbidden
    /// What it shows is not taken.
    case unauthorized
    case other(Int)

    /// By a status, the code of an error, of `bye`, or of Bayeux.
    init(_ code: Int) {
        switch code {
        case 200: self = .allowed
        case 403: self = .forbidden
        case 401, 4_003, 4_010, 4_011: self = .unauthorized
        default: self = .other(code)
        }
    }
}

/// One cell of the matrix: who comes in which way, wants to do something in a channel for users, and shows something.
struct AccessCell: Sendable, CustomTestStringConvertible {
    let way: AccessWay
    let deed: AccessDeed
    let shown: AccessShown

    var testDescription: String { "\(way), \(deed), \(shown)" }

    /// Why nobody can do such a thing in such a way; `nil` where it can be done.
    static func obstacle(_ way: AccessWay, _ deed: AccessDeed) -> String? {
        switch deed {
        case .publish, .call: way.isReader ? "its request only names what it reads" : nil
        case .api: way == .request ? nil : "operators ask by requests of their own"
        case .resume: way == .request ? "a request by itself has no session" : nil
        case .subscribe, .history, .presence: nil
        }
    }

    /// All there are, and those among them that cannot be.
    static let all = AccessWay.allCases.flatMap { way in
        AccessDeed.allCases.flatMap { deed in AccessShown.allCases.map { AccessCell(way: way, deed: deed, shown: $0) } }
    }
    static let possible = all.filter { obstacle($0.way, $0.deed) == nil }

    /// What must become of it, the same for all ways.
    var expected: AccessOutcome {
        switch (deed, shown) {
        // No user is an operator.
        case (.api, _): .unauthorized
        // Bayeux shows a token once: from then on the name of a session, which is a secret, says whose it is.
        case (.resume, .none) where way.isBayeux: .allowed
        case (_, .none): .forbidden
        case (_, .valid): .allowed
        case (_, .expired), (_, .foreignKey), (_, .otherAudience), (_, .revoked): .unauthorized
        }
    }
}
