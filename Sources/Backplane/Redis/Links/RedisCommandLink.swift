internal import Broker
internal import DequeModule
internal import Reactor

/// The node's connection for everything but pub/sub: requests are pipelined, and answered in order.
///
/// Thread: owned by the uplink.
final class RedisCommandLink {
    private let link: RedisLink
    private let handshake: RedisHandshake
    private let limits: Limits
    private unowned let seat: ReactorSeat
    private let context: RedisContext

    /// What the node says of itself in Redis; the first that it writes there shows whether it may write at all,
    /// and whether it is alone by its name.
    private let facts: String

    /// Whether it is of use only once that is said. In a cluster it can be said at one master alone.
    private let claimsFirst: Bool

    private var lanes: [RedisLane]
    private var pending = Deque<RedisPending>()
    private var repair: RedisRepair?

    // Time
    private var lastSentAt: UInt64 = 0
    private var lastAnswerAt: UInt64 = 0
    /// When it began to greet Redis, or to repair the functions; neither may take longer than an answer.
    private var unsettledSince: UInt64?

    /// Whether requests are taken.
    private(set) var isUp = false

    /// An answer; an error reply is `refused`.
    var onAnswer: (any RedisCommand, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    /// `isUp` changed, or the link could not be made; with the reason if it is down.
    var onChange: (String?) -> Void = { _ in }
    /// Redis answered with an error.
    var onRefused: (String) -> Void = { _ in }
    /// Another process lives by this node's name, and the link is not to be used.
    var onRival: () -> Void = {}
    /// A node of a cluster sends a command somewhere else; it is not answered otherwise.
    var onRedirected: (any RedisCommand, RedisRedirect) -> Void = { _, _ in }
    /// The master says that another has what a command is about; it is not answered otherwise. `nil` where nobody follows.
    var onElsewhere: ((any RedisCommand) -> Void)?
    /// Redis took it for alive that the node of this name is this process.
    var onClaimed: () -> Void = {}
    /// So many replicas have what was written on this link.
    var onWaited: (_ replicas: Int) -> Void = { _ in }
    /// Time from a request to its answer, in nanoseconds.
    var onRoundTrip: (UInt64) -> Void = { _ in }

    init(
        address: RedisAddress,
        context: RedisContext,
        facts: String = "",
        claimsFirst: Bool = true,
        token: UInt64,
        seat: ReactorSeat,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver = HostLookup.askSystem
    ) {
        handshake = RedisHandshake(address: address, isClustered: context.isClustered)
        self.claimsFirst = claimsFirst
        limits = context.limits
        self.context = context
        self.facts = facts
        lanes = RedisLane.Kind.allCases.map { RedisLane($0, limits: context.limits) }
        self.seat = seat
        link = RedisLink(address: address, limits: limits, token: token, seat: seat, room: room, resolver: resolver)
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    /// Where Redis was reached.
    var endpoint: Endpoint? { link.endpoint }

    func connect() { link.connect() }

    /// The master is there now.
    func aim(at place: RedisPlace) {
        link.aim(at: place)
        link.connect()
    }

    /// The same for a link that nobody has asked for yet.
    func aimLater(at place: RedisPlace) { link.aim(at: place) }

    /// It is needed no longer. Whoever waits is answered, and so is who asks it all the same; nobody is told of it besides.
    func end() {
        link.end()
        failAll()
    }

    func ready(_ readiness: Readiness) { link.ready(readiness) }

    /// Whether nobody waits for an answer.
    var isIdle: Bool { pending.isEmpty && repair == nil && lanes.allSatisfy(\.isEmpty) }

    func endOfTurn() { link.flush() }

    /// Waits for the answers to all requests, at most so long.
    func finish(withinMilliseconds milliseconds: UInt64) {
        link.settle(withinMilliseconds: milliseconds) { pending.isEmpty && lanes.allSatisfy(\.isEmpty) }
    }

    /// Waits for a lane to have room, until a time of the monotonic clock.
    func makeRoom(_ kind: RedisLane.Kind, until deadlineNanoseconds: UInt64) {
        let now = Clock.monotonicNanoseconds
        let milliseconds = (max(deadlineNanoseconds, now) - now) / 1_000_000
        link.settle(withinMilliseconds: milliseconds) { hasRoom(kind) }
    }

    // MARK: Time

    /// Drops the link when Redis says nothing for too long: stopped or cut off it sends no error. What counts is the time
    /// without an answer: a slow Redis that works off a long queue is alive. One that is asked nothing is asked for a sign of
    /// life, for Redis may drop whom it does not hear (`timeout`), and so may what lies between.
    func tick(_ tick: Tick) {
        link.tick(tick)
        let patience = link.patience
        if let oldest = pending.first, patience.isOver(since: max(oldest.sentAt, lastAnswerAt), seat.now) {
            return runOut("no answer in \(patience.milliseconds) ms")
        }
        if let unsettledSince, patience.isOver(since: unsettledSince, seat.now) {
            return runOut("not ready for use in \(patience.milliseconds) ms")
        }
        let quietNanoseconds = min(limits.redisMilliseconds * 1_000_000 / 3, 1_000_000_000)
        if isUp, pending.isEmpty, seat.now > lastSentAt, seat.now - lastSentAt > quietNanoseconds { send(.ping) }
    }

    private func runOut(_ reason: String) {
        for index in lanes.indices { lanes[index].runOut() }
        link.runOut(reason)
    }

    /// All that a new link asks for was answered.
    func settle() { link.settle() }

    /// How long it may be silent now.
    var patienceMilliseconds: UInt64 { link.patience.milliseconds }

    // MARK: Asking

    /// Sends a question, has it wait for others of its kind, or fails it at once.
    func ask(_ command: some RedisCommand) {
        if !isUp { return onAnswer(command, .failure(.unavailable)) }
        let kind = command.lane
        guard lanes[kind.rawValue].append(command) else { return onAnswer(command, .failure(.overloaded)) }
        sendWaiting(kind)
    }

    /// Sends a question that another node of a cluster has sent here, for what it asks for is under way to this one. It waits for nothing
    /// behind which it did not stand there.
    func askEarly(_ command: any RedisCommand) {
        guard isUp, repair == nil else { return onAnswer(command, .failure(.unavailable)) }
        lanes[command.lane.rawValue].force(command)
        send(.asking)
        send(.command(command))
    }

    /// Those that are not answered and for which something is so.
    func unansweredCount(where isMeant: (any RedisCommand) -> Bool) -> Int {
        // bounded: counts what there is
        let underWay = pending.count { if case .command(let command) = $0.question { isMeant(command) } else { false } }
        let waiting = lanes.reduce(0) { $0 + $1.waiting.all.count(where: isMeant) }
        return underWay + waiting + (repair?.missed.count(where: isMeant) ?? 0)
    }

    /// Asks how many replicas have what was written; answered by `onWaited`.
    func wait(for replicas: Int, milliseconds: UInt64) {
        send(.wait(replicas: replicas, milliseconds: milliseconds))
    }

    /// Finds out whether anything may still be written: nobody else may want to for a while.
    ///
    /// And whether its functions are still those that this node came with: somebody may have loaded older ones in their place.
    func tryWriting() {
        guard isUp else { return }
        send(.version)
        send(.writable)
    }

    /// Says that the node lives.
    func sayAlive() { if isUp { send(.live(facts: facts)) } }

    /// Says that the node goes.
    func retire() { if isUp { send(.retire) } }

    /// Requests of a kind that wait for others.
    func waitingCount(_ kind: RedisLane.Kind) -> Int { lanes[kind.rawValue].waiting.count }

    /// Whether a lane has room for what comes by the thousand, beside what somebody waits for.
    func hasRoom(_ kind: RedisLane.Kind) -> Bool { lanes[kind.rawValue].hasRoom }

    /// Bulk requests that wait for others.
    var bulkWaitingCount: Int { RedisLane.Kind.allCases.reduce(0) { $1.isBulk ? $0 + waitingCount($1) : $0 } }

    /// Channels with reads that wait, or are under way.
    var unreadCount: Int { lanes[RedisLane.Kind.read.rawValue].placeCount }

    /// Gives up the reads of what was missed that wait for others, for more is missed now: all of it is to be read at once.
    func giveUpFills() {
        for command in lanes[RedisLane.Kind.read.rawValue].removeWaiting(where: \.isFill) {
            onAnswer(command, .failure(.unavailable))
        }
    }

    /// What is held for all that is not answered, in bytes.
    var heldByteCount: Int { lanes.reduce(0) { $0 + $1.byteCount } }

    /// Redis writes to its clients in the opposite order of their first byte of output (`putClientInPendingWriteQueue`
    /// of 7.0 adds at the head). With an answer before the first publish of a batch it writes to subscribers first and
    /// to the publisher last. Otherwise everything that an answer sets off, up to the publisher's own client, is on the
    /// subscribers' road: on one busy core, 100 of 550 µs.
    private func sendWaiting(_ kind: RedisLane.Kind) {
        while repair == nil, isUp, let command = lanes[kind.rawValue].next() {
            if kind == .publish, link.isFlushed { send(.ping) }
            send(.command(command))
        }
    }

    private func send(_ question: RedisQuestion, isRepeated: Bool = false) {
        link.write { question.write(to: &$0, handshake, context) }
        lastSentAt = seat.now
        pending.append(RedisPending(question: question, sentAt: seat.now, isRepeated: isRepeated))
    }

    // MARK: Greeting

    private func greet() {
        unsettledSince = seat.now
        for step in handshake.steps { send(.handshake(step)) }
        send(.version)
    }

    /// The functions are there. A link is up once something may be written: a replica, or a Redis without memory, answers all
    /// that comes before as if nothing were wrong.
    private func goOn() {
        guard isUp else {
            send(.writable)
            if claimsFirst { send(.live(facts: facts)) }
            return
        }
        unsettledSince = nil
        guard let repair else { return }
        for missed in repair.missed {
            if repair.isOvertaken(missed) {
                end(missed, .failure(.unavailable))
            } else {
                send(.command(missed), isRepeated: true)
            }
        }
        // Only now: until here whatever is asked waits.
        self.repair = nil
        for kind in RedisLane.Kind.allCases { sendWaiting(kind) }
    }

    private func takeWritable(_ reply: RedisReply, _ error: RedisErrorReply?) {
        // The version was asked for before it, and what that said is being mended.
        if isUp, error?.isFunctionMissing == true { return }
        if let error { return isUp ? onRefused(error.text) : link.fail(error.text) }
        if reply.isString, !reply.text.isEmpty { onRefused("maxmemory-policy is \(reply.text.prefix(40))") }
        if !claimsFirst { markUp() }
    }

    /// Two processes with one name would undo each other's counts, presence and sessions. The one that came later, or that
    /// was out of sight for longer than its lease, stays away.
    private func takeClaim(_ reply: RedisReply, _ error: RedisErrorReply?) {
        if let error { return isUp ? onRefused(error.text) : link.fail(error.text) }
        guard !reply.isZero else {
            onRival()
            return link.fail("another node lives by this one's name")
        }
        onClaimed()
        markUp()
    }

    private func markUp() {
        guard !isUp else { return }
        isUp = true
        unsettledSince = nil
        link.markHealthy()
        onChange(nil)
    }

    // MARK: Answers

    private func take(_ reply: RedisReply) {
        guard let done = pending.popFirst() else { return link.fail("an answer without a question") }
        lastAnswerAt = seat.now
        let nanoseconds = seat.now > done.sentAt ? seat.now - done.sentAt : 0
        onRoundTrip(nanoseconds)
        if case .command(let command) = done.question {
            lanes[command.lane.rawValue].note(command, answeredAfter: nanoseconds)
        }
        let error = reply.error.map { RedisErrorReply(text: $0) }
        if context.isClustered, let redirect = error.flatMap({ RedisRedirect($0) }) {
            if redirect == .down, let error { onRefused(error.text) }
            if case .command(let command) = done.question { sendOn(command) { onRedirected($0, redirect) } }
            return
        }
        if let onElsewhere, error?.isElsewhere == true, case .command(let command) = done.question {
            return sendOn(command, by: onElsewhere)
        }
        if let error, error.isFatal, !isSpare(done.question) {
            // It is answered with all others.
            pending.prepend(done)
            return link.fail(error.text)
        }
        switch done.question {
        case .handshake(let step): if let objection = handshake.objection(to: reply, of: step) { link.fail(objection) }
        case .version: takeVersion(reply, error)
        case .install: takeInstalled(error)
        case .writable: takeWritable(reply, error)
        case .live: takeClaim(reply, error)
        case .wait:
            if let error { onRefused(error.text) }
            onWaited(reply.integer)
        case .retire, .ping, .asking: if let error { onRefused(error.text) }
        case .command(let command): answer(command, isRepeated: done.isRepeated, reply, error)
        }
    }

    private func takeVersion(_ reply: RedisReply, _ error: RedisErrorReply?) {
        if let error {
            if error.isFunctionMissing { send(.install(replaces: false)) } else { objectToFunctions(error) }
        } else if reply.integer >= RedisFunctions.version {
            goOn()
        } else {
            send(.install(replaces: true))
        }
    }

    private func takeInstalled(_ error: RedisErrorReply?) {
        guard let error else { return goOn() }
        if error.isLibraryThere { send(.version) } else { objectToFunctions(error) }
    }

    /// Where nothing waits for them older functions serve most of what is asked, and an operator is told what is wrong with them.
    private func objectToFunctions(_ error: RedisErrorReply) {
        if isUp, repair == nil { onRefused(error.text) } else { link.fail(error.text) }
    }

    /// Whether the link is as good if it is refused.
    private func isSpare(_ question: RedisQuestion) -> Bool {
        if case .install = question { isUp && repair == nil } else { false }
    }

    private func answer(
        _ command: any RedisCommand,
        isRepeated: Bool,
        _ reply: RedisReply,
        _ error: RedisErrorReply?
    ) {
        guard let error else {
            repair?.pass(command)
            return end(command, .success(reply))
        }
        if error.isFunctionMissing, !isRepeated {
            if repair == nil {
                repair = RedisRepair()
                unsettledSince = seat.now
                send(.version)
            }
            repair?.miss(command)
        } else {
            // It does not say of which key it is.
            let place = error.isAboutType ? " in \(command.key(context.keys))" : ""
            onRefused(error.text + place)
            end(command, .failure(.refused(error.text)))
        }
    }

    private func sendOn(_ command: any RedisCommand, by send: (any RedisCommand) -> Void) {
        let kind = command.lane
        lanes[kind.rawValue].end(command)
        send(command)
        sendWaiting(kind)
    }

    private func end(_ command: any RedisCommand, _ outcome: Result<RedisReply, BackplaneFailure>) {
        let kind = command.lane
        lanes[kind.rawValue].end(command)
        onAnswer(command, outcome)
        sendWaiting(kind)
    }

    private func lose(_ reason: String) {
        failAll()
        onChange(reason)
    }

    private func failAll() {
        let underWay = pending.compactMap { if case .command(let command) = $0.question { command } else { nil } }
        let lost = (repair?.missed ?? []) + underWay + lanes.indices.flatMap { lanes[$0].removeAll() }
        pending = []
        repair = nil
        unsettledSince = nil
        isUp = false
        for command in lost { onAnswer(command, .failure(.unavailable)) }
    }
}
