internal import Broker
internal import Reactor

/// The masters of a Redis Cluster, each with the slots that it has: links are made as masters come, and let go as they go. What is sent on
/// goes to where it is sent, in order; a channel whose slot moves is heard at its new master, and filled from there.
///
/// Thread: owned by the uplink.
final class RedisCluster: RedisTopology {
    private let directory: RedisClusterLink
    private let keys: RedisKeys
    private let limits: Limits
    private let nodeKey: String
    private let lifeName: String
    private let report: RedisLinkReport
    private unowned let seat: ReactorSeat
    private let makeShard: (_ place: RedisPlace, _ number: UInt64) -> RedisShard

    /// By their slot; 16,384 of them.
    private var owners = [RedisShard?](repeating: nil, count: RedisSlot.count)
    private var shardsByPlace: [RedisPlace: RedisShard] = [:]
    private var shardsByNumber: [UInt64: RedisShard] = [:]

    /// Numbers that were given back in this tick and in the one before: what was ready of their descriptors may still be told.
    private var resting: (now: [UInt64], before: [UInt64]) = ([], [])

    /// Masters without slots that have not answered everything.
    private var leaving: [RedisShard] = []

    /// By their slot.
    private var detours: [Int: RedisDetour] = [:]
    private var held = RedisHeldCommands()

    /// Channels that are wanted and have no master that is known.
    private var homeless: Set<ChannelName> = []
    private var directoryLog = RedisLinkLog()

    var onAnswer: (any RedisCommand, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    var onChange: () -> Void = {}

    /// A master that somebody was sent to is kept for so long though a node that lags knows nothing of its slots.
    private static let keptNanoseconds: UInt64 = 3_000_000_000

    init(
        _ directory: RedisClusterLink,
        context: RedisContext,
        incarnation: String,
        report: RedisLinkReport,
        seat: ReactorSeat,
        _ makeShard: @escaping (_ place: RedisPlace, _ number: UInt64) -> RedisShard
    ) {
        self.directory = directory
        self.makeShard = makeShard
        self.report = report
        self.seat = seat
        keys = context.keys
        limits = context.limits
        nodeKey = keys.node(context.nodeID)
        lifeName = keys.incarnation(incarnation, of: context.nodeID)
        directory.onSetUpAnew = { [unowned self] in self.report.setUpAnew("the cluster") }
        directory.onMap = { [unowned self] in take($0) }
        directory.onChange = { [unowned self] in
            directoryLog.note($0)
            tellDirectory()
            onChange()
        }
    }

    private(set) var shards: [RedisShard] = []

    /// Masters that a node has links to, at most: so many have descriptors beside the directory's (`ReadySet`).
    static let shardsMax: UInt64 = 41

    /// Those of all its links.
    var tokens: [UInt64] {
        let count = RedisShard.tokenCountInCluster
        return shardsByNumber.keys.flatMap { number in (0..<count).map { number * count + $0 } } + [0]
    }

    var isDown: Bool { directory.isDown }
    var trouble: String? { directoryLog.trouble }

    var registries: [RedisShard] { shard(of: nodeKey).map { [$0] } ?? [] }

    func shard(of key: String) -> RedisShard? { owners[RedisSlot.of(key)] }

    /// Twice: a slot that goes to a master which was looked through already is found there then.
    var searchOrder: [RedisShard] { shards.allSatisfy(\.commands.isUp) ? shards + shards : [] }

    // MARK: Time

    func connect() { directory.connect() }

    func ready(token: UInt64, _ readiness: Readiness) {
        let (number, rest) = token.quotientAndRemainder(dividingBy: RedisShard.tokenCountInCluster)
        if number == 0 { directory.ready(readiness) } else { shardsByNumber[number]?.ready(token: rest, readiness) }
    }

    func tick(_ tick: Tick) {
        if isDown || shards.contains(where: { !$0.isUp }) || !homeless.isEmpty { directory.refresh() }
        directory.tick(tick)
        for shard in shards { shard.tick(tick) }
        for shard in leaving { shard.tick(tick) }
        resting = ([], resting.now)
        letGo()
        tellDirectory()
    }

    func endOfTurn() {
        directory.endOfTurn()
        for shard in shards { shard.endOfTurn() }
        for shard in leaving { shard.endOfTurn() }
    }

    private func tellDirectory() {
        if let line = directoryLog.takeLine(seat.now) { report.changed("cluster", "the cluster", line.reason) }
    }

    // MARK: Who has what

    private func take(_ map: RedisClusterMap) {
        var owners = [RedisShard?](repeating: nil, count: RedisSlot.count)
        var present: Set<UInt64> = []
        for range in map.ranges {
            guard let shard = shard(at: range.master) else { continue }
            present.insert(shard.number)
            for slot in range.slots { owners[slot] = shard }
        }
        self.owners = owners
        for shard in shards where !present.contains(shard.number) && seat.now >= shard.keptUntil { remove(shard) }
        settle()
    }

    /// Somebody was sent there for a slot: that is newer than any map.
    private func move(_ slot: Int, to place: RedisPlace, by shard: RedisShard?) {
        let host = place.host.isEmpty ? shard?.place?.host ?? "" : place.host
        guard !host.isEmpty, let owner = self.shard(at: RedisPlace(host: host, port: place.port)) else { return }
        owner.keptUntil = seat.now + Self.keptNanoseconds
        guard owners[slot] !== owner else { return }
        owners[slot] = owner
        directory.refresh()
        settle()
    }

    /// `nil` if there are too many.
    private func shard(at place: RedisPlace) -> RedisShard? {
        if let known = shardsByPlace[place] { return known }
        let taken = resting.now + resting.before
        guard let number = (1...Self.shardsMax).first(where: { shardsByNumber[$0] == nil && !taken.contains($0) })
        else {
            return nil
        }
        let shard = makeShard(place, number)
        shardsByPlace[place] = shard
        shardsByNumber[shard.number] = shard
        shards.append(shard)
        shard.onRedirected { [unowned self, unowned shard] in redirect($0, $1, by: shard) }
        shard.subscriptions.onEvicted = { [unowned self, unowned shard] in evict($0, $1, by: shard) }
        shard.connect()
        onChange()
        return shard
    }

    /// It has no slots any more: its channels are heard elsewhere, and what it was asked is waited for.
    private func remove(_ shard: RedisShard) {
        shards.removeAll { $0 === shard }
        if let place = shard.place { shardsByPlace[place] = nil }
        homeless.formUnion(shard.subscriptions.evictAll())
        shard.subscriptions.end()
        leaving.append(shard)
        shard.onSubscriptionsChanged("it has no slots any more")
    }

    private func letGo() {
        let done = leaving.filter { $0.isIdle || !$0.commands.isUp }
        guard !done.isEmpty else { return }
        leaving.removeAll { shard in done.contains { $0 === shard } }
        for shard in done {
            shard.end()
            shardsByNumber[shard.number] = nil
            resting.now.append(shard.number)
        }
    }

    /// What is heard at one master, is: what concerns this node at that of its key, what concerns all at that of theirs, where whoever tells
    /// them counts them.
    private func settle() {
        let (home, common) = (shard(of: nodeKey), shard(of: keys.nodes))
        for shard in shards {
            shard.subscriptions.hear(
                own: (shard === home ? [nodeKey, lifeName] : []) + (shard === common ? [keys.nodes] : [])
            )
        }
        let waiting = homeless
        homeless = []
        for channel in waiting { subscribe(channel) }
    }

    // MARK: Hearing

    func subscribe(_ channel: ChannelName) {
        if let shard = shard(of: keys.channel(channel)) {
            shard.subscriptions.subscribe(channel)
        } else {
            homeless.insert(channel)
        }
    }

    /// Where its slot was a moment ago it may be heard as well.
    func unsubscribe(_ channel: ChannelName) {
        homeless.remove(channel)
        for shard in shards { shard.subscriptions.unsubscribe(channel) }
    }

    /// What is published under a pattern goes through the whole cluster.
    func isHeard(by numbers: Set<UInt64>) -> Bool { !numbers.isEmpty }

    private func evict(_ channel: ChannelName, _ redirect: RedisRedirect?, by shard: RedisShard) {
        if redirect == nil {
            directory.refresh()
            // Its slot has left, and who had it says where to when it is asked for it again: sooner than the whole map comes.
            return subscribe(channel)
        }
        if case .moved(let slot, let place)? = redirect { move(slot, to: place, by: shard) }
        guard redirect != .down, self.shard(of: keys.channel(channel)) !== shard else {
            // It has moved, and nobody has said yet where; or nobody has it.
            homeless.insert(channel)
            return directory.refresh()
        }
        subscribe(channel)
    }

    // MARK: Asking

    func ask(_ command: some RedisCommand) {
        let slot = RedisSlot.of(command.key(keys))
        if detours[slot] != nil { return hold(command, slot) }
        guard let shard = owners[slot] else { return onAnswer(command, .failure(.unavailable)) }
        shard.ask(command)
    }

    private func hold(_ command: any RedisCommand, _ slot: Int) {
        guard held.hasRoom(limits) else { return onAnswer(command, .failure(.overloaded)) }
        held.add(command)
        detours[slot]?.hold(command)
    }

    private func redirect(_ command: any RedisCommand, _ redirect: RedisRedirect, by shard: RedisShard) {
        // It was for this master alone: another one would answer something else.
        guard command.isAboutKey else {
            if redirect == .down { directory.refresh() }
            return onAnswer(command, .failure(.unavailable))
        }
        let slot = RedisSlot.of(command.key(keys))
        switch redirect {
        case .moved(let moved, let place): move(moved, to: place, by: shard)
        case .ask(let place):
            // In its turn: what was sent before it and came back goes first.
            guard detours[slot] == nil || detours[slot]?.isTrying == true else { break }
            let host = place.host.isEmpty ? shard.place?.host ?? "" : place.host
            let target = self.shard(at: RedisPlace(host: host, port: place.port))
            target?.keptUntil = seat.now + Self.keptNanoseconds
            if let target, target.commands.isUp { return target.askEarly(command) }
        case .tryAgain: break
        case .down:
            directory.refresh()
            answered(command)
            return onAnswer(command, .failure(.unavailable))
        }
        if detours[slot] == nil {
            let unanswered = shard.unansweredCount { $0.isAboutKey && RedisSlot.of($0.key(keys)) == slot }
            detours[slot] = RedisDetour(beganAt: seat.now, unansweredCount: unanswered + 1)
        }
        held.add(command)
        detours[slot]?.takeBack(command)
        goOn(slot)
    }

    func answered(_ command: any RedisCommand) {
        guard !detours.isEmpty, command.isAboutKey else { return }
        let slot = RedisSlot.of(command.key(keys))
        guard detours[slot] != nil else { return }
        detours[slot]?.takeAnswer(to: command)
        goOn(slot)
    }

    private func goOn(_ slot: Int) {
        while let step = detours[slot]?.next() {
            switch step {
            case .wait: return
            case .giveUp(let overtaken):
                held.remove(overtaken)
                for command in overtaken { onAnswer(command, .failure(.unavailable)) }
            case .attempt(let command):
                held.remove(command)
                attempt(command, slot)
                return
            case .clear(let rest):
                held.remove(rest)
                detours[slot] = nil
                for command in rest { ask(command) }
                return
            }
        }
    }

    /// Tries the way, for as long as Redis has to answer anything.
    private func attempt(_ command: any RedisCommand, _ slot: Int) {
        let began = detours[slot]?.beganAt ?? 0
        let isLate = seat.now > began && seat.now - began > limits.redisMilliseconds * 1_000_000
        guard !isLate, let shard = owners[slot] else {
            let rest = detours[slot]?.removeAll() ?? []
            held.remove(rest)
            detours[slot] = nil
            for command in [command] + rest { onAnswer(command, .failure(.unavailable)) }
            return
        }
        shard.ask(command)
    }
}
