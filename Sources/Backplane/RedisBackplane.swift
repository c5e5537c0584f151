public import Broker
public import Reactor

/// The backplane of a cluster: publishes and reads go through a library of Redis functions, and everything that is
/// published is heard on one pub/sub connection.
public final class RedisBackplane: Backplane {
    private static let commandToken: UInt64 = 1
    private static let subscriptionToken: UInt64 = 2

    private let commands: RedisCommandLink
    private let subscriptions: RedisSubscriptionLink
    let classify: PayloadClassifier
    private let report: RedisLinkReport
    private let seat: ReactorSeat
    private let facts: String
    private let leaseMilliseconds: UInt64
    private var nextBeatTick: UInt32 = 0
    private var wasUp = false
    private var rivalCount = 0
    private var brokenDataLog = BrokenDataLog()
    private weak var delegate: (any BackplaneDelegate)?

    /// What begins the names of keys unless nodes are told otherwise.
    public static let usualKeyPrefix = RedisKeys.usualPrefix

    /// Makes a backplane in the uplink's seat; it connects when it is started. `facts` is a JSON object, for who looks at
    /// Redis to see which nodes live. `keyPrefix` begins the names of all keys and pub/sub channels, the same for all nodes of a
    /// cluster: letters, digits, dots, dashes and underscores.
    public init(
        address: RedisAddress,
        nodeID: String,
        facts: String,
        limits: Limits,
        seat: ReactorSeat,
        classify: @escaping PayloadClassifier,
        report: RedisLinkReport,
        keyPrefix: String = RedisBackplane.usualKeyPrefix
    ) {
        let keys = RedisKeys(prefix: keyPrefix, database: address.database)
        let incarnation = String(UInt64.random(in: 0...(.max)), radix: 36)
        let facts = "{\"incarnation\":\"\(incarnation)\",\(facts.dropFirst())"
        commands = RedisCommandLink(
            address: address,
            limits: limits,
            nodeID: nodeID,
            incarnation: incarnation,
            facts: facts,
            token: Self.commandToken,
            seat: seat,
            keys: keys
        )
        subscriptions = RedisSubscriptionLink(
            address: address,
            limits: limits,
            nodeID: nodeID,
            incarnation: incarnation,
            token: Self.subscriptionToken,
            seat: seat,
            keys: keys
        )
        self.classify = classify
        self.report = report
        self.seat = seat
        self.facts = facts
        leaseMilliseconds = limits.nodeLeaseMilliseconds
        commands.onAnswer = { [unowned self] in answer($0, $1) }
        commands.onChange = { [unowned self] in changed("commands", $0) }
        commands.onRival = { [unowned self] in meetRival() }
        commands.onRefused = { [unowned self] in refused($0) }
        commands.onRoundTrip = { [unowned self] in self.report.roundTrip($0) }
        commands.onWaiting = { [unowned self] in self.report.waiting($0) }
        subscriptions.onChange = { [unowned self] in changed("subscriptions", $0) }
        subscriptions.onSubscribed = { [unowned self] in delegate?.subscribed($0) }
        subscriptions.onMessage = { [unowned self] in hear($0, $1) }
        subscriptions.onControl = { [unowned self] in obey($0) }
    }

    public var isUp: Bool { commands.isUp && subscriptions.isUp }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        commands.connect()
        subscriptions.connect()
    }

    public func subscribe(_ channel: ChannelName) { subscriptions.subscribe(channel) }

    public func unsubscribe(_ channel: ChannelName) { subscriptions.unsubscribe(channel) }

    public func publish(_ request: PublishRequest) { commands.ask(.publish(request)) }

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

    public func enter(_ channel: ChannelName, _ member: MemberID, transport: String) {
        commands.ask(.enter(channel, member, transport: transport))
    }

    public func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        commands.ask(.renew(channel, members))
    }

    public func leave(_ channel: ChannelName, _ member: MemberID) { commands.ask(.leave(channel, member)) }

    public func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) {
        commands.ask(.list(channel, limit: limit, ticket))
    }

    public func grant(_ request: SessionRequest) { commands.ask(.grant(request)) }

    public func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition]
    ) {
        commands.ask(.save(session, fence: fence, standing, positions))
    }

    public func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        commands.ask(.restore(session, secret: secret, fence: fence))
    }

    public func ready(token: UInt64, readiness: Readiness) {
        if token == Self.commandToken { commands.ready(readiness) } else { subscriptions.ready(readiness) }
    }

    public func tick(_ tick: UInt32) {
        subscriptions.tick(tick)
        commands.tick(tick)
        if commands.isUp, Int32(bitPattern: tick &- nextBeatTick) >= 0 { beat() }
    }

    /// Says that this node lives.
    private func beat() {
        nextBeatTick = seat.tick(afterMilliseconds: leaseMilliseconds / 3)
        commands.ask(.live(facts: facts))
    }

    public func endOfTurn() {
        subscriptions.endOfTurn()
        commands.endOfTurn()
    }

    public func finish() {
        if commands.isUp { commands.ask(.retire) }
        commands.finish()
    }

    /// Answers of Redis that another node lives, after which a start has failed: the process that was here before may have
    /// been killed a moment ago.
    private static let rivalCountMax = 3

    private func meetRival() {
        rivalCount += 1
        if rivalCount == (wasUp ? 1 : Self.rivalCountMax) { report.rivalled(!wasUp) }
    }

    private func changed(_ link: String, _ reason: String?) {
        if commands.isUp {
            wasUp = true
            rivalCount = 0
        }
        // A Redis that is new to this node may not know of it.
        if reason == nil { nextBeatTick = seat.currentTick }
        report.changed(link, reason)
        delegate?.linkChanged()
    }

    /// Tells of an error, Redis' own or what is thought of its answer.
    func refused(_ error: String) {
        if brokenDataLog.isNews(error, seat.now) { report.refused(error) }
    }

    private func hear(_ channel: ChannelName, _ bytes: UnsafeRawBufferPointer) {
        switch RedisMessage(bytes) {
        case .plain(let payload):
            delegate?.heard(classify(payload, nil), in: channel)
        case .publication(let position, let previous, let type, let payload):
            let payload = classify(payload, PayloadKind(letter: type))
            delegate?.heard(Publication(position: position, previous: previous, payload: payload), in: channel)
        }
    }

    private func answer(_ request: RedisRequest, _ outcome: Result<RedisReply, BackplaneFailure>) {
        switch request {
        case .publish(let publish):
            delegate?.published(publish.ticket, outcome.flatMap { position($0) })
        case .read(let channel, let since, _, _, let purpose):
            delegate?.read(channel, for: purpose, since: since, outcome.flatMap { page($0, since: since) })
        case .describe(_, let ticket):
            delegate?.described(ticket, outcome.flatMap { facts($0) })
        case .renew(let channel, _):
            if case .success(let reply) = outcome {
                delegate?.renewed(channel, lost: (0..<reply.count).compactMap { MemberID(reply[$0].text) })
            }
        case .list(_, _, let ticket):
            delegate?.listed(ticket, outcome.flatMap { list($0) })
        case .grant(let request):
            delegate?.granted(
                request,
                outcome.mapError { .backplane($0) }.flatMap { grant($0, to: request) }
            )
        case .save(let session, let fence, _, _), .restore(let session, _, let fence):
            delegate?.saved(session, fence: fence, outcome.map { write($0) })
        case .authenticate, .select, .version, .install, .prelude, .live, .retire, .count, .enter, .leave:
            break
        }
    }

    /// Takes what another node says to this one: `taken <session> <fence>`. What a later version may say is passed over.
    private func obey(_ message: String) {
        let words = message.split(separator: " ")
        guard words.count == 3, words[0] == "taken", let session = SessionID(words[1]), let fence = UInt64(words[2])
        else { return }
        delegate?.taken(session, fence: fence)
    }
}

/// Who is told how the links to Redis fare: the log and the metrics.
public struct RedisLinkReport {
    /// A link was made (no reason) or lost.
    public var changed: (_ link: String, _ reason: String?) -> Void

    /// Redis answered a request with an error.
    public var refused: (_ error: String) -> Void

    /// A request was answered after so many nanoseconds.
    public var roundTrip: (UInt64) -> Void

    /// So many requests wait for others, because there are too many of their kind.
    public var waiting: (Int) -> Void

    /// Another process lives by this node's name. This one is not ready while that is so; where it never was, it has failed
    /// to start.
    public var rivalled: (_ isStart: Bool) -> Void

    /// Makes a report from its functions.
    public init(
        changed: @escaping (String, String?) -> Void,
        refused: @escaping (String) -> Void,
        roundTrip: @escaping (UInt64) -> Void,
        waiting: @escaping (Int) -> Void,
        rivalled: @escaping (Bool) -> Void = { _ in }
    ) {
        self.changed = changed
        self.refused = refused
        self.roundTrip = roundTrip
        self.waiting = waiting
        self.rivalled = rivalled
    }
}
