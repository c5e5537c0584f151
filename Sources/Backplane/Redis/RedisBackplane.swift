public import Broker
public import Reactor
internal import TLS

/// The backplane of a cluster: publishes and reads go through a library of Redis functions, and everything that is
/// published is heard on one pub/sub connection.
public final class RedisBackplane: Backplane {
    private static let commandToken: UInt64 = 1
    private static let subscriptionToken: UInt64 = 2

    private let commands: RedisCommandLink
    private let subscriptions: RedisSubscriptionLink
    private let keys: RedisKeys
    private let classify: PayloadClassifier
    private let context: RedisContext
    private let report: RedisLinkReport
    private let seat: ReactorSeat
    private var commandLog = RedisLinkLog()
    private var subscriptionLog = RedisLinkLog()
    private var refusalLog = RedisRefusalLog()
    private let leaseMilliseconds: UInt64
    private var nextBeatTick: Tick = .start
    private var wasUp = false
    private var rivalCount = 0

    /// What tickets of TLS are sealed with; `nil` where there is no listener for it.
    private var tickets: RedisTickets?
    private var sharedTickets: [[UInt8]] = []
    private weak var delegate: (any BackplaneDelegate)?

    /// What begins the names of keys unless nodes are told otherwise.
    public static let usualKeyPrefix = RedisKeys.usualPrefix

    /// Makes a backplane in the uplink's seat; it connects when it is started. `facts` is a JSON object, for who looks at
    /// Redis to see which nodes live. `keyPrefix` begins the names of all keys and pub/sub channels, the same for all nodes of a
    /// cluster: letters, digits, dots, dashes and underscores. `sharesTickets` is for nodes with TLS. `resolver` is the system's, unless a test brings its own.
    public init(
        address: RedisAddress,
        nodeID: String,
        facts: String,
        limits: Limits,
        seat: ReactorSeat,
        classify: @escaping PayloadClassifier,
        report: RedisLinkReport,
        keyPrefix: String = RedisBackplane.usualKeyPrefix,
        sharesTickets: Bool = false,
        resolver: @escaping HostLookup.Resolver = HostLookup.askSystem
    ) {
        let keys = RedisKeys(prefix: keyPrefix, database: address.database)
        self.keys = keys
        let incarnation = String(UInt64.random(in: 0...(.max)), radix: 36)
        let facts = "{\"incarnation\":\"\(incarnation)\",\(facts.dropFirst())"
        let complaints = RedisComplaints()
        context = RedisContext(
            limits: limits,
            nodeID: nodeID,
            incarnation: incarnation,
            keys: keys,
            classify: classify,
            complain: { complaints.tell($0) }
        )
        commands = RedisCommandLink(
            address: address,
            context: context,
            facts: facts,
            token: Self.commandToken,
            seat: seat,
            resolver: resolver
        )
        subscriptions = RedisSubscriptionLink(
            address: address,
            limits: limits,
            nodeID: nodeID,
            incarnation: incarnation,
            token: Self.subscriptionToken,
            seat: seat,
            keys: keys,
            resolver: resolver
        )
        self.classify = classify
        self.report = report
        tickets = sharesTickets ? RedisTickets() : nil
        self.seat = seat
        leaseMilliseconds = limits.nodeLeaseMilliseconds
        complaints.tell = { [unowned self] in refused($0) }
        commands.onAnswer = { [unowned self] in answer($0, $1) }
        commands.onChange = { [unowned self] in commandsChanged($0) }
        commands.onRival = { [unowned self] in meetRival() }
        commands.onRefused = { [unowned self] in refused($0) }
        commands.onRoundTrip = { [unowned self] in self.report.roundTrip($0) }
        commands.onWaiting = { [unowned self] in self.report.waiting($0, $1) }
        subscriptions.onChange = { [unowned self] in subscriptionsChanged($0) }
        subscriptions.onSubscribed = { [unowned self] in delegate?.subscribed($0) }
        subscriptions.onRefused = { [unowned self] in refuse($0, $1) }
        subscriptions.onMessage = { [unowned self] in hear($0, $1) }
        subscriptions.onControl = { [unowned self] in obey($0) }
        subscriptions.hasRoom = { [unowned self] in commands.waitingCount(.opening) < Self.openingsWaitingMax }
    }

    /// Heads that wait to be read, beyond which no more channels are subscribed to: a channel that is given up before its
    /// turn then costs Redis nothing.
    private static let openingsWaitingMax = 512

    public var isUp: Bool { commands.isUp && subscriptions.isUp }

    public var trouble: String? { isUp ? nil : commandLog.trouble ?? subscriptionLog.trouble }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        commands.connect()
        subscriptions.connect()
    }

    public func subscribe(_ channel: ChannelName) { subscriptions.subscribe(channel) }

    public func unsubscribe(_ channel: ChannelName) { subscriptions.unsubscribe(channel) }

    public func find(_ patterns: PatternSet) { find(patterns, from: "0") }

    private func find(_ patterns: PatternSet, from cursor: String) {
        commands.ask(RedisFind(patterns: patterns, cursor: cursor) { [unowned self] in find(patterns, from: $0) })
    }

    public func publish(_ request: PublishRequest) { commands.ask(.publish(request)) }

    public func tell(_ payload: Payload, in channel: ChannelName) {
        commands.ask(RedisTell(channel: channel, payload: payload))
    }

    public func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        commands.ask(.read(channel, since: since, countMax: countMax, bytesMax: bytesMax, purpose))
    }

    public func count(_ channel: ChannelName, subscribers: Int) {
        commands.ask(.count(channel, subscribers: subscribers))
    }

    public func describe(_ channel: ChannelName, for ticket: Ticket) { commands.ask(.describe(channel, ticket)) }

    public func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        commands.ask(RedisEnter(channel: channel, member: member, transport: transport, details: details))
    }

    public func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        commands.ask(RedisRenew(channel: channel, members: members))
    }

    public func leave(_ channel: ChannelName, _ member: MemberID) {
        commands.ask(RedisLeave(channel: channel, member: member))
    }

    public func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) {
        commands.ask(.list(channel, limit: limit, ticket))
    }

    public func grant(_ request: SessionRequest) { commands.ask(RedisGrant(request: request)) }

    public func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    ) {
        commands.ask(
            RedisSave(
                session: session,
                fence: fence,
                standing: standing,
                positions: positions,
                notes: notes,
                ticket: ticket
            )
        )
    }

    public func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket) {
        commands.ask(RedisTouch(session: session, secret: secret, ticket: ticket))
    }

    public func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        commands.ask(RedisRestore(session: session, secret: secret, fence: fence))
    }

    public func ask(_ question: ClusterQuestion, number: UInt64) {
        commands.ask(RedisAskNodes(question: question, number: number))
    }

    public func reply(_ part: ClusterPart, to call: ClusterCall) {
        commands.ask(RedisReplyToNode(part: part, call: call))
    }

    public func revoke(_ revocation: Revocation, for ticket: Ticket) {
        commands.ask(RedisRevoke(revocation: revocation, ticket: ticket))
    }

    public func list(_ inventory: Inventory, for ticket: Ticket) { list(inventory, [], for: ticket) }

    private func list(_ inventory: Inventory, _ found: [InventoryPage.Item], for ticket: Ticket) {
        let question = RedisList(inventory: inventory, ticket: ticket, found: found) { [unowned self] cursor, found in
            let rest = Inventory(inventory.kind, after: cursor, countMax: inventory.countMax)
            list(rest, found, for: ticket)
        }
        commands.ask(question)
    }

    public func inspect(_ session: SessionID, for ticket: Ticket) {
        commands.ask(RedisInspectSession(session: session, ticket: ticket))
    }

    public func end(_ session: SessionID, for ticket: Ticket) {
        commands.ask(RedisEndSession(session: session, ticket: ticket))
    }

    public var keepsWills: Bool { true }

    public func openWill(_ will: WillID, replacing old: WillID?) {
        commands.ask(RedisOpenWill(will: will, old: old))
    }

    public func dropWill(_ will: WillID) { commands.ask(RedisDropWill(will: will)) }

    public func writeWill(_ will: WillID, _ changes: [WillChange]) {
        commands.ask(RedisWriteWill(will: will, changes: changes))
    }

    public func renewWill(_ will: WillID, executing: WillID?, seeks: Bool) {
        commands.ask(RedisRenewWill(will: will, executing: executing, seeks: seeks))
    }

    public func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int) {
        commands.ask(RedisExecuteWill(will: will, done: done, countMax: countMax))
    }

    public func readFence(of session: SessionID, for entry: [UInt8]) {
        commands.ask(RedisReadFence(session: session, entry: entry))
    }

    public func spend(_ spending: RateSpending) { commands.ask(RedisSpend(spending: spending)) }

    public func ready(token: UInt64, readiness: Readiness) {
        if token == Self.commandToken { commands.ready(readiness) } else { subscriptions.ready(readiness) }
    }

    public func tick(_ tick: Tick) {
        subscriptions.tick(tick)
        commands.tick(tick)
        if commands.isUp, nextBeatTick.isReached(by: tick) { beat() }
        tellLinks()
    }

    /// Says that this node lives.
    private func beat() {
        nextBeatTick = seat.tick(afterMilliseconds: leaseMilliseconds / 3)
        commands.sayAlive()
        askForTickets()
    }

    /// With every sign of life, looks whether another secret is needed, or another one's time has come.
    private func askForTickets() {
        guard tickets != nil else { return }
        let now = Clock.realtimeMilliseconds
        for turn in tickets?.missing(nowMilliseconds: now) ?? [] {
            commands.ask(
                RedisTicketSecret(turn: turn, nowMilliseconds: now, drawn: TicketKeys.drawSecret()) { [unowned self] in
                    tickets?.take($1, of: $0)
                    shareTickets()
                }
            )
        }
        shareTickets()
    }

    private func shareTickets() {
        guard let secrets = tickets?.all, secrets != sharedTickets else { return }
        sharedTickets = secrets
        delegate?.ticketsShared(secrets)
    }

    public func endOfTurn() {
        subscriptions.endOfTurn()
        commands.endOfTurn()
    }

    public func finish() {
        commands.retire()
        commands.finish()
    }

    /// Answers of Redis that another node lives, after which a start has failed: the process that was here before may have
    /// been killed a moment ago.
    private static let rivalCountMax = 3

    private func meetRival() {
        rivalCount += 1
        if rivalCount == (wasUp ? 1 : Self.rivalCountMax) { report.rivalled(!wasUp) }
    }

    // MARK: Links

    /// What is published there is heard there: the other link follows.
    private func commandsChanged(_ reason: String?) {
        if reason == nil {
            wasUp = true
            rivalCount = 0
            nextBeatTick = seat.tick(afterMilliseconds: leaseMilliseconds / 3)
            askForTickets()
            if let endpoint = commands.endpoint { subscriptions.follow(to: endpoint) }
        }
        commandLog.note(reason)
        changed(reason)
    }

    private func subscriptionsChanged(_ reason: String?) {
        subscriptionLog.note(reason)
        changed(reason)
    }

    private func changed(_ reason: String?) {
        if reason != nil { report.lost() }
        // What was taken back in a silence.
        if reason == nil, isUp { commands.ask(RedisRevocations()) }
        tellLinks()
        delegate?.linkChanged()
    }

    private func tellLinks() {
        if let line = commandLog.takeLine(seat.now) { report.changed("commands", line.reason) }
        if let line = subscriptionLog.takeLine(seat.now) { report.changed("subscriptions", line.reason) }
    }

    /// Tells of an error, Redis' own or what is thought of its answer.
    func refused(_ error: String) {
        if refusalLog.isNews(error, seat.now) { report.refused(error) }
    }

    private func refuse(_ channel: ChannelName, _ error: String) {
        refused(error)
        delegate?.refused(channel, error)
    }

    private func hear(_ channel: ChannelName, _ bytes: UnsafeRawBufferPointer) {
        if channel.isPattern { return hear(pattern: channel, bytes) }
        switch RedisMessage(bytes) {
        case .plain(let payload):
            delegate?.heard(classify(payload, nil), in: channel)
        case .publication(let position, let previous, let type, let payload):
            let payload = classify(payload, PayloadKind(letter: type))
            delegate?.heard(Publication(position: position, previous: previous, payload: payload), in: channel)
        }
    }

    /// Anybody may publish anything; what is not of a channel that the pattern stands for is passed over.
    private func hear(pattern: ChannelName, _ bytes: UnsafeRawBufferPointer) {
        guard let (key, message) = RedisMessage.ofPattern(bytes), let channel = keys.channelName(key),
            pattern.stands(for: channel),
            case .publication(let position, let previous, let type, let payload) = RedisMessage(message)
        else { return }
        let publication = Publication(
            position: position,
            previous: previous,
            payload: classify(payload, PayloadKind(letter: type))
        )
        delegate?.heard(publication, in: channel, by: pattern)
    }

    private func answer(_ command: any RedisCommand, _ outcome: Result<RedisReply, BackplaneFailure>) {
        guard let delegate else { return }
        if let channel = command.openedChannel, let error = Self.prohibition(in: outcome) {
            subscriptions.unsubscribe(channel)
            return delegate.refused(channel, error)
        }
        command.answer(outcome, context, to: delegate)
    }

    /// What Redis says if it will never answer this, for the node's user has no right to the channel.
    private static func prohibition(in outcome: Result<RedisReply, BackplaneFailure>) -> String? {
        guard case .failure(.refused(let error)) = outcome else { return nil }
        return RedisErrorReply(text: error).isAboutNames ? error : nil
    }

    /// Takes what a node says to this one, or to all. What a later version may say is passed over.
    private func obey(_ message: String) {
        switch RedisControlMessage(message) {
        case .taken(let session, let fence, let taking)?: delegate?.taken(session, fence: fence, taking)
        case .ask(let call, let question)?: delegate?.asked(question, call)
        case .told(let number, let part)?: delegate?.replied(number, part)
        case .revoked(let revocation)?: delegate?.revoked([revocation])
        case nil: break
        }
    }
}

/// Where answers that make no sense are complained of: what they are read with is made before who listens.
private final class RedisComplaints {
    var tell: (String) -> Void = { _ in }
}
