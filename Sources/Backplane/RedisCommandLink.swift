internal import Broker
internal import DequeModule
internal import Reactor

/// The node's connection for everything but pub/sub: requests are pipelined, and answered in order.
///
/// Thread: owned by the uplink.
final class RedisCommandLink {
    /// Requests for sessions and presence that wait for others of their kind; see `ask`.
    private var waiting = Deque<RedisRequest>()
    private var bulkUnderWay = 0

    private struct Pending {
        let request: RedisRequest
        let sentAt: UInt64
        let isRepeated: Bool
    }

    private let link: RedisLink
    private let address: RedisAddress
    private let limits: Limits
    private unowned let seat: ReactorSeat
    private let writer: RedisCommandWriter

    /// What the node says of itself in Redis; the first that it writes there shows whether it is alone by its name.
    private let facts: String
    private var pending = Deque<Pending>()

    /// Whether requests are taken.
    private(set) var isUp = false

    /// An answer; an error reply is `refused`.
    var onAnswer: (RedisRequest, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    /// `isUp` changed; with the reason if it is down.
    var onChange: (String?) -> Void = { _ in }
    /// Redis answered with an error.
    var onRefused: (String) -> Void = { _ in }
    /// Another process lives by this node's name, and the link is not to be used.
    var onRival: () -> Void = {}
    /// So many requests wait for others.
    var onWaiting: (Int) -> Void = { _ in }
    /// Time from a request to its answer, in nanoseconds.
    var onRoundTrip: (UInt64) -> Void = { _ in }

    init(
        address: RedisAddress,
        limits: Limits,
        nodeID: String,
        incarnation: String = "",
        facts: String = "",
        token: UInt64,
        seat: ReactorSeat,
        keys: RedisKeys = RedisKeys()
    ) {
        self.address = address
        self.limits = limits
        writer = RedisCommandWriter(limits: limits, nodeID: nodeID, incarnation: incarnation, keys: keys)
        self.facts = facts
        self.seat = seat
        link = RedisLink(address: address, limits: limits, token: token, seat: seat)
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    func connect() { link.connect() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func endOfTurn() { link.flush() }

    /// Waits for the answers to all requests, at most as long as Redis has to answer one.
    func finish() { link.settle(withinMilliseconds: limits.redisMilliseconds) { pending.isEmpty && waiting.isEmpty } }

    /// Drops the link when its oldest request waits too long: a stopped or cut-off Redis sends no error.
    func tick(_ tick: UInt32) {
        link.tick(tick)
        if let oldest = pending.first, seat.now > oldest.sentAt,
            seat.now - oldest.sentAt > limits.redisMilliseconds * 1_000_000
        {
            link.fail("no answer in \(limits.redisMilliseconds) ms")
        }
    }

    /// Sends a request, or fails it at once.
    ///
    /// Redis writes to its clients in the opposite order of their first byte of output (`putClientInPendingWriteQueue`
    /// of 7.0 adds at the head). With an answer before the first publish of a batch it writes to subscribers first and
    /// to the publisher last. Otherwise everything that an answer sets off, up to the publisher's own client, is on the
    /// subscribers' road: on one busy core, 100 of 550 µs.
    ///
    /// Of bulk requests a few only are under way, in the order they were asked: a publish behind thirty of them waits a
    /// millisecond, behind the ten thousand of a storm it would wait two hundred.
    func ask(_ request: RedisRequest) {
        if !isUp { return onAnswer(request, .failure(.unavailable)) }
        if pending.count + waiting.count >= limits.redisRequestsMax { return onAnswer(request, .failure(.overloaded)) }
        if request.isBulk {
            waiting.append(request)
            return sendBulk()
        }
        if case .publish = request, link.isFlushed { send(.prelude) }
        send(request)
    }

    private func sendBulk() {
        while bulkUnderWay < limits.redisBulkMax, let request = waiting.popFirst() {
            bulkUnderWay += 1
            send(request)
        }
        onWaiting(waiting.count)
    }

    /// Puts the function library into Redis anew.
    func install() { send(.install) }

    private func send(_ request: RedisRequest, isRepeated: Bool = false) {
        writer.write(request, to: link)
        pending.append(Pending(request: request, sentAt: seat.now, isRepeated: isRepeated))
    }

    private func greet() {
        if let password = address.password { send(.authenticate(user: address.user, password: password)) }
        if address.database != 0 { send(.select(database: address.database)) }
        send(.version)
    }

    private func lose(_ reason: String) {
        let lost = pending
        pending = []
        let wasUp = isUp
        isUp = false
        let unsent = waiting
        waiting = []
        bulkUnderWay = 0
        onWaiting(0)
        for each in lost { onAnswer(each.request, .failure(.unavailable)) }
        for request in unsent { onAnswer(request, .failure(.unavailable)) }
        if wasUp || !reason.isEmpty { onChange(reason) }
    }

    private func take(_ reply: RedisReply) {
        guard let done = pending.popFirst() else { return link.fail("an answer without a question") }
        if done.request.isBulk {
            bulkUnderWay -= 1
            sendBulk()
        }
        onRoundTrip(seat.now > done.sentAt ? seat.now - done.sentAt : 0)
        switch done.request {
        case .authenticate, .select:
            if let error = reply.error { link.fail(error) }
        case .version:
            if reply.error == nil, reply.integer >= RedisFunctions.version { claimName() } else { send(.install) }
        case .install:
            if let error = reply.error, !isUp { return link.fail(error) }
            claimName()
        case .live: takeClaim(reply)
        case .prelude: break
        default:
            answer(done, reply)
        }
    }

    private func answer(_ done: Pending, _ reply: RedisReply) {
        guard let error = reply.error else { return onAnswer(done.request, .success(reply)) }
        if error.hasPrefix("ERR Function not found"), !done.isRepeated {
            // Someone flushed the functions: load them, and ask again behind that.
            send(.install)
            if done.request.isBulk { bulkUnderWay += 1 }
            send(done.request, isRepeated: true)
        } else {
            onRefused(error)
            onAnswer(done.request, .failure(.refused(error)))
        }
    }

    private func claimName() {
        if !isUp { send(.live(facts: facts)) }
    }

    /// Two processes with one name would undo each other's counts, presence and sessions. The one that came later, or that
    /// was out of sight for longer than its lease, stays away.
    private func takeClaim(_ reply: RedisReply) {
        if let error = reply.error { return isUp ? onRefused(error) : link.fail(error) }
        guard !reply.isZero else {
            onRival()
            return link.fail("another node lives by this one's name")
        }
        markUp()
    }

    private func markUp() {
        guard !isUp else { return }
        isUp = true
        link.markHealthy()
        onChange(nil)
    }
}
