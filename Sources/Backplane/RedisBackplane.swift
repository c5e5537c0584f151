public import Broker
public import Reactor

/// The backplane of a cluster: publishes and reads go through a library of Redis functions, and everything that is
/// published is heard on one pub/sub connection.
public final class RedisBackplane: Backplane {
    private static let commandToken: UInt64 = 1
    private static let subscriptionToken: UInt64 = 2

    private let commands: RedisCommandLink
    private let subscriptions: RedisSubscriptionLink
    private let classify: PayloadClassifier
    private let report: RedisLinkReport
    private weak var delegate: (any BackplaneDelegate)?

    /// Makes a backplane in the uplink's seat; it connects when it is started.
    public init(
        address: RedisAddress,
        nodeID: String,
        limits: Limits,
        seat: ReactorSeat,
        classify: @escaping PayloadClassifier,
        report: RedisLinkReport
    ) {
        commands = RedisCommandLink(
            address: address,
            limits: limits,
            nodeID: nodeID,
            token: Self.commandToken,
            seat: seat
        )
        subscriptions = RedisSubscriptionLink(
            address: address,
            limits: limits,
            nodeID: nodeID,
            token: Self.subscriptionToken,
            seat: seat
        )
        self.classify = classify
        self.report = report
        commands.onAnswer = { [unowned self] in answer($0, $1) }
        commands.onChange = { [unowned self] in changed("commands", $0) }
        commands.onRefused = { [unowned self] in self.report.refused($0) }
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

    public func read(_ channel: ChannelName, since: Position?, limit: Int, for purpose: ReadPurpose) {
        commands.ask(.read(channel, since: since, limit: limit, purpose))
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
    }

    public func endOfTurn() {
        subscriptions.endOfTurn()
        commands.endOfTurn()
    }

    public func finish() { commands.finish() }

    private func changed(_ link: String, _ reason: String?) {
        report.changed(link, reason)
        delegate?.linkChanged()
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

    private func answer(_ request: RedisCommandLink.Request, _ outcome: Result<RedisReply, BackplaneFailure>) {
        switch request {
        case .publish(let publish):
            delegate?.published(publish.ticket, outcome.flatMap { position($0) })
        case .read(let channel, let since, _, let purpose):
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
        case .authenticate, .select, .version, .install, .prelude, .count, .enter, .leave:
            break
        }
    }

    private func list(_ reply: RedisReply) -> Result<PresenceList, BackplaneFailure> {
        guard reply.count > 0 else { return .failure(.refused("no members")) }
        var members: [Member] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            let facts = reply[index + 1].text.split(separator: " ")
            guard let id = MemberID(reply[index].text), facts.count == 3, let since = UInt64(facts[2]) else { continue }
            members.append(
                Member(id: id, node: String(facts[0]), transport: String(facts[1]), sinceMilliseconds: since)
            )
        }
        return .success(PresenceList(count: reply[0].integer, members: members))
    }

    private func grant(_ reply: RedisReply, to request: SessionRequest) -> Result<SessionGrant, SessionFailure> {
        if request.kind == .open {
            // A session whose name was drawn a moment ago is nobody else's.
            return reply.integer == 1 ? .success(SessionGrant(fence: 1, positions: [])) : .failure(.unknown)
        }
        guard reply.count > 0 else { return .failure(.unknown) }
        var positions: [SessionPosition] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            guard let channel = ChannelName(reply[index].text), let position = reply[index + 1].position else {
                continue
            }
            positions.append(SessionPosition(channel, position))
        }
        return .success(SessionGrant(fence: UInt64(reply[0].integer), positions: positions))
    }

    private func write(_ reply: RedisReply) -> SessionWrite {
        switch reply.integer {
        case 1: .kept
        case 0: .stale
        default: .gone
        }
    }

    /// Takes what another node says to this one: `taken <session> <fence>`. What a later version may say is passed over.
    private func obey(_ message: String) {
        let words = message.split(separator: " ")
        guard words.count == 3, words[0] == "taken", let session = SessionID(words[1]), let fence = UInt64(words[2])
        else { return }
        delegate?.taken(session, fence: fence)
    }

    private func position(_ reply: RedisReply) -> Result<Position, BackplaneFailure> {
        reply.position.map { .success($0) } ?? .failure(.refused("no position: \(reply.text)"))
    }

    private func page(_ reply: RedisReply, since: Position?) -> Result<HistoryPage, BackplaneFailure> {
        guard reply.count > 0, let head = reply[0].position else { return .failure(.refused("no head")) }
        var publications: [Publication] = []
        for index in 1..<reply.count {
            let entry = reply[index]
            guard entry.count == 4, let position = entry[0].position, let previous = entry[1].position else { continue }
            let payload = classify(entry[3].bytes, PayloadKind(letter: entry[2].bytes.first))
            publications.append(Publication(position: position, previous: previous, payload: payload))
        }
        return .success(HistoryPage(since: since, publications: publications, head: head))
    }

    private func facts(_ reply: RedisReply) -> Result<ChannelFacts, BackplaneFailure> {
        guard reply.count == 3, let head = reply[2].position else { return .failure(.refused("no facts")) }
        return .success(ChannelFacts(subscribers: reply[0].integer, nodes: reply[1].integer, head: head))
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

    /// Makes a report from its functions.
    public init(
        changed: @escaping (String, String?) -> Void,
        refused: @escaping (String) -> Void,
        roundTrip: @escaping (UInt64) -> Void,
        waiting: @escaping (Int) -> Void
    ) {
        self.changed = changed
        self.refused = refused
        self.roundTrip = roundTrip
        self.waiting = waiting
    }
}
