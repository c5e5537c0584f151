public import Broker
public import Reactor
internal import TLS

/// The backplane of a cluster: publishes and reads go through a library of Redis functions, and everything that is
/// published is heard by pub/sub. There is one master of Redis, or several that share the channels, or a
/// Redis Cluster: which has what, `topology` knows.
public final class RedisBackplane: Backplane {
    let topology: any RedisTopology
    let keys: RedisKeys
    let classify: PayloadClassifier
    let context: RedisContext
    private let report: RedisLinkReport
    private let seat: ReactorSeat
    private var refusalLog = RedisRefusalLog()
    var fills = RedisFills()
    private let leaseMilliseconds: UInt64
    private var nextBeatTick: Tick = .start
    private var wasUp = false
    private var rivalCount = 0

    /// The masters that have acknowledged each pattern, by number.
    var heardPatterns: [ChannelName: Set<UInt64>] = [:]

    /// Patterns that masters, by number, have just acknowledged, until each is told that this node hears them.
    var patternsToSay: [UInt64: [ChannelName]] = [:]

    /// When all masters are told of all patterns again.
    private var nextSayingTick: Tick = .start

    /// What tickets of TLS are sealed with; `nil` where there is no listener for it.
    private var tickets: RedisTickets?
    private var sharedTickets: [[UInt8]] = []
    private(set) weak var delegate: (any BackplaneDelegate)?

    /// What begins the names of keys unless nodes are told otherwise.
    public static let usualKeyPrefix = RedisKeys.usualPrefix

    /// Makes a backplane in the uplink's seat; it connects when it is started. `facts` is a JSON object, for who looks at
    /// Redis to see which nodes live. `keyPrefix` begins the names of all keys and pub/sub channels, the same for all nodes of a
    /// cluster: letters, digits, dots, dashes and underscores. `former` are the masters that shared the channels before, while these are on
    /// their way to those of the deployment. `sharesTickets` is for nodes with TLS. `resolver` is the system's, unless a test brings its own.
    public init(
        deployment: RedisDeployment,
        former: [RedisMaster] = [],
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
        let keys = RedisKeys(prefix: keyPrefix, database: deployment.database)
        self.keys = keys
        let incarnation = String(UInt64.random(in: 0...(.max)), radix: 36)
        let facts = "{\"incarnation\":\"\(incarnation)\",\(facts.dropFirst())"
        let complaints = RedisComplaints()
        let context = RedisContext(
            limits: limits,
            nodeID: nodeID,
            incarnation: incarnation,
            keys: keys,
            isClustered: deployment.isCluster,
            masterMarks: [deployment.namedMasters, former].filter { !$0.isEmpty }.map {
                RedisShardMap.mark(of: $0.map(\.name))
            },
            classify: classify,
            complain: { complaints.tell($0) }
        )
        self.context = context
        self.classify = classify
        self.report = report
        tickets = sharesTickets ? RedisTickets() : nil
        self.seat = seat
        leaseMilliseconds = limits.nodeLeaseMilliseconds
        let maker = RedisTopologyMaker(
            links: RedisLinkMaker(
                context: context,
                incarnation: incarnation,
                facts: facts,
                seat: seat,
                resolver: resolver
            ),
            report: report
        )
        topology = maker.topology(of: deployment, former: former)
        topology.onAnswer = { [unowned self] in answer($0, $1) }
        topology.onChange = { [unowned self] in topologyChanged() }
        for shard in topology.shards { listen(to: shard) }
        maker.onShard = { [unowned self] in listen(to: $0) }
        complaints.tell = { [unowned self] in refused($0) }
    }

    private func listen(to shard: RedisShard) {
        shard.commands.onAnswer = { [unowned self] in
            topology.answered($0)
            answer($0, $1)
        }
        shard.onPublished { [unowned self] publication, outcome in
            topology.answered(publication)
            if let delegate { publication.tell(delegate, outcome) }
        }
        shard.commands.onRival = { [unowned self] in meetRival() }
        shard.commands.onClaimed = { [unowned self] in
            wasUp = true
            rivalCount = 0
        }
        shard.commands.onRefused = { [unowned self] in refused($0) }
        shard.commands.onRoundTrip = { [unowned self] in report.roundTrip($0) }
        shard.onCommandsChanged = { [unowned self, unowned shard] in commandsChanged(shard, $0) }
        shard.onSubscriptionsChanged = { [unowned self, unowned shard] in subscriptionsChanged(shard, $0) }
        shard.onSentinelChanged = { [unowned self] in delegate?.linkChanged() }
        shard.subscriptions.onSubscribed = { [unowned self, unowned shard] in subscribed($0, shard) }
        shard.subscriptions.onRefused = { [unowned self] in refuse($0, $1) }
        shard.subscriptions.onMessage = { [unowned self] in hear($0, $1) }
        shard.subscriptions.onOwnHeard = { [unowned self] in if $0 == keys.nodes { askForRevocations() } }
        shard.subscriptions.onControl = { [unowned self] in obey($0) }
        shard.subscriptions.hasRoom = { [unowned shard] in
            shard.commands.waitingCount(.opening) < Self.openingsWaitingMax
        }
    }

    /// Heads that wait to be read, beyond which no more channels are subscribed to: a channel that is given up before its
    /// turn then costs Redis nothing.
    private static let openingsWaitingMax = 512

    /// Whether any master is: what the others have is served, and who asks for what this one has is answered that it is not there.
    public var isUp: Bool { !topology.isDown && shards.contains(where: \.isUp) }

    var shards: [RedisShard] { topology.shards }

    public var trouble: String? {
        if topology.isDown { return topology.trouble }
        for shard in shards {
            if let trouble = shard.trouble { return shards.count == 1 ? trouble : "\(shard.name): \(trouble)" }
        }
        return topology.trouble
    }

    func ask(_ command: some RedisCommand) { topology.ask(command) }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        topology.connect()
    }

    public func ready(token: UInt64, readiness: Readiness) { topology.ready(token: token, readiness) }

    public func tick(_ tick: Tick) {
        topology.tick(tick)
        if nextBeatTick.isReached(by: tick), topology.registries.contains(where: \.commands.isUp) { beat() }
        if nextSayingTick.isReached(by: tick) {
            nextSayingTick = seat.tick(afterMilliseconds: min(leaseMilliseconds / 3, RedisHear.pauseMillisecondsMax))
            sayPatterns()
        }
    }

    /// Says that this node lives, to every master that others ask for that; and finds out of all whether they take writes.
    private func beat() {
        nextBeatTick = seat.tick(afterMilliseconds: leaseMilliseconds / 3)
        for shard in shards { shard.commands.tryWriting() }
        for shard in topology.registries { shard.commands.sayAlive() }
        askForTickets()
    }

    /// With every sign of life, looks whether another secret is needed, or another one's time has come.
    private func askForTickets() {
        guard tickets != nil else { return }
        let now = Clock.realtimeMilliseconds
        for turn in tickets?.missing(nowMilliseconds: now) ?? [] {
            ask(
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
        var (bulk, bytes) = (0, 0)
        var (unheard, unread, patienceMilliseconds) = (0, 0, 0 as UInt64)
        askForFills()
        sayNewPatterns()
        topology.endOfTurn()
        for shard in shards {
            bulk += shard.commands.bulkWaitingCount
            bytes += shard.heldByteCount
            unheard += shard.unheardCount
            unread += shard.unreadCount
            patienceMilliseconds = max(patienceMilliseconds, shard.patienceMilliseconds)
        }
        report.waiting(bulk, bytes)
        report.restoring(unheard, unread, patienceMilliseconds)
    }

    /// One master that is slow has the others wait, too, and not for long: then it is given up.
    public var hasRoom: Bool { shards.allSatisfy { $0.commands.hasRoom(.upkeep) } }

    public func makeRoom(until deadlineNanoseconds: UInt64) {
        let deadline = min(
            deadlineNanoseconds,
            Clock.monotonicNanoseconds + context.limits.redisMilliseconds * 1_000_000
        )
        for shard in shards { shard.commands.makeRoom(.upkeep, until: deadline) }
    }

    public func finish(until deadlineNanoseconds: UInt64) {
        for shard in shards { shard.commands.retire() }
        // However many masters there are, together as long as Redis has to answer one; those that are slow do not keep the others from
        // hearing a node's last words.
        let deadline = min(
            deadlineNanoseconds,
            Clock.monotonicNanoseconds + context.limits.redisMilliseconds * 1_000_000
        )
        for shard in shards {
            shard.finish(until: min(Clock.monotonicNanoseconds + Self.finishingSliceNanoseconds, deadline))
        }
        for shard in shards { shard.finish(until: deadline) }
    }

    /// A master that is well has answered everything in that time.
    private static let finishingSliceNanoseconds: UInt64 = 100_000_000

    /// Answers of Redis that another node lives, after which a start has failed: the process that was here before may have
    /// been killed a moment ago.
    private static let rivalCountMax = 3

    private func meetRival() {
        rivalCount += 1
        if rivalCount == (wasUp ? 1 : Self.rivalCountMax) { report.rivalled(!wasUp) }
    }

    // MARK: Links

    /// What is published there is heard there: the other link follows.
    private func commandsChanged(_ shard: RedisShard, _ reason: String?) {
        if reason == nil {
            // It has just been said there, or is not yet.
            nextBeatTick = context.isClustered ? .start : seat.tick(afterMilliseconds: leaseMilliseconds / 3)
            nextSayingTick = .start
            askForTickets()
        }
        changed(shard, reason)
    }

    private func subscriptionsChanged(_ shard: RedisShard, _ reason: String?) {
        if reason != nil { for pattern in heardPatterns.keys { heardPatterns[pattern]?.remove(shard.number) } }
        changed(shard, reason)
    }

    private func changed(_ shard: RedisShard, _ reason: String?) {
        if reason == nil, shard.isUp {
            askForRevocations()
            if context.isClustered { searchAgain() }
        }
        topologyChanged()
    }

    /// What was taken back in a silence, or while it was not heard where that is told now.
    private func askForRevocations() { ask(RedisRevocations()) }

    private func topologyChanged() {
        // bounded: counts what there is
        report.reached(shards.count { $0.isUp }, shards.count)
        delegate?.linkChanged()
    }

    /// Tells of an error, Redis' own or what is thought of its answer.
    func refused(_ error: String) {
        if refusalLog.isNews(error, seat.now) { report.refused(error) }
    }

    private func refuse(_ channel: ChannelName, _ error: String) {
        refused(error)
        // A pattern that one master does not let it hear is not heard at all.
        if channel.isPattern { unsubscribe(channel) }
        delegate?.refused(channel, error)
    }

    private func answer(_ command: any RedisCommand, _ outcome: Result<RedisReply, BackplaneFailure>) {
        guard let delegate else { return }
        if let channel = command.openedChannel, let error = Self.prohibition(in: outcome) {
            unsubscribe(channel)
            return delegate.refused(channel, error)
        }
        command.answer(outcome, context, to: delegate)
    }

    /// What Redis says if it will never answer this, for the node's user has no right to the channel.
    private static func prohibition(in outcome: Result<RedisReply, BackplaneFailure>) -> String? {
        guard case .failure(.refused(let error)) = outcome else { return nil }
        return RedisErrorReply(text: error).isAboutNames ? error : nil
    }
}

/// Where answers that make no sense are complained of: what they are read with is made before who listens.
private final class RedisComplaints {
    var tell: (String) -> Void = { _ in }
}
