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

    /// The connection that holds it from then on.
    public let holder: SessionHolder

    /// Whether it is for a poll, whose session outlives the request that holds it.
    public let isPoll: Bool

    /// Whether the client says that this node had the session last. Only then is what the node remembers of it taken for
    /// true: it may have been elsewhere since, and come back before that was heard.
    public let isAffine: Bool

    /// Makes a request.
    public init(
        _ kind: Kind,
        ticket: Ticket,
        id: SessionID,
        secret: SecretHash,
        holder: SessionHolder,
        isPoll: Bool = false,
        isAffine: Bool = false
    ) {
        self.kind = kind
        self.ticket = ticket
        self.id = id
        self.secret = secret
        self.holder = holder
        self.isPoll = isPoll
        self.isAffine = isAffine
    }
}
