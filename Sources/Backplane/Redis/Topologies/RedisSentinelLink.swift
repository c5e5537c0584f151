internal import Broker
internal import Reactor

/// The connection to one Sentinel: asks where the master is, hears when something happens to it, and asks again.
///
/// Thread: owned by the uplink.
///
/// Source: https://redis.io/docs/latest/develop/reference/sentinel-clients/; replies and events as `sentinel.c` of Redis 7.0 writes them.
final class RedisSentinelLink {
    private enum Asked {
        case authenticate
        case others
        case facts
        case place
        case subscribe
        case unsubscribe
        case ping
    }

    private let sentinels: RedisSentinels
    private let link: RedisLink
    private let limits: Limits
    private unowned let seat: ReactorSeat

    private var asked = RedisUnanswered<Asked>()
    private var lastPing: UInt64 = 0

    /// Acknowledgements that are awaited of the channels.
    private var awaitedChannels = 0
    private var facts: (epoch: UInt64, sentinelCount: Int)?

    /// What a Sentinel says of the master.
    struct Answer {
        let place: RedisPlace
        /// Since which failover the master is there.
        let epoch: UInt64
        /// Sentinels that know the master, this one included.
        let sentinelCount: Int
    }

    /// What it said last, since it was reached.
    private(set) var answer: Answer?

    /// Whether it has said where the master is, and is not being asked again.
    private(set) var isSettled = false

    /// Whether it has said that since it was reached.
    private(set) var isReached = false

    /// Which of the Sentinels it is.
    private(set) var place: RedisPlace

    /// Where the master is, as it says.
    var onFound: (Answer) -> Void = { _ in }
    /// Which others there are.
    var onOthers: ([RedisPlace]) -> Void = { _ in }
    /// It was reached (no reason), or is not, or is of no use.
    var onChange: (String?) -> Void = { _ in }

    /// What it tells when a master moves: the one that leads the failover says so last, but as first that a replica is promoted.
    private static let channels: [RedisArgument] = ["+switch-master", "+promoted-slave", "+config-update-from"]

    /// Sentinels that are learnt from one answer, at most: what lies tells of thousands.
    private static let othersMax = 32

    init(
        _ sentinels: RedisSentinels,
        at place: RedisPlace,
        master: RedisAddress,
        limits: Limits,
        token: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver
    ) {
        self.sentinels = sentinels
        self.place = place
        self.limits = limits
        self.seat = seat
        link = RedisLink(
            address: master.moved(to: place),
            limits: limits,
            token: token,
            seat: seat,
            room: room,
            resolver: resolver
        )
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    func connect() { link.connect() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func endOfTurn() { link.flush() }

    /// The next time another one is tried.
    func aim(at place: RedisPlace) {
        self.place = place
        link.aim(at: place)
    }

    /// Whether it is asked nothing that it has not answered.
    var isAnswered: Bool { asked.isEmpty }

    func tick(_ tick: Tick) {
        link.tick(tick)
        guard link.isConnected else { return }
        let now = seat.now
        let nanosecondsMax = limits.redisMilliseconds * 1_000_000
        if asked.isLate(now, milliseconds: limits.redisMilliseconds) {
            return link.fail("no answer in \(limits.redisMilliseconds) ms")
        }
        guard isSettled, now > lastPing, now - lastPing >= min(nanosecondsMax / 3, 1_000_000_000) else { return }
        lastPing = now
        send(.ping, ["PING"])
    }

    // MARK: Asking

    private func greet() {
        if let password = sentinels.password {
            send(.authenticate, ["AUTH"] + (sentinels.user.map { [.text($0)] } ?? []) + [.text(password)])
        }
        send(.others, ["SENTINEL", "SENTINELS", .text(sentinels.masterName)])
        askForMaster()
    }

    /// Asks once more. Whoever subscribed may ask nothing else (RESP2), so that is given up for a moment; what happens in it is in the
    /// answer.
    func askAgain() {
        guard isSettled else { return }
        isSettled = false
        awaitedChannels = Self.channels.count
        send(.unsubscribe, ["UNSUBSCRIBE"] + Self.channels)
        askForMaster()
    }

    /// The facts have the epoch; where the master is they say late in a failover, which this Sentinel may be the leader of.
    private func askForMaster() {
        send(.facts, ["SENTINEL", "MASTER", .text(sentinels.masterName)])
        send(.place, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", .text(sentinels.masterName)])
        send(.subscribe, ["SUBSCRIBE"] + Self.channels)
    }

    private func send(_ question: Asked, _ words: [RedisArgument]) {
        asked.append(question, seat.now)
        link.send(words)
    }

    // MARK: Answers

    private func take(_ reply: RedisReply) {
        if reply.count == 3, reply[0].text == "message" { return hear(reply[2].text) }
        guard let question = asked.first else { return link.fail("an answer to nothing that was asked") }
        if let error = reply.error {
            // It may know no others, and it may not be for us to ask.
            guard case .others = question else { return link.fail(error) }
            return answered()
        }
        switch question {
        case .authenticate, .ping: answered()
        case .unsubscribe: acknowledge { answered() }
        case .others:
            learn(reply)
            answered()
        case .facts: takeFacts(reply)
        case .place: takePlace(reply)
        case .subscribe:
            acknowledge {
                answered()
                isSettled = true
                isReached = true
                link.markHealthy()
                onChange(nil)
            }
        }
    }

    private func answered() {
        _ = asked.popFirst(seat.now)
        if case .subscribe? = asked.first { awaitedChannels = Self.channels.count }
    }

    /// Each channel is acknowledged by itself.
    private func acknowledge(_ body: () -> Void) {
        awaitedChannels -= 1
        if awaitedChannels <= 0 { body() }
    }

    /// The text says of which master something is told; how new that is, only the answer to a question.
    private func hear(_ text: String) {
        guard isSettled, text.split(separator: " ").contains(Substring(sentinels.masterName)) else { return }
        askAgain()
    }

    private func takeFacts(_ reply: RedisReply) {
        let facts = Self.facts(reply)
        guard let epoch = facts["config-epoch"].flatMap({ UInt64($0) }) else {
            return link.fail("a Sentinel does not say what it knows of \(sentinels.masterName)")
        }
        let otherCount: UInt16 = facts["num-other-sentinels"].flatMap { UInt16($0) } ?? 0
        self.facts = (epoch, Int(otherCount) + 1)
        answered()
    }

    private func takePlace(_ reply: RedisReply) {
        guard reply.count == 2, let place = Self.place(reply[0].text, reply[1].text), let facts else {
            return link.fail("a Sentinel does not say where \(sentinels.masterName) is")
        }
        answered()
        let answer = Answer(place: place, epoch: facts.epoch, sentinelCount: facts.sentinelCount)
        self.answer = answer
        onFound(answer)
    }

    private func learn(_ reply: RedisReply) {
        onOthers(
            (0..<min(reply.count, Self.othersMax)).compactMap { index in
                let facts = Self.facts(reply[index])
                return Self.place(facts["ip"] ?? "", facts["port"] ?? "")
            }
        )
    }

    private static func facts(_ reply: RedisReply) -> [String: String] {
        var facts: [String: String] = [:]
        // bounded: the size of a reply is
        for index in stride(from: 0, to: reply.count - 1, by: 2) { facts[reply[index].text] = reply[index + 1].text }
        return facts
    }

    private static func place(_ host: String, _ port: String) -> RedisPlace? {
        guard !host.isEmpty, let port = UInt16(port), port > 0 else { return nil }
        return RedisPlace(host: host, port: port)
    }

    private func lose(_ reason: String) {
        asked.removeAll()
        isSettled = false
        isReached = false
        facts = nil
        answer = nil
        onChange(reason)
    }
}
