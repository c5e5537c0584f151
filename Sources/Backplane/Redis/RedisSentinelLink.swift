internal import Broker
internal import DequeModule
internal import Reactor

/// The connection to one of the Sentinels of a master: asks where that is, and is told when it moves.
///
/// Thread: owned by the uplink. A Sentinel that does not know the master, or names one that does not work, is left for the next. An
/// answer older than the newest that was believed is not: a Sentinel that was cut off would send the node to the master of before.
///
/// Source: https://redis.io/docs/latest/develop/reference/sentinel-clients/; replies and `+switch-master` as `sentinel.c` of Redis 7.0
/// writes them.
final class RedisSentinelLink {
    private enum Asked {
        case authenticate
        case master
        case others
        case subscribe
        case unsubscribe
        case ping
    }

    private let sentinels: RedisSentinels
    private let link: RedisLink
    private let limits: Limits
    private unowned let seat: ReactorSeat

    /// Those that were named, and behind them those that these told of.
    private var places: [RedisPlace]
    private var current = 0
    private var asked = Deque<Asked>()
    private var lastPing: UInt64 = 0
    private var unansweredSince: UInt64?

    /// Whether this Sentinel has said where the master is, and is not being asked again.
    private var isSettled = false

    /// How often this one was asked again since something was found where it says.
    private var doubts = 0

    /// Nothing is wrong with this Sentinel but what it says.
    private var isLeaving = false

    /// Of the newest answer that was believed: Sentinels raise it with each failover.
    private var epoch: UInt64 = 0

    /// Where the master is now.
    var onFound: (RedisPlace) -> Void = { _ in }
    /// A Sentinel was reached (no reason), or is not, or is of no use.
    var onChange: (String?) -> Void = { _ in }

    /// Sentinels that are remembered, at most: what lies tells of thousands.
    private static let placesMax = 32

    /// Times in a row that one names a master that does not work, after which another is asked.
    private static let doubtsMax = 4

    private static let channel = "+switch-master"

    init(
        _ sentinels: RedisSentinels,
        master: RedisAddress,
        limits: Limits,
        token: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver
    ) {
        self.sentinels = sentinels
        self.limits = limits
        self.seat = seat
        places = sentinels.places.shuffled()
        link = RedisLink(
            address: master.moved(to: places[0]),
            limits: limits,
            token: token,
            seat: seat,
            resolver: resolver
        )
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    func connect() { link.connect() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func endOfTurn() { link.flush() }

    /// Whether it is asked nothing that it has not answered.
    var isAnswered: Bool { asked.isEmpty }

    /// Sentinels that are known.
    var placeCount: Int { places.count }

    // MARK: Time

    func tick(_ tick: Tick) {
        link.tick(tick)
        guard link.isConnected else { return }
        let now = seat.now
        let nanosecondsMax = limits.redisMilliseconds * 1_000_000
        if let unansweredSince, now > unansweredSince, now - unansweredSince > nanosecondsMax {
            return link.fail("no answer in \(limits.redisMilliseconds) ms")
        }
        guard isSettled, now > lastPing, now - lastPing >= min(nanosecondsMax / 3, 1_000_000_000) else { return }
        lastPing = now
        send(.ping, ["PING"])
    }

    /// What it named does not work, or not any more: it is asked again, and after some times another one.
    func doubt() {
        guard isSettled else { return }
        doubts += 1
        if doubts < Self.doubtsMax { return askAgain() }
        isLeaving = true
        link.fail("a Sentinel names a master that does not work: another is asked")
    }

    /// What it named works.
    func trust() { doubts = 0 }

    // MARK: Asking

    private func greet() {
        if let password = sentinels.password {
            send(.authenticate, ["AUTH"] + (sentinels.user.map { [.text($0)] } ?? []) + [.text(password)])
        }
        send(.others, ["SENTINEL", "SENTINELS", .text(sentinels.masterName)])
        askForMaster()
    }

    /// Whoever subscribed may ask nothing else (RESP2), so that is given up for a moment. What happens in it is in the answer.
    private func askAgain() {
        isSettled = false
        send(.unsubscribe, ["UNSUBSCRIBE", .text(Self.channel)])
        askForMaster()
    }

    private func askForMaster() {
        send(.master, ["SENTINEL", "MASTER", .text(sentinels.masterName)])
        send(.subscribe, ["SUBSCRIBE", .text(Self.channel)])
    }

    private func send(_ question: Asked, _ words: [RedisArgument]) {
        unansweredSince = unansweredSince ?? seat.now
        asked.append(question)
        link.send(words)
    }

    // MARK: Answers

    private func take(_ reply: RedisReply) {
        if reply.count == 3, reply[0].text == "message" { return hear(reply[2].text) }
        guard let question = asked.popFirst() else { return link.fail("an answer to nothing that was asked") }
        unansweredSince = asked.isEmpty ? nil : seat.now
        if let error = reply.error {
            // It may know no others, and it may not be for us to ask.
            if case .others = question { return }
            return link.fail(error)
        }
        switch question {
        case .authenticate, .unsubscribe, .ping: break
        case .others: learn(reply)
        case .master: takeMaster(reply)
        case .subscribe:
            isSettled = true
            link.markHealthy()
            onChange(nil)
        }
    }

    /// The text says which master moved, and from where to where; how new that is, only the answer to a question.
    private func hear(_ text: String) {
        guard isSettled, text.prefix(while: { $0 != " " }) == sentinels.masterName else { return }
        askAgain()
    }

    private func takeMaster(_ reply: RedisReply) {
        let facts = Self.facts(reply)
        guard let place = Self.place(facts), let newest = facts["config-epoch"].flatMap({ UInt64($0) }) else {
            return link.fail("a Sentinel does not say where \(sentinels.masterName) is")
        }
        guard newest >= epoch else { return link.fail("a Sentinel knows an older master than another one") }
        epoch = newest
        onFound(place)
    }

    private func learn(_ reply: RedisReply) {
        for index in 0..<min(reply.count, Self.placesMax) {
            guard let place = Self.place(Self.facts(reply[index])), !places.contains(place),
                places.count < Self.placesMax
            else { continue }
            places.append(place)
        }
    }

    private static func facts(_ reply: RedisReply) -> [String: String] {
        var facts: [String: String] = [:]
        // bounded: the size of a reply is
        for index in stride(from: 0, to: reply.count - 1, by: 2) { facts[reply[index].text] = reply[index + 1].text }
        return facts
    }

    private static func place(_ facts: [String: String]) -> RedisPlace? {
        guard let host = facts["ip"], !host.isEmpty, let port = facts["port"].flatMap({ UInt16($0) }), port > 0 else {
            return nil
        }
        return RedisPlace(host: host, port: port)
    }

    /// The next one is tried, first those that were named.
    private func lose(_ reason: String) {
        asked = []
        unansweredSince = nil
        isSettled = false
        doubts = 0
        current = (current + 1) % places.count
        link.aim(at: places[current])
        if !isLeaving { onChange(reason) }
        isLeaving = false
    }
}
