public import Broker

/// How a session is asked for.
public struct SessionRequest: Sendable {
    /// Whether it is to exist already.
    public enum Kind: Sendable {
        /// A new one.
        case open
        /// One that was lost sight of, or is held elsewhere.
        case resume
    }

    /// New or known.
    public let kind: Kind

    /// Who waits for the answer.
    public let ticket: Ticket

    /// The token's public half.
    public let id: SessionID

    /// The hash of its secret half.
    public let secret: SecretHash

    /// The connection that holds it from then on; `nil` where it is only looked after.
    public let holder: SessionHolder?

    /// Whether it is for a poll, whose session outlives the request that holds it.
    public let isPoll: Bool

    /// Whether the client says that this node had the session last. Only then is what the node remembers of it taken for
    /// true: it may have been elsewhere since, and come back before that was heard.
    public let isAffine: Bool

    /// What who had it is told.
    public let taking: SessionTaking

    /// What is noted of a new one from the beginning.
    public let notes: [UInt8]

    /// Makes a request.
    public init(
        _ kind: Kind,
        ticket: Ticket,
        id: SessionID,
        secret: SecretHash,
        holder: SessionHolder?,
        isPoll: Bool = false,
        isAffine: Bool = false,
        taking: SessionTaking = .attach,
        notes: [UInt8] = []
    ) {
        self.taking = taking
        self.notes = notes
        self.kind = kind
        self.ticket = ticket
        self.id = id
        self.secret = secret
        self.holder = holder
        self.isPoll = isPoll
        self.isAffine = isAffine
    }
}

/// What a client asks of its session with a request that is not to hold it: whether it is there, changes of it, its end.
///
/// Whoever holds the session goes on with it where that is a connection of this node, and is told of the changes.
public struct SessionVisit: Sendable {
    /// Who waits for the answer.
    public let ticket: Ticket

    /// The token's public half.
    public let id: SessionID

    /// The hash of its secret half.
    public let secret: SecretHash

    /// Subscriptions that begin or end.
    public internal(set) var changes: [SessionPosition]

    /// Whether a subscription that is there begins anew where a change says so; else it stays where it stands.
    public let restarts: Bool

    /// Whether it is the session's end.
    public let isLast: Bool

    /// How often it was tried.
    var attempts = 0

    /// Makes a visit; without changes it only asks whether the session is there, which keeps it.
    public init(
        ticket: Ticket,
        id: SessionID,
        secret: SecretHash,
        changes: [SessionPosition] = [],
        restarts: Bool = false,
        isLast: Bool = false
    ) {
        self.restarts = restarts
        self.ticket = ticket
        self.id = id
        self.secret = secret
        self.changes = changes
        self.isLast = isLast
    }

    var isQuestion: Bool { changes.isEmpty && !isLast }
}

/// Where the client of a session stands once it has an answer that waits for this to be kept.
public struct SessionSettlement: Sendable {
    /// Who waits.
    public let ticket: Ticket

    /// The session.
    public let id: SessionID

    /// Who holds it.
    public let holder: SessionHolder

    /// What is kept from now on.
    public let changes: [SessionPosition]

    /// See `SessionState.notes`; `nil` leaves them.
    public let notes: [UInt8]?

    /// Whether its holder lets go of it, and how long its client may then stay away beyond the time to resume.
    public let isRelease: Bool
    public let awayMilliseconds: UInt64

    /// Makes one.
    public init(
        ticket: Ticket,
        id: SessionID,
        holder: SessionHolder,
        changes: [SessionPosition],
        notes: [UInt8]?,
        isRelease: Bool,
        awayMilliseconds: UInt64 = 0
    ) {
        self.ticket = ticket
        self.id = id
        self.holder = holder
        self.changes = changes
        self.notes = notes
        self.isRelease = isRelease
        self.awayMilliseconds = awayMilliseconds
    }
}
