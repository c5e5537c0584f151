// What the reactors and the uplink tell each other. The uplink owns the backplane and has turns on whichever thread is
// awake; every value here crosses threads by way of an inbox.

/// Who waits for an answer: a reactor, and the number it gave its question.
public struct Ticket: Hashable, Sendable {
    /// Which reactor of the node.
    public let reactor: Int

    /// The reactor's own number for the question.
    public let number: UInt64

    /// Makes a ticket.
    public init(reactor: Int, number: UInt64) {
        self.reactor = reactor
        self.number = number
    }
}

/// A publication that is asked for.
public struct PublishRequest: Sendable {
    /// Who waits for the position.
    public let ticket: Ticket

    /// Where it goes.
    public let channel: ChannelName

    /// What is published.
    public let payload: Payload

    /// Repeating a request with the same key gives the first one's position instead of a second publication.
    public let idempotencyKey: String?

    /// Makes a request.
    public init(ticket: Ticket, channel: ChannelName, payload: Payload, idempotencyKey: String?) {
        self.ticket = ticket
        self.channel = channel
        self.payload = payload
        self.idempotencyKey = idempotencyKey
    }
}

/// Why a backplane did not do what was asked. Whoever asked may ask again.
public enum BackplaneFailure: Error, Sendable, Equatable {
    /// It cannot be reached, or did not answer in time: what was asked may or may not have happened.
    case unavailable
    /// Too much is under way.
    case overloaded
    /// It answered with an error; the text is for the log and the operator.
    case refused(String)
}

/// How many subscribers a channel has.
public struct ChannelFacts: Sendable, Equatable {
    /// On all nodes.
    public let subscribers: Int

    /// Nodes that have at least one.
    public let nodes: Int

    /// The newest position.
    public let head: Position

    /// Makes the facts.
    public init(subscribers: Int, nodes: Int, head: Position) {
        self.subscribers = subscribers
        self.nodes = nodes
        self.head = head
    }
}

/// What a reactor tells the uplink.
///
/// These wait for the uplink's next turn and no longer, whatever Redis does: so what waits between the two is what reactors
/// read from their clients during one turn, some milliseconds. What then waits for Redis is bounded there.
public enum UplinkCommand: Sendable {
    /// This reactor has its first subscriber of a channel; answered by `UplinkReport.opened`.
    case watch(ChannelName, reactor: Int)
    /// It lost its last one.
    case unwatch(ChannelName, reactor: Int)
    /// How many subscribers of a channel this reactor has now.
    case count(ChannelName, reactor: Int, subscribers: Int)
    /// Append to a channel; answered by `UplinkReport.published`.
    case publish(PublishRequest)
    /// What follows a position in a channel this reactor watches; answered by `UplinkReport.recovered`.
    case recover(ChannelName, since: Position, reactor: Int)
    /// The remembered publications of any channel; answered by `UplinkReport.history`.
    case history(Ticket, ChannelName, since: Position?, limit: Int)
    /// Subscribers of a channel on all nodes; answered by `UplinkReport.described`.
    case describe(Ticket, ChannelName)
    /// A new session, or a known one for another connection; answered by `UplinkReport.session`.
    case session(SessionRequest)
    /// Subscriptions of a session that began, moved on or (without a position) ended.
    case saveSession(SessionID, SessionHolder, [SessionPosition])
    /// The connection that holds a session is gone, or its poll is answered.
    case releaseSession(SessionID, SessionHolder)
    /// A subscriber of a channel whose presence is switched on.
    case enter(ChannelName, MemberID, transport: String, SessionHolder)
    /// It is no longer subscribed by way of this connection.
    case leave(ChannelName, MemberID, SessionHolder, Departure)
    /// Who is subscribed to a channel; answered by `UplinkReport.presence`.
    case presence(Ticket, ChannelName)
    /// End the uplink.
    case stop
}

/// What the uplink tells a reactor.
public enum UplinkReport: Sendable {
    /// The channel is watched from this position on; every later publication follows it.
    case opened(ChannelName, head: Position)
    /// The channel cannot be heard, says the reason, and is not watched any more.
    case refused(ChannelName, String)
    /// The next publication of a watched channel.
    case publication(ChannelName, Publication)
    /// A payload that was only ever meant for those who listen now; it has no position.
    case ephemeral(ChannelName, Payload)
    /// What lay after `from` up to and including `to` is gone.
    case gap(ChannelName, from: Position, to: Position)
    /// Reports were dropped because this reactor's inbox was full; the channel now stands here.
    case moved(ChannelName, head: Position)
    /// The answer to `recover`; it reaches up to what was reported of the channel before it.
    case recovered(ChannelName, HistoryPage)
    /// The answer to `publish`.
    case published(Ticket, Result<Position, BackplaneFailure>)
    /// The answer to `history`.
    case history(Ticket, Result<HistoryPage, BackplaneFailure>)
    /// The answer to `describe`.
    case described(Ticket, Result<ChannelFacts, BackplaneFailure>)
    /// The answer to `presence`.
    case presence(Ticket, Result<PresenceList, BackplaneFailure>)
    /// The answer to `session`: its subscriptions, none for a new one.
    case session(Ticket, Result<[SessionPosition], SessionFailure>)
    /// Another connection, here or on another node, holds this session now.
    case sessionTaken(SessionID, SessionHolder)
    /// The backplane lost what it had of this session; all of it is to be saved again.
    case sessionForgotten(SessionID, SessionHolder)
    /// The backplane was reached or lost.
    case link(isUp: Bool)
    /// Let clients go, then end the reactor's thread.
    case drain
}
