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

    private let sentinel: RedisSentinelLink?
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
    static let tokenCount: UInt64 = 3
    static let tokenCountInCluster: UInt64 = 2

    /// `firstToken` is the first of its tokens. `place` is where it is if it is a node of a cluster.
    init(
        _ master: RedisMaster,
        number: UInt64,
        at place: RedisPlace? = nil,
        context: RedisContext,
        incarnation: String,
        facts: String,
        firstToken: UInt64,
        seat: ReactorSeat,
        report: RedisLinkReport,
        room: RedisReadingRoom,
        resolver: @escaping HostLookup.Resolver
    ) {
        name = place?.description ?? master.name
        self.number = number
        self.place = place
        let address = place.map { master.address.moved(to: $0) } ?? master.address
        self.report = report
        self.seat = seat
        commands = RedisCommandLink(
            address: address,
            context: context,
            facts: facts,
            claimsFirst: !context.isClustered,
            token: firstToken,
            seat: seat,
            room: room,
            resolver: resolver
        )
        subscriptions = RedisSubscriptionLink(
            address: address,
            limits: context.limits,
            nodeID: context.nodeID,
            incarnation: incarnation,
            token: firstToken + 1,
            seat: seat,
            keys: context.keys,
            isClustered: context.isClustered,
            room: room,
            resolver: resolver
        )
        sentinel = master.sentinels.map {
            RedisSentinelLink(
                $0,
                master: master.address,
                limits: context.limits,
                token: firstToken + 2,
                seat: seat,
                room: room,
                resolver: resolver
            )
        }
        commands.onChange = { [unowned self] in commandsChanged($0) }
        subscriptions.onChange = { [unowned self] in subscriptionsChanged($0) }
        sentinel?.onFound = { [unowned self] in follow(to: $0) }
        sentinel?.onChange = { [unowned self] in
            sentinelLog.note($0)
            tellLinks()
            onSentinelChanged()
        }
    }

    /// Publishes are taken, and what is published elsewhere is heard.
    var isUp: Bool { commands.isUp && subscriptions.isUp }

    /// Why it is not up; `nil` if it is, or if nobody knows.
    var trouble: String? { isUp ? nil : commandLog.trouble ?? subscriptionLog.trouble ?? sentinelLog.trouble }

    func connect() {
        sentinel?.connect()
        commands.connect()
        subscriptions.connect()
    }

    /// `token` counts from the shard's first.
    func ready(token: UInt64, _ readiness: Readiness) {
        switch token {
        case 0: commands.ready(readiness)
        case 1: subscriptions.ready(readiness)
        default: sentinel?.ready(readiness)
        }
    }

    func tick(_ tick: Tick) {
        if !commands.isUp, place != nil { sentinel?.doubt() }
        sentinel?.tick(tick)
        subscriptions.tick(tick)
        commands.tick(tick)
        tellLinks()
    }

    func endOfTurn() {
        sentinel?.endOfTurn()
        subscriptions.endOfTurn()
        commands.endOfTurn()
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
    }

    private func commandsChanged(_ reason: String?) {
        if reason == nil {
            sentinel?.trust()
            if let endpoint = commands.endpoint { subscriptions.follow(to: endpoint) }
        }
        commandLog.note(reason)
        changed(reason)
        onCommandsChanged(reason)
    }

    private func subscriptionsChanged(_ reason: String?) {
        subscriptionLog.note(reason)
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
