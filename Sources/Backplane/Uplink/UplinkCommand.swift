public import Broker

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
    /// From now on these rules say how much of a channel is remembered.
    case rulesChanged(AccessRules)
    /// What this node says of itself, to those who listen now; how many nodes that are is `UplinkMetrics.factsListeners`.
    case tellFacts(Payload)
    /// What follows a position in a channel this reactor watches; answered by `UplinkReport.recovered`.
    case recover(ChannelName, since: Position, reactor: Int, isKeyed: Bool)
    /// The remembered publications of any channel; answered by `UplinkReport.history`.
    case history(Ticket, ChannelName, since: Position?, limit: Int)
    /// Subscribers of a channel on all nodes; answered by `UplinkReport.described`.
    case describe(Ticket, ChannelName)
    /// A new session, or a known one for another connection; answered by `UplinkReport.session`.
    case session(SessionRequest)
    /// Subscriptions of a session that began, moved on or (without a position) ended.
    case saveSession(SessionID, SessionHolder, [SessionPosition])
    /// What a client asks of its session by a request that does not hold it; answered by `UplinkReport.visited`.
    case visitSession(SessionVisit)
    /// Where the client of a session stands once it has what it is about to be sent; answered by `UplinkReport.settled`.
    case settleSession(SessionSettlement)
    /// The connection that holds a session is gone, or its poll is answered.
    case releaseSession(SessionID, SessionHolder)
    /// A subscriber of a channel whose presence is switched on, what others may see of who it is, and its session if it has one.
    case enter(ChannelName, MemberID, transport: String, details: [UInt8], SessionHolder, SessionID?)
    /// It is no longer subscribed by way of this connection.
    case leave(ChannelName, MemberID, SessionHolder, Departure)
    /// Who is subscribed to a channel; answered by `UplinkReport.presence`.
    case presence(Ticket, ChannelName)
    /// What whoever runs the cluster wants; answered by `UplinkReport.controlled`.
    case control(Ticket, ControlRequest)
    /// What this reactor has to say to a question of `UplinkReport.asked`.
    case reply(ClusterCall, ClusterPart)
    /// The session of a connection ends with it.
    case endSession(SessionID, SessionHolder)
    /// Whether a backend is told of those who are gone, so that others are to know of them should this node die.
    case keepWill(Bool)
    /// A reader of whose end it is to hear; the same again changes nothing.
    case bequeath(SessionHolder, WillEntry)
    /// A reader is gone, and the backend heard of it or never will.
    case forgetReader(SessionHolder)
    /// What came of `UplinkReport.inherited`: it is done with, or must be told later.
    case told(WillID, [UInt8], isDone: Bool)
    /// What somebody had of what is limited in the cluster; answered by `UplinkReport.spent`.
    case spend(RateSpending)
    /// End the uplink, whether or not the backplane has answered everything at this time of the monotonic clock.
    case stop(untilNanoseconds: UInt64)
}
