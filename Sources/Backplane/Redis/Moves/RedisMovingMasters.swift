internal import Broker
internal import Reactor

/// Masters that share the channels, while one more comes or one goes: those that there are to be, and those of before. What has another
/// master from now on is brought there before it is asked there for anything, as soon as all nodes know of that; until then it is asked
/// at its former master.
///
/// Thread: owned by the uplink. A former master refuses what has left it, so two nodes never go on with one channel at two masters, and
/// either can finish what the other began. Channels are heard at both: the chain puts in order what comes from the two.
final class RedisMovingMasters: RedisTopology {
    /// Those that go, those that stay, those that come. Whoever looks through all of them in this order misses nothing: what has left one
    /// has arrived at one behind it.
    let shards: [RedisShard]

    private let map: RedisShardMap
    private let formerMap: RedisShardMap

    /// By their place in `map`, and in `formerMap`; and those that come.
    private let homes: [RedisShard]
    private let formers: [RedisFormerMaster]
    private let newcomers: [RedisFormerMaster]

    private let keys: RedisKeys
    private let limits: Limits
    private let report: RedisLinkReport
    private unowned let seat: ReactorSeat

    /// By the key that goes along.
    private var journeys: [String: RedisJourney] = [:]
    private var held = RedisHeldCommands()

    /// Commands about a key that its former master has not answered, by the key: those that it may send on.
    private var unanswered: [String: Int] = [:]

    /// What is known to be at its new master. To forget it costs a question to the former one.
    private var settled: Set<String> = []

    /// 100 MB.
    private static let settledMax = 1_000_000

    private var hasCopiedRevocations = false

    var onAnswer: (any RedisCommand, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    var onChange: () -> Void = {}

    /// `former` are masters of other names than `masters`, all of them or some.
    init(
        _ masters: [RedisMaster],
        former: [RedisMaster],
        context: RedisContext,
        report: RedisLinkReport,
        seat: ReactorSeat,
        _ makeShard: (RedisMaster, _ number: UInt64) -> RedisShard
    ) {
        let (names, formerNames) = (masters.map(\.name), former.map(\.name))
        let all = Self.union(masters, former)
        let shards = all.enumerated().map { makeShard($1, UInt64($0)) }
        let plan = RedisShardMap.plan(from: formerNames, to: names)
        let mark = RedisShardMap.mark(of: names)
        let lease = context.limits.nodeLeaseMilliseconds
        let place = { (name: String) in all.firstIndex { $0.name == name } }
        self.shards = shards
        map = RedisShardMap(names: names)
        formerMap = RedisShardMap(names: formerNames)
        homes = names.compactMap(place).map { shards[$0] }
        formers = formerNames.compactMap(place).map {
            RedisFormerMaster(
                shards[$0],
                isFormer: true,
                plan: plan,
                masters: mark,
                leaseMilliseconds: lease,
                seat: seat
            )
        }
        newcomers = names.filter { !formerNames.contains($0) }.compactMap(place).map {
            RedisFormerMaster(
                shards[$0],
                isFormer: false,
                plan: plan,
                masters: mark,
                leaseMilliseconds: lease,
                seat: seat
            )
        }
        keys = context.keys
        limits = context.limits
        self.report = report
        self.seat = seat
        for shard in shards { shard.onElsewhere { [unowned self, unowned shard] in sendOn($0, by: shard) } }
        for newcomer in newcomers { newcomer.onChange = { [unowned self] in tellStanding() } }
        for former in formers {
            former.onFound = { [unowned self, unowned former] in move($0, $1, from: former) }
            former.onKnown = { [unowned self] in goOn($0) }
            former.onChange = { [unowned self] in tellStanding() }
        }
    }

    /// Each name once, in the order of `shards`; how a master is reached is said by the newer list.
    static func union(_ masters: [RedisMaster], _ former: [RedisMaster]) -> [RedisMaster] {
        let isIn = { (master: RedisMaster, list: [RedisMaster]) in list.contains { $0.name == master.name } }
        return former.filter { !isIn($0, masters) } + masters.filter { isIn($0, former) }
            + masters.filter { !isIn($0, former) }
    }

    var trouble: String? { nil }
    var registries: [RedisShard] { shards }

    // MARK: Who has what

    private func home(of key: String) -> RedisShard { homes[map.place(of: key)] }
    private func formerHome(of key: String) -> RedisFormerMaster { formers[formerMap.place(of: key)] }

    /// Nobody's that may have to be brought along first: only who asks for it by itself has that done.
    func shard(of key: String) -> RedisShard? {
        let (home, former) = (home(of: key), formerHome(of: key))
        guard home !== former.shard, keys.isMovable(key) else { return common(key, home, former) }
        guard former.isKnown, journeys[key] == nil else { return nil }
        if settled.contains(key) { return home }
        return former.hasBegun ? nil : former.shard
    }

    /// Wills stay as long as a node looks there.
    private func common(_ key: String, _ home: RedisShard, _ former: RedisFormerMaster) -> RedisShard {
        key != keys.wills && former.hasBegun ? home : former.shard
    }

    func ask(_ command: some RedisCommand) {
        let key = command.key(keys)
        let (home, former) = (home(of: key), formerHome(of: key))
        if home === former.shard { return home.ask(command) }
        if keys.isMovable(key) { return ask(command, key, home, former) }
        if key == keys.revoked { return askBoth(command, home, former) }
        // Messages between nodes, limits, tickets: nothing that would have to be brought along.
        common(key, home, former).ask(command)
    }

    private func ask(_ command: any RedisCommand, _ key: String, _ home: RedisShard, _ former: RedisFormerMaster) {
        if journeys[key] != nil { return hold(command, key) }
        let ending = onceEnding(of: command)
        let isSettled = settled.contains(key)
        if !isSettled, !former.hasBegun { return askEarly(command, key, former) }
        if isSettled, ending == nil { return home.ask(command) }
        begin(key, ending.map { [$0] } ?? [])
        hold(command, key)
        depart(key)
    }

    /// Until all nodes know it is at its former master; whether that is so, this one must know first.
    private func askEarly(_ command: any RedisCommand, _ key: String, _ former: RedisFormerMaster) {
        if former.isKnown || !former.shard.commands.isUp {
            unanswered[key, default: 0] += 1
            return former.shard.ask(command)
        }
        guard held.hasRoom(limits) else { return onAnswer(command, .failure(.overloaded)) }
        held.add(command)
        former.hold(command)
    }

    private func goOn(_ early: [any RedisCommand]) {
        held.remove(early)
        for command in early { ask(command) }
    }

    /// What it would find of a publication that was published before.
    private func onceEnding(of command: any RedisCommand) -> String? {
        (command as? RedisPublish)?.request.idempotencyKey.map { keys.onceEnding($0) }
    }

    /// A token that is taken back is, whichever of the lists a node knows; who takes it back is answered by the master that all know.
    private func askBoth(_ command: any RedisCommand, _ home: RedisShard, _ former: RedisFormerMaster) {
        if let revoke = command as? RedisRevoke {
            let copy = RedisRevoke(revocation: revoke.revocation, ticket: nil)
            home.ask(former.hasBegun ? revoke : copy)
            former.shard.ask(former.hasBegun ? copy : revoke)
        } else {
            home.ask(command)
            former.shard.ask(RedisFormerRevocations { [unowned self, unowned home] in copy($0, to: home) })
        }
    }

    private func copy(_ revocations: [Revocation], to home: RedisShard) {
        guard !hasCopiedRevocations, home.commands.isUp else { return }
        hasCopiedRevocations = true
        if !revocations.isEmpty { home.ask(RedisCopyRevocations(revocations: revocations)) }
    }

    // MARK: Hearing

    func subscribe(_ channel: ChannelName) {
        for shard in hearers(of: channel) { shard.subscriptions.subscribe(channel) }
    }

    func unsubscribe(_ channel: ChannelName) {
        for shard in hearers(of: channel) { shard.subscriptions.unsubscribe(channel) }
    }

    private func hearers(of channel: ChannelName) -> [RedisShard] {
        if channel.isPattern { return shards }
        let key = keys.channel(channel)
        let (home, former) = (home(of: key), formerHome(of: key).shard)
        return home === former ? [home] : [home, former]
    }

    func isHeard(by numbers: Set<UInt64>) -> Bool { numbers.count == shards.count }

    // MARK: Journeys

    /// `returned` is one that its former master has refused.
    private func begin(
        _ key: String,
        _ endings: [String],
        returned: (any RedisCommand)? = nil
    ) {
        var detour = RedisDetour(
            beganAt: seat.now,
            unansweredCount: unanswered[key, default: 0] + (returned == nil ? 0 : 1)
        )
        if let returned { detour.takeBack(returned) }
        journeys[key] = RedisJourney(detour: detour, endings: endings)
    }

    private func hold(_ command: any RedisCommand, _ key: String) {
        guard held.hasRoom(limits) else { return onAnswer(command, .failure(.overloaded)) }
        held.add(command)
        journeys[key]?.detour.hold(command)
    }

    /// Somebody found that it is to be moved; says whether that is so.
    private func move(_ key: String, _ endings: [String], from former: RedisFormerMaster) -> Bool {
        let home = home(of: key)
        guard keys.isMovable(key), formerHome(of: key) === former, home !== former.shard, journeys[key] == nil else {
            return false
        }
        begin(key, endings)
        depart(key)
        return true
    }

    private func depart(_ key: String) {
        guard let journey = journeys[key] else { return }
        let question = RedisDepart(movedKey: key, master: home(of: key).name, endings: journey.endings) {
            [unowned self] outcome in
            switch outcome {
            case .failure: fail(key)
            case .success(let parts): arrive(key, parts)
            }
        }
        formerHome(of: key).shard.commands.ask(question)
    }

    private func arrive(_ key: String, _ parts: [[UInt8]]) {
        // It has been there for long.
        if parts.isEmpty { return settle(key) }
        let question = RedisArrive(movedKey: key, parts: parts) { [unowned self] outcome in
            guard case .success = outcome else { return fail(key) }
            let endings = journeys[key]?.endings ?? []
            formerHome(of: key).shard.commands.ask(RedisForget(movedKey: key, endings: endings))
            settle(key)
        }
        home(of: key).commands.ask(question)
    }

    private func settle(_ key: String) {
        if settled.count == Self.settledMax { settled = [] }
        settled.insert(key)
        journeys[key]?.hasArrived = true
        goOn(key)
    }

    private func goOn(_ key: String) {
        while journeys[key]?.hasArrived == true, let step = journeys[key]?.detour.next() {
            switch step {
            case .wait: return
            case .giveUp(let overtaken):
                held.remove(overtaken)
                for command in overtaken { onAnswer(command, .failure(.unavailable)) }
            case .attempt(let command): return attempt(command, key)
            case .clear(let rest):
                held.remove(rest)
                end(key)
                for command in rest { ask(command) }
                return
            }
        }
    }

    /// The first one goes; it may have to take an idempotency key along.
    private func attempt(_ command: any RedisCommand, _ key: String) {
        if let ending = onceEnding(of: command), journeys[key]?.endings.contains(ending) == false {
            journeys[key]?.endings = [ending]
            journeys[key]?.hasArrived = false
            journeys[key]?.detour.takeBack(command)
            return depart(key)
        }
        held.remove(command)
        home(of: key).ask(command)
    }

    /// One of the two masters is not there, or refuses; whoever asks next tries anew.
    private func fail(_ key: String) {
        guard let rest = journeys[key]?.detour.removeAll() else { return }
        held.remove(rest)
        end(key)
        for command in rest { onAnswer(command, .failure(.unavailable)) }
    }

    private func end(_ key: String) {
        journeys[key] = nil
        formerHome(of: key).ended(key)
    }

    /// A master says that another has it now: at the former one somebody was faster. The one that is to have it never says so, unless
    /// nodes disagree about what is to be moved where.
    private func sendOn(_ command: any RedisCommand, by shard: RedisShard) {
        let key = command.key(keys)
        let former = formerHome(of: key)
        guard former.shard === shard, home(of: key) !== shard, keys.isMovable(key) else {
            answered(command)
            let text = "ELSEWHERE \(key) has left \(shard.name)"
            return onAnswer(command, .failure(.refused(text)))
        }
        settleAnswer(key)
        held.add(command)
        if journeys[key] != nil {
            journeys[key]?.detour.takeBack(command)
            return goOn(key)
        }
        begin(key, onceEnding(of: command).map { [$0] } ?? [], returned: command)
        depart(key)
    }

    func answered(_ command: any RedisCommand) {
        guard !journeys.isEmpty || !unanswered.isEmpty, !(command is any RedisMoveStep) else { return }
        guard command.isAboutKey else { return }
        let key = command.key(keys)
        settleAnswer(key)
        guard journeys[key] != nil else { return }
        journeys[key]?.detour.takeAnswer(to: command)
        goOn(key)
    }

    private func settleAnswer(_ key: String) {
        guard let count = unanswered[key] else { return }
        unanswered[key] = count > 1 ? count - 1 : nil
    }

    /// A master that comes has to know of it, too: else it might go on with an older plan, by which it goes again, before all know that.
    private func tellStanding() {
        // bounded: counts what there is
        let openCount = formers.count { !$0.isDone } + newcomers.count { !$0.hasBegun }
        report.moving(openCount, formers.reduce(0) { $0 + ($1.leftCount ?? 0) })
    }

    // MARK: Time

    func connect() {
        for shard in shards { shard.connect() }
        tellStanding()
    }

    func ready(token: UInt64, _ readiness: Readiness) {
        let (number, rest) = token.quotientAndRemainder(dividingBy: RedisShard.tokenCount)
        // bounded: tokens are those of the shards
        shards[Int(number)].ready(token: rest, readiness)
    }

    func tick(_ tick: Tick) {
        for shard in shards { shard.tick(tick) }
        for former in formers { former.tick() }
        for newcomer in newcomers { newcomer.tick() }
    }

    func endOfTurn() { for shard in shards { shard.endOfTurn() } }
}
