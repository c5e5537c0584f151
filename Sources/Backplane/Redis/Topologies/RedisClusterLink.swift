internal import Broker
internal import Reactor

/// Which master has which slots of a Redis Cluster, as one of its nodes says.
struct RedisClusterMap: Equatable {
    /// Grows with each change that the nodes agree on: what is older than what was believed is not believed while a node knows better.
    let epoch: UInt64
    let ranges: [Range]

    /// Slots next to each other, and their master.
    struct Range: Equatable {
        let slots: ClosedRange<Int>
        let master: RedisPlace
    }

    /// Reads what a node at a place answers to `CLUSTER SLOTS`.
    static func ranges(_ reply: RedisReply, from place: RedisPlace) -> [Range] {
        (0..<reply.count).compactMap { index in
            let range = reply[index]
            guard range.count >= 3, let master = self.place(range[2], from: place), let first = slot(range[0]),
                let last = slot(range[1]), first <= last
            else { return nil }
            return Range(slots: first...last, master: master)
        }
    }

    /// All nodes in such an answer, replicas, too.
    static func nodes(_ reply: RedisReply, from place: RedisPlace) -> [RedisPlace] {
        (0..<reply.count).flatMap { index in
            (2..<max(reply[index].count, 2)).compactMap { self.place(reply[index][$0], from: place) }
        }
    }

    private static func slot(_ reply: RedisReply) -> Int? {
        reply.isInteger && (0..<RedisSlot.count).contains(reply.integer) ? reply.integer : nil
    }

    /// A node that does not know its own host is where it was reached.
    private static func place(_ reply: RedisReply, from asked: RedisPlace) -> RedisPlace? {
        guard reply.count >= 2, let port = UInt16(exactly: reply[1].integer), port > 0 else { return nil }
        let host = reply[0].text
        return RedisPlace(host: host.isEmpty || host == "?" ? asked.host : host, port: port)
    }
}

/// The connection to any one node of a Redis Cluster, which is asked who has which slots: now and then, and whenever somebody was sent on
/// or a master is gone.
///
/// Thread: owned by the uplink. It is a connection of its own, for it must be there when those to masters are not.
///
/// Source: `CLUSTER SLOTS` and `CLUSTER INFO` as `cluster.c` of Redis 7.0 and Valkey 7.2 write them.
final class RedisClusterLink {
    private enum Asked {
        case authenticate
        case facts
        case slots
    }

    private let seeds: RedisClusterSeeds
    private let link: RedisLink
    private let limits: Limits
    private unowned let seat: ReactorSeat

    /// Those that were named, and behind them those that these told of.
    private var places: [RedisPlace]
    private var current = 0
    private var asked = RedisUnanswered<Asked>()
    private var askedAt: UInt64 = 0

    /// Somebody wants to know, and a question is under way that may be too old for that, or was asked just now.
    private var isWanted = false
    private var epoch: UInt64 = 0

    /// Nodes that were asked since one said that the cluster is well, and whether one of them said that it is not.
    private var failedCount = 0
    private var isSaidDown = false

    private var newestEpoch: UInt64 = 0

    /// Nodes that were lost or of no use since one was believed: once they are as many as are known, none is there that knows better.
    private var uselessCount = 0

    /// The cluster was set up anew, and counts from the beginning.
    var onSetUpAnew: () -> Void = {}
    /// Who has what, whether or not that has changed.
    var onMap: (RedisClusterMap) -> Void = { _ in }
    /// A node was reached (no reason), or is not, or is of no use.
    var onChange: (String?) -> Void = { _ in }

    /// As Redis itself says it to whoever asks for a key then.
    private static let downText = "CLUSTERDOWN The cluster is down"

    /// Nodes that are remembered, at most.
    private static let placesMax = 128

    /// Time between two questions when nobody wants to know.
    private static let pauseNanoseconds: UInt64 = 5_000_000_000

    /// Time between two when somebody does. While a thousand slots move one after the other the map grows to a thousand ranges: to make, send and
    /// take it takes Redis and the node a millisecond each, and who was sent on knows already where to.
    private static let restNanoseconds: UInt64 = 50_000_000

    init(
        _ seeds: RedisClusterSeeds,
        limits: Limits,
        token: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver
    ) {
        self.seeds = seeds
        self.limits = limits
        self.seat = seat
        places = seeds.places.shuffled()
        let address = seeds.address.moved(to: places[0])
        link = RedisLink(address: address, limits: limits, token: token, seat: seat, room: room, resolver: resolver)
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    func connect() { link.connect() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func endOfTurn() { link.flush() }

    /// Whether the cluster serves nothing: a node says so, for slots or most masters are gone, and of all that were asked since, none says
    /// otherwise. One that is cut off from the others says it of itself alone.
    var isDown: Bool { isSaidDown && failedCount >= places.count }

    /// Nodes that are known.
    var placeCount: Int { places.count }

    func tick(_ tick: Tick) {
        link.tick(tick)
        guard link.isConnected else { return }
        let now = seat.now
        if asked.isLate(now, milliseconds: limits.redisMilliseconds) {
            return link.fail("no answer in \(limits.redisMilliseconds) ms")
        }
        if now > askedAt, now - askedAt > (isWanted ? Self.restNanoseconds : Self.pauseNanoseconds) { refresh() }
    }

    /// Somebody wants to know who has what now.
    func refresh() {
        guard link.isConnected else { return }
        guard asked.isEmpty, !isResting else {
            isWanted = true
            return
        }
        isWanted = false
        askedAt = seat.now
        send(.facts, ["CLUSTER", "INFO"])
        send(.slots, ["CLUSTER", "SLOTS"])
    }

    private var isResting: Bool { askedAt > 0 && seat.now >= askedAt && seat.now - askedAt <= Self.restNanoseconds }

    private func greet() {
        if let password = seeds.address.password {
            send(.authenticate, ["AUTH"] + (seeds.address.user.map { [.text($0)] } ?? []) + [.text(password)])
        }
        askedAt = seat.now
        send(.facts, ["CLUSTER", "INFO"])
        send(.slots, ["CLUSTER", "SLOTS"])
    }

    private func send(_ question: Asked, _ words: [RedisArgument]) {
        asked.append(question, seat.now)
        link.send(words)
    }

    // MARK: Answers

    private func take(_ reply: RedisReply) {
        guard let question = asked.popFirst(seat.now) else { return link.fail("an answer to nothing that was asked") }
        if let error = reply.error { return link.fail(error) }
        switch question {
        case .authenticate: break
        case .facts: takeFacts(reply)
        case .slots: takeSlots(reply)
        }
        if isWanted, asked.isEmpty { refresh() }
    }

    private func takeFacts(_ reply: RedisReply) {
        let facts = reply.text
        guard let epoch = Self.fact("cluster_current_epoch", in: facts).flatMap({ UInt64($0) }) else {
            return link.fail("a node of the cluster does not say of which epoch it is")
        }
        self.epoch = epoch
        if Self.fact("cluster_state", in: facts) == "fail" {
            isSaidDown = true
            // It was reached: another one is asked at once.
            link.markHealthy()
            return link.fail(Self.downText)
        }
        (isSaidDown, failedCount) = (false, 0)
    }

    /// Of lines of `name:value`.
    private static func fact(_ name: String, in text: String) -> Substring? {
        text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(name):") }?.dropFirst(name.count + 1)
    }

    /// Of each range: its first and last slot, then its master and the replicas of that, each as host, port, name.
    private func takeSlots(_ reply: RedisReply) {
        guard epoch >= newestEpoch || uselessCount >= places.count else {
            return link.fail("a node of the cluster knows less than another one")
        }
        let ranges = RedisClusterMap.ranges(reply, from: places[current])
        for place in RedisClusterMap.nodes(reply, from: places[current]) { learn(place) }
        guard !ranges.isEmpty else { return link.fail("a node of the cluster knows of no masters") }
        if epoch < newestEpoch { onSetUpAnew() }
        (newestEpoch, uselessCount) = (epoch, 0)
        link.markHealthy()
        onChange(nil)
        onMap(RedisClusterMap(epoch: epoch, ranges: ranges))
    }

    private func learn(_ place: RedisPlace) {
        if places.count < Self.placesMax, !places.contains(place) { places.append(place) }
    }

    private func lose(_ reason: String) {
        asked.removeAll()
        isWanted = false
        failedCount = min(failedCount + 1, Self.placesMax)
        uselessCount = min(uselessCount + 1, Self.placesMax)
        current = (current + 1) % places.count
        link.aim(at: places[current])
        onChange(isDown ? Self.downText : reason)
    }
}
