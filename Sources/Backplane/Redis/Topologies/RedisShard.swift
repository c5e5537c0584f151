internal import Broker
internal import Reactor

/// One master: the link that asks it, the link that hears it, and who says where it is, if anybody has to.
///
/// Thread: owned by the uplink.
final class RedisShard {
    let commands: RedisCommandLink
    let subscriptions: RedisSubscriptionLink

    /// What it is called in the log, where there are several.
    let name: String

    /// Tells it from others, of before, too.
    let number: UInt64

    private let durable: RedisDurableLink
    private let sentinels: RedisSentinelWatch?
    private let report: RedisLinkReport
    private unowned let seat: ReactorSeat
    private var commandLog = RedisLinkLog()
    private var subscriptionLog = RedisLinkLog()
    private var sentinelLog = RedisLinkLog()

    /// Where the master is, as far as others have said so.
    private(set) var place: RedisPlace?

    /// Until when it is a master though nobody knows of slots that it has, on the monotonic clock.
    var keptUntil: UInt64 = 0

    /// The command link was made or lost (with a reason), or the other one was.
    var onCommandsChanged: (String?) -> Void = { _ in }
    var onSubscriptionsChanged: (String?) -> Void = { _ in }
    /// A Sentinel was reached or lost, which may be why there is no link.
    var onSentinelChanged: () -> Void = {}

    /// Descriptors of a shard; of one in a cluster, which no Sentinels watch.
    static let tokenCount = 3 + UInt64(RedisSentinelWatch.linksMax)
    static let tokenCountInCluster: UInt64 = 3

    /// `firstToken` is the first of its tokens. `place` is where it is if it is a node of a cluster.
    init(
        _ master: RedisMaster,
        number: UInt64,
        at place: RedisPlace? = nil,
        firstToken: UInt64,
        links: RedisLinkMaker,
        report: RedisLinkReport
    ) {
        name = place?.description ?? master.name
        self.number = number
        self.place = place
        self.report = report
        seat = links.seat
        let address = place.map { master.address.moved(to: $0) } ?? master.address
        commands = links.commands(address, token: firstToken)
        subscriptions = links.subscriptions(address, token: firstToken + 1)
        durable = links.durable(address, token: firstToken + 2)
        sentinels = master.sentinels.map { links.watch($0, of: master.address, firstToken: firstToken + 3) }
        durable.onSettled = { [unowned self] in self.report.settled($0, $1) }
        commands.onChange = { [unowned self] in commandsChanged($0) }
        subscriptions.onChange = { [unowned self] in subscriptionsChanged($0) }
        sentinels?.onSetUpAnew = { [unowned self] in self.report.setUpAnew(name) }
        sentinels?.onFound = { [unowned self] in follow(to: $0) }
        sentinels?.onChange = { [unowned self] in
            sentinelLog.note($0)
            tellLinks()
            onSentinelChanged()
        }
    }

    /// Publishes are taken, and what is published elsewhere is heard.
    var isUp: Bool { commands.isUp && subscriptions.isUp }

    /// Why it is not up; `nil` if it is, or if nobody knows.
    var trouble: String? { isUp ? nil : commandLog.trouble ?? subscriptionLog.trouble ?? sentinelLog.trouble }

    /// Channels that are wanted and not heard, behind a loss; and those with reads that are not answered.
    var unheardCount: Int { subscriptions.unheardCount }
    var unreadCount: Int { commands.unreadCount }

    /// What is held for all that is not answered, in bytes.
    var heldByteCount: Int { commands.heldByteCount + durable.heldByteCount }

    /// How long it may be silent before a link is given up.
    var patienceMilliseconds: UInt64 { max(commands.patienceMilliseconds, subscriptions.patienceMilliseconds) }

    /// All that new links ask for was answered.
    private func settle() {
        commands.settle()
        subscriptions.settle()
        durable.settle()
    }

    func connect() {
        sentinels?.connect()
        commands.connect()
        subscriptions.connect()
    }

    /// `token` counts from the shard's first.
    func ready(token: UInt64, _ readiness: Readiness) {
        switch token {
        case 0: commands.ready(readiness)
        case 1: subscriptions.ready(readiness)
        case 2: durable.ready(readiness)
        default: sentinels?.ready(token: token - 3, readiness)
        }
    }

    func tick(_ tick: Tick) {
        if !commands.isUp, place != nil { sentinels?.doubt() }
        sentinels?.tick(tick)
        subscriptions.tick(tick)
        commands.tick(tick)
        durable.tick(tick)
        if isUp, unreadCount == 0 { settle() }
        tellLinks()
    }

    func endOfTurn() {
        sentinels?.endOfTurn()
        subscriptions.endOfTurn()
        commands.endOfTurn()
        durable.endOfTurn()
    }

    // MARK: Asking

    func ask(_ command: some RedisCommand) {
        // Whether this node may write here at all, the other link is told.
        if command.replicasMin > 0, commands.isUp, let publication = command as? RedisPublish {
            return durable.ask(publication)
        }
        commands.ask(command)
    }

    /// Asks what another node of a cluster has sent here, for it is under way to this one.
    func askEarly(_ command: any RedisCommand) {
        if command.replicasMin > 0, let publication = command as? RedisPublish { return durable.askEarly(publication) }
        commands.askEarly(command)
    }

    /// Those that are not answered and for which something is so.
    func unansweredCount(where isMeant: (any RedisCommand) -> Bool) -> Int {
        commands.unansweredCount(where: isMeant) + durable.unansweredCount(where: isMeant)
    }

    /// A node of a cluster sends a command somewhere else.
    func onRedirected(_ body: @escaping (any RedisCommand, RedisRedirect) -> Void) {
        commands.onRedirected = body
        durable.onRedirected = body
    }

    /// Another master has what a command is about.
    func onElsewhere(_ body: @escaping (any RedisCommand) -> Void) {
        commands.onElsewhere = body
        durable.onElsewhere = body
    }

    /// One that replicas must have is answered.
    func onPublished(_ body: @escaping (RedisPublish, Result<Position, BackplaneFailure>) -> Void) {
        durable.onPublished = body
    }

    /// Whether nobody waits for an answer.
    var isIdle: Bool { commands.isIdle && durable.isIdle }

    /// Waits for the answers to all requests, until a time of the monotonic clock.
    func finish(until deadlineNanoseconds: UInt64) {
        for finish in [durable.finish, commands.finish] {
            let now = Clock.monotonicNanoseconds
            finish((max(deadlineNanoseconds, now) - now) / 1_000_000)
        }
    }

    /// It is needed no longer.
    func end() {
        subscriptions.end()
        commands.end()
        durable.end()
    }

    // MARK: Links

    /// The master is there now.
    private func follow(to place: RedisPlace) {
        guard place != self.place else { return }
        let isMove = self.place != nil
        self.place = place
        if isMove { report.moved(name, place.description) }
        commands.aim(at: place)
        subscriptions.aim(at: place)
        durable.aim(at: place)
    }

    private func commandsChanged(_ reason: String?) {
        if reason == nil {
            if let endpoint = commands.endpoint { subscriptions.follow(to: endpoint) }
        }
        commandLog.note(reason)
        changed(reason)
        onCommandsChanged(reason)
    }

    private func subscriptionsChanged(_ reason: String?) {
        subscriptionLog.note(reason)
        if reason != nil { commands.giveUpFills() }
        changed(reason)
        onSubscriptionsChanged(reason)
    }

    private func changed(_ reason: String?) {
        if reason != nil { report.lost() }
        tellLinks()
    }

    private func tellLinks() {
        if let line = commandLog.takeLine(seat.now) { report.changed("commands", name, line.reason) }
        if let line = subscriptionLog.takeLine(seat.now) { report.changed("subscriptions", name, line.reason) }
        if let line = sentinelLog.takeLine(seat.now) { report.changed("sentinel", name, line.reason) }
    }
}
