internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Logging
internal import Reactor
internal import TLS
internal import Text
internal import Wire

/// One thread of the edge: its connections, the channels they read, and the logs they are sent from.
///
/// Thread: its reactor's, for everything. What others need of it goes through its inbox and its metrics.
/// The parts: `Connections` for sockets, from the first byte to the last; `Requests` for what clients ask and how it is
/// answered; `Admission` for who may; `Sessions` for tokens and how far their clients came. What readers are sent is the hub's.
final class EdgeReactor: ReactorHandler {
    /// Token of the listener; connections use their slab keys, whose generation is never 0 while they live.
    static let listenerToken: UInt64 = 0

    /// Token of the listener with TLS.
    static let secureListenerToken: UInt64 = 1

    /// Bytes read from a socket at a time, into one buffer that all connections of the reactor share.
    static let receiveBytesMax = 65_536

    let configuration: EdgeConfiguration
    let limits: Limits
    let httpLimits: HTTPLimits
    let number: Int
    let reactor: Reactor<UplinkReport>
    let uplink: Inbox<UplinkCommand>
    let node: NodeStatus
    let metrics: EdgeMetrics
    let hosts: HostPolicy
    let origins: OriginPolicy
    let logger: Logger
    /// The load balancer's cookie, where it names this node.
    let nodeCookie: String
    /// Whether single clients are told of; see `+Log`.
    let isDebugging: Bool

    // Sockets
    var listener: Listener
    var secureListener: Listener?
    /// What connections with TLS need, where there is a listener for them.
    var security: Security?
    /// Connections whose handshake can go on.
    var overdueHandshakes = Deque<OverdueRead>()
    /// What is encrypted for members of the feed that is being sent.
    var encryptedSends: [EncryptedSend] = []
    var isListening = true
    var connections = Slab<Connection>()
    var timers = TimerWheel()
    var graveyard: [SlabKey] = []
    /// Connections whose timer came due and was not acted on yet; `fired` is what the wheel hands over.
    var due = Deque<SlabKey>()
    var fired: [Slot] = []
    /// Connections that were ready and not come to in their turn; see `+Ready`.
    var overdueReads = Deque<OverdueRead>()
    var overdueTalkers = Deque<OverdueRead>()
    var overdueWrites = Deque<SlabKey>()
    /// Connections whose input is gone on with at the end of the turn.
    var deferred = Deque<SlabKey>()
    /// Requests for many channels, which are begun at the end of the turn.
    var openings = Deque<Opening>()
    var budgets: [SlabKey: ClientBudget] = [:]
    /// How far the readers have come that take less than they are sent, by slot, looked at now and then.
    var stalls: [Slot: Stall] = [:]
    /// While the system refuses descriptors or memory the listener is not watched: until this tick.
    var acceptsAgainAtTick: Tick?
    var refusalLog = LogThrottle()
    var forbiddenLog = LogThrottle()
    /// Whom those serve that come from proxies, while they do.
    var forwarded: [SlabKey: PeerAddress] = [:]
    let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytesMax, alignment: 16)
    var output = ByteBuffer(capacity: 4_096)
    /// Spreads heartbeats and reconnects; no secret depends on it.
    var spread = SpreadGenerator(seed: .random(in: 1...(.max)))

    /// What readers are sent; this is its outlet, see `+Outlet`.
    let hub: Hub<EdgeReactor>
    var sends: SendBatch
    /// What those are sent who are sent nothing else, and who is due.
    let heartbeats = HeartbeatFrames()
    var heartbeatsDue: [Heartbeat] = []
    var outputParts: [OutputPart] = []
    /// The body of an answer.
    var content = ByteBuffer(capacity: 4_096)
    /// Inflates what clients send, once one of them sent something compressed; and the message that it inflated last.
    var inflater: Inflater?
    var inflated = ByteBuffer()

    /// What those asked for whose polls are not answered yet.
    var pollAskers: [ClientID: PollAsker] = [:]

    /// WebSockets that speak Bayeux.
    var bayeuxSockets: [SlabKey: BayeuxSocket] = [:]

    // Sessions: where the next checkpoints are looked for, and secrets
    var nextCheckpointSlot: UInt32 = 0
    var checkpointRound: UInt32 = 0
    var secrets = SystemRandomNumberGenerator()
    /// Names the members that have no session.
    let memberSeed = UInt64.random(in: 0...(.max))

    /// How often single clients may want something: the node's.
    let rates: Rates
    /// What users had that the cluster does not know of.
    var usersAhead: UsersAhead
    /// Whether the node has too much to do; the first reactor's business.
    var overloadWatch: OverloadWatch

    /// When the node says how it is although nobody listened the last time; the first reactor's business.
    var nextFactsTick: Tick?

    /// The host that was allowed last.
    var knownHost: [UInt8] = []
    /// Of the last answer.
    var date = HTTPDate(seconds: 0)

    // Who clients are: what is known of their tokens, what is being looked at, and for whom
    let tokens: Inbox<TokenQuestion>
    let hooks: Inbox<HookQuestion>
    /// What is done once a backend has said what it thinks of it.
    var waitingForHooks: [UInt64: WaitingForHook] = [:]
    var hookBytes = 0
    /// Why readers were sent away that are not gone yet, where a backend is told.
    var farewells: [SlabKey: ByeCode] = [:]
    var access: AccessPolicy
    /// Readers up to here are judged by it; nothing where all are.
    var nextToJudge: UInt32?
    var knownTokens: KnownTokens
    var tokensUnderWay: [UInt64: SecretHash] = [:]
    var waitingForTokens: [SecretHash: [TokenAsker]] = [:]
    /// Of readers that are somebody.
    var credentials: [SlabKey: Credentials] = [:]
    /// What the request shows that is being read.
    var shown: Result<Credentials, TokenFault>?
    /// Tokens that are not taken any more.
    var revocations = Revocations()
    /// Not after the first of them ends.
    var nextIdentityEnd = UInt64.max

    // What is done to many readers, the oldest first
    var errands = Deque<ReaderErrand>()

    // Questions to the uplink
    var waiting: [UInt64: Question] = [:]
    var nextTicket: UInt64 = 0
    /// Bodies whose lines have answers that were not sent yet.
    var answeredBodies = Deque<PublicationLines>()
    /// Long answers that were not written yet.
    var lists = Deque<List>()

    // Ending
    var drainDeadlineTick: Tick?
    private(set) var isFinished = false

    init(
        configuration: EdgeConfiguration,
        number: Int,
        inbox: Inbox<UplinkReport>,
        uplink: Inbox<UplinkCommand>,
        tokens: Inbox<TokenQuestion>,
        hooks: Inbox<HookQuestion>,
        node: NodeStatus,
        metrics: EdgeMetrics
    ) throws(SystemError) {
        self.configuration = configuration
        self.tokens = tokens
        self.hooks = hooks
        access = configuration.access
        knownTokens = KnownTokens(countMax: configuration.limits.tokensKnownMax)
        self.number = number
        self.uplink = uplink
        self.node = node
        self.metrics = metrics
        limits = configuration.limits
        httpLimits = HTTPLimits(configuration.limits)
        rates = node.rates
        usersAhead = UsersAhead(countMax: configuration.limits.usersAheadMax)
        overloadWatch = OverloadWatch(
            lagMicrosecondsMax: Int(clamping: configuration.limits.overloadLagMilliseconds * 1_000),
            memoryBytesMax: configuration.limits.overloadMemoryBytes
        )
        sends = SendBatch(usesRing: configuration.usesRing)
        let publicOrigins = configuration.publicOrigins.compactMap { WebOrigin($0) }
        hosts = HostPolicy(allowed: configuration.allowedHosts + [configuration.host], publicOrigins: publicOrigins)
        origins = OriginPolicy(allowed: configuration.allowedOrigins, publicOrigins: publicOrigins)
        hub = Hub(limits: configuration.limits, reactorCount: configuration.reactorCount, metrics: metrics.hub)
        logger = configuration.logger
        nodeCookie = "perseid_node=\(configuration.nodeID)"
        isDebugging = configuration.logger.logLevel <= .debug
        security = try Self.makeSecurity(configuration)
        reactor = try Reactor(inbox: inbox)
        listener = try Listener(host: configuration.host, port: node.port == 0 ? configuration.port : node.port)
        listener.boundSilence(
            probeSeconds: limits.heartbeatMilliseconds / 2_000,
            unacknowledgedMilliseconds: limits.stallMilliseconds
        )
        try listener.attach(to: reactor.poller, token: Self.listenerToken)
        if let tls = configuration.tls {
            secureListener = try Listener(host: tls.host, port: node.securePort == 0 ? tls.port : node.securePort)
            secureListener?.boundSilence(
                probeSeconds: limits.heartbeatMilliseconds / 2_000,
                unacknowledgedMilliseconds: limits.stallMilliseconds
            )
            try secureListener?.attach(to: reactor.poller, token: Self.secureListenerToken)
        }
        hub.attach(to: self)
        uplink.post(.keepWill(access.hooks.contains(.disconnect)))
    }

    deinit { receiveBuffer.deallocate() }

    // MARK: What the reactor brings

    func ready(token: UInt64, readiness: Readiness) {
        if token == Self.listenerToken { return accept() }
        if token == Self.secureListenerToken { return acceptSecure() }
        let key = SlabKey(token: token)
        guard let connection = connections.pointer(to: key), !connection.pointee.isClosed else {
            return
        }
        attend(to: key, readiness)
    }

    func receive(_ report: UplinkReport) {
        switch report {
        case .opened(let channel, let head): hub.opened(channel, head: head)
        case .refused(let channel, _): if hub.refuse(channel) { reactor.inbox.post(report) }
        case .publication(let channel, let publication): hub.take(publication, in: channel)
        case .ephemeral(let channel, let payload): hub.take(payload, in: channel)
        case .gap(let channel, let from, let to): hub.takeGap(in: channel, from: from, to: to)
        case .found(let channel, let pattern): hub.found(channel, by: pattern)
        case .behind(let channel): hub.behind(channel)
        case .moved(let channel, let head): hub.moved(channel, to: head)
        case .recovered(let channel, let page): hub.recovered(channel, page)
        case .published(let ticket, let outcome): answerPublish(ticket, outcome)
        case .history(let ticket, let outcome): lists.append(.history(ticket, outcome))
        case .described(let ticket, let outcome): answerDescribe(ticket, outcome)
        case .presence(let ticket, let outcome): lists.append(.presence(ticket, outcome))
        case .session(let ticket, let outcome): answerSession(ticket, outcome)
        case .visited(let ticket, let outcome): answerVisit(ticket, outcome)
        case .settled(let ticket, let outcome): answerSettlement(ticket, outcome)
        case .sessionTaken(let id, let holder, let taking):
            loseSession(id, SlabKey(token: holder.connection), taking)
        case .sessionChanged(let id, let holder, let changes):
            takeChanges(of: id, SlabKey(token: holder.connection), changes)
        case .sessionForgotten(let id, let holder):
            hub.saveSessionAgain(id, of: SlabKey(token: holder.connection).client)
        case .identified(let ticket, let outcome): answerToken(ticket, outcome)
        case .hooked(let ticket, let outcome): answerHook(ticket, outcome)
        case .spent(let ticket, let outcome): answerSpending(ticket, outcome)
        case .accessChanged(let policy): change(to: policy)
        case .asked(let question, let call): take(question, call)
        case .revoked(let revocations): revoke(revocations)
        case .controlled(let ticket, let answer): answerControl(ticket, answer)
        case .inherited(let will, let entry, let text): tellOfEnd(of: entry, in: will, text)
        case .certificatesChanged(let policy): change(to: policy)
        case .ticketsShared(let secrets): shareTickets(secrets)
        case .link: break
        case .drain: beginDraining()
        }
    }

    /// Connections that were not come to when the poller named them: before messages are taken in, so that what they publish
    /// goes out in this turn.
    func endOfEvents() {
        attendOverdue()
    }

    /// A client that was answered goes on at once, so that a publisher's next request may share the turn of its last. Clients
    /// that wait for more than that have their time at the end of the turn.
    func endOfIntake() {
        sendAnswers()
        guard !deferred.isEmpty else { return }
        _ = workDeferred(until: reactor.now + limits.inputSliceMicroseconds * 1_000)
    }

    /// Each of these has a slice of time; what it does not get done is gone on with in the next turn, behind what came for
    /// the others.
    func endOfTurn() -> Bool {
        var hasWorkLeft = hub.releaseDue()
        if hub.flush() { hasWorkLeft = true }
        if isSomebodyOverdue { hasWorkLeft = true }
        if shakeHands() { hasWorkLeft = true }
        if beginOpenings() { hasWorkLeft = true }
        if hub.finishReadyJoins() { hasWorkLeft = true }
        if hub.giveUpDueJoins() { hasWorkLeft = true }
        if hub.answerDuePolls() { hasWorkLeft = true }
        if answerLists() { hasWorkLeft = true }
        if judgeReaders() { hasWorkLeft = true }
        if runErrands() { hasWorkLeft = true }
        if workDueTimers() { hasWorkLeft = true }
        if workDeferred(until: Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000) {
            hasWorkLeft = true
        }
        sendAnswers()
        hub.tellCounts()
        relieveMemory()
        bury()
        return hasWorkLeft
    }

    /// What is held back is told when it is due, which is between two ticks mostly.
    var patienceMilliseconds: Int32 {
        guard let next = hub.nextPaceMilliseconds else { return .max }
        return Int32(clamping: next - min(next, nowMilliseconds))
    }

    func finish() {
        isFinished = true
    }

    /// Whether a moment has come.
    func isDue(_ tick: Tick) -> Bool { tick.isReached(by: reactor.currentTick) }

    // MARK: Questions

    /// Asks the uplink something and notes who waits for the answer.
    func ask(_ question: Question, _ command: (Ticket) -> UplinkCommand) {
        nextTicket += 1
        waiting[nextTicket] = question
        uplink.post(command(Ticket(reactor: number, number: nextTicket)))
    }
}

/// What the uplink was asked, and for whom.
enum Question {
    case publish(Asker, ChannelName)
    case presence(Asker, ChannelName)
    case history(Exchange, ChannelName)
    case describe(Exchange, ChannelName)
    case session(Opening)
    /// Whose messages of Bayeux these are.
    case visit(BayeuxBatch)
    /// Where a channel stands that one of them subscribes to.
    case head(BayeuxBatch, Int, ChannelName)
    /// What they change of their session.
    case change(BayeuxBatch)
    /// A session for a handshake, for a connect, or for a WebSocket.
    case handshake(BayeuxBatch, Int)
    case attach(BayeuxBatch, Int)
    case adopt(BayeuxBatch)
    /// Whether the session of a connect that is not held is there.
    case heartbeat(BayeuxBatch, Int)
    /// What the answer to a connect means.
    case settle(BayeuxHold)
    /// What whoever runs the cluster wants.
    case control(Exchange, ControlStep)
}

/// Who is answered when a poll is.
enum PollAsker {
    /// Apart from the others, for it is large, and there is an asker for each poll that is held.
    indirect case opening(Opening)
    /// A connect of Bayeux.
    case hold(BayeuxHold)
    /// Messages of Bayeux that are told in their own answer what came of them.
    case batch(BayeuxBatch)
}

extension HTTPLimits {
    init(_ limits: Limits) {
        self.init()
        targetBytes = limits.requestTargetBytesMax
        headBytes = limits.requestHeadBytesMax
        bodyBytes = limits.messageBytesMax
    }
}
