public import Broker
public import Reactor

/// What carries publications between nodes and remembers them: memory in an embedded node, Redis in a cluster.
///
/// Thread: owned by the uplink, with all calls and all answers in its turns. Questions are answered by a call of the
/// delegate, at once or later, in any order between channels and in order within one.
public protocol Backplane: ChannelBackplane, SessionBackplane, PresenceBackplane, ControlBackplane, RateBackplane,
    WillBackplane
{
    /// Whether publishes can be taken and what is published elsewhere is heard.
    var isUp: Bool { get }

    /// Why it is not up, for the operator; `nil` if it is, or if nobody knows.
    var trouble: String? { get }

    /// Starts; answers go to the delegate.
    func start(delegate: any BackplaneDelegate)

    /// One of its descriptors is ready.
    func ready(token: UInt64, readiness: Readiness)

    /// The coarse clock moved on.
    func tick(_ tick: Tick)

    /// Sends what this turn gathered.
    func endOfTurn()

    /// Whether there is room for more of what comes by the thousand: sessions, presence, counts. Whoever asks for those all the same takes
    /// the room of what a client waits for.
    var hasRoom: Bool { get }

    /// Returns once there is room, or at a time of the monotonic clock in nanoseconds: for the end of a node, which has nothing else to do.
    func makeRoom(until deadlineNanoseconds: UInt64)

    /// Ends: returns once all that was asked is answered, or at a time of the monotonic clock in nanoseconds. The node's last words must
    /// not be lost, and it must end.
    func finish(until deadlineNanoseconds: UInt64)
}

extension Backplane {
    /// Nothing is known.
    public var trouble: String? { nil }

    /// It has no parts.
    public var areWillsUp: Bool { isUp }

    /// It answers at once.
    public var hasRoom: Bool { true }

    /// There always is.
    public func makeRoom(until deadlineNanoseconds: UInt64) {}
}

/// What a backplane does for channels: publications and history.
public protocol ChannelBackplane: AnyObject {
    /// Hears a channel; answered by `subscribed`, again after each loss of the link, or by `refused`.
    func subscribe(_ channel: ChannelName)

    /// No longer hears it.
    func unsubscribe(_ channel: ChannelName)

    /// Looks for the channels that patterns stand for; answered by `found`, in parts. It is asked again once it has answered.
    func find(_ patterns: PatternSet)

    /// Appends; answered by `published` only once the backplane has it.
    func publish(_ request: PublishRequest)

    /// Tells a payload to those who hear a channel now, and nobody later; answered by `told`.
    func tell(_ payload: Payload, in channel: ChannelName)

    /// Reads what follows a position, or the newest publications, at most so many and so many bytes, which a single one may
    /// exceed; answered by `read`.
    func read(_ channel: ChannelName, since: Position?, countMax: Int, bytesMax: Int, for purpose: ReadPurpose)
}

/// What a backplane does for sessions.
public protocol SessionBackplane: AnyObject {
    /// Opens a session with the first fence, or resumes one with the next; answered by `granted`.
    func grant(_ request: SessionRequest)

    /// Writes to a session; answered by `saved`. Notes are left as they are where there are none.
    func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    )

    /// Asks whether a session is there, and keeps it for as long as one that can be resumed; answered by `touched`.
    func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket)

    /// Puts back a session that the backplane lost, without its subscriptions; answered by `saved`.
    func restore(_ session: SessionID, secret: SecretHash, fence: UInt64)
}

/// What a backplane knows of who is subscribed: how many, and who.
public protocol PresenceBackplane: AnyObject {
    /// Tells the cluster how many subscribers this node has, on a lease; zero ends it.
    func count(_ channel: ChannelName, subscribers: Int, leaseMilliseconds: UInt64)

    /// Counts a channel's subscribers on all nodes; answered by `described`.
    func describe(_ channel: ChannelName, for ticket: Ticket)

    /// A member came to this node; who hears the channel's presence is told, unless it was present already. `details` as in `Member`.
    func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8])

    /// Renews the leases of this node's members of a channel, ends those that lapsed, on whichever node, and tells who hears
    /// of it; answered by `renewed`.
    func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)])

    /// A member of this node left.
    func leave(_ channel: ChannelName, _ member: MemberID)

    /// Lists a channel's members on all nodes; answered by `listed`.
    func list(_ channel: ChannelName, limit: Int, for ticket: Ticket)
}

/// What a backplane does for whoever runs the cluster.
public protocol ControlBackplane: AnyObject {
    /// Asks all nodes, this one among them; answered by `announced`, and by each node with `replied`.
    func ask(_ question: ClusterQuestion, number: UInt64)

    /// Answers another node, or this one.
    func reply(_ part: ClusterPart, to call: ClusterCall)

    /// Forgets what a channel remembers; answered by `controlled`, and whoever hears the channel by `heard`, with a mark that follows
    /// nothing (see `Publication.init(clearedAt:)`).
    func clear(_ channel: ChannelName, isKeyed: Bool, for ticket: Ticket)

    /// Takes tokens back, on all nodes that there are and that will be; answered by `controlled`, and on each node by `revoked`.
    func revoke(_ revocation: Revocation, for ticket: Ticket)

    /// Lists what there is; answered by `controlled`.
    func list(_ inventory: Inventory, for ticket: Ticket)

    /// Says what is kept of a session; answered by `controlled`.
    func inspect(_ session: SessionID, for ticket: Ticket)

    /// Ends a session, whoever has it; answered by `controlled`, and to who has it by `taken`.
    func end(_ session: SessionID, for ticket: Ticket)
}

/// What a backplane knows of how much users had.
public protocol RateBackplane: AnyObject {
    /// Adds to it; answered by `spent`.
    func spend(_ spending: RateSpending)
}

/// What a read of history is for.
public enum ReadPurpose: Sendable {
    /// The head of a channel that was just subscribed to.
    case open
    /// A hole in what was heard.
    case fill
    /// Clients that come back.
    case recover
    /// A request for history.
    case request(Ticket)
}
