internal import Broker
internal import DequeModule
internal import Reactor

/// The node's connection for everything but pub/sub: requests are pipelined, and answered in order.
///
/// Thread: owned by the uplink.
final class RedisCommandLink {
    /// What is asked of Redis.
    enum Request {
        case authenticate
        case select
        case version
        case install
        /// An answer that stands before those of this turn's publishes; see `ask`.
        case prelude
        case publish(PublishRequest)
        case read(ChannelName, since: Position?, limit: Int, ReadPurpose)
        case count(ChannelName, subscribers: Int)
        case describe(ChannelName, Ticket)
        case enter(ChannelName, MemberID, transport: String)
        case renew(ChannelName, [(id: MemberID, transport: String)])
        case leave(ChannelName, MemberID)
        case list(ChannelName, limit: Int, Ticket)
        case grant(SessionRequest)
        case restore(SessionID, secret: SecretHash, fence: UInt64)
        case save(SessionID, fence: UInt64, SessionStanding, [SessionPosition])

        /// Whether it can come by the thousand at once, when a storm of clients comes or goes, and must then not stand in
        /// the way of what is published.
        var isBulk: Bool {
            switch self {
            case .count, .describe, .enter, .renew, .leave, .list, .grant, .restore, .save: true
            case .authenticate, .select, .version, .install, .prelude, .publish, .read: false
            }
        }
    }

    /// Requests for sessions and presence that wait for others of their kind; see `ask`.
    private var waiting = Deque<Request>()
    private var bulkUnderWay = 0

    private struct Pending {
        let request: Request
        let sentAt: UInt64
        let isRepeated: Bool
    }

    private let link: RedisLink
    private let address: RedisAddress
    private let limits: Limits
    private let nodeID: String
    private unowned let seat: ReactorSeat
    private let historyOptions: [RedisArgument]
    private var pending = Deque<Pending>()

    /// Whether requests are taken.
    private(set) var isUp = false

    /// An answer; an error reply is `refused`.
    var onAnswer: (Request, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    /// `isUp` changed; with the reason if it is down.
    var onChange: (String?) -> Void = { _ in }
    /// Redis answered with an error.
    var onRefused: (String) -> Void = { _ in }
    /// So many requests wait for others.
    var onWaiting: (Int) -> Void = { _ in }
    /// Time from a request to its answer, in nanoseconds.
    var onRoundTrip: (UInt64) -> Void = { _ in }

    init(address: RedisAddress, limits: Limits, nodeID: String, token: UInt64, seat: ReactorSeat) {
        self.address = address
        self.limits = limits
        self.nodeID = nodeID
        historyOptions = Self.historyOptions(limits)
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
    func ask(_ request: Request) {
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

    private func send(_ request: Request, isRepeated: Bool = false) {
        write(request)
        pending.append(Pending(request: request, sentAt: seat.now, isRepeated: isRepeated))
    }

    private func greet() {
        if address.password != nil { send(.authenticate) }
        if address.database != 0 { send(.select) }
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
            if reply.error == nil, reply.integer >= RedisFunctions.version { markUp() } else { send(.install) }
        case .install:
            if let error = reply.error, !isUp { return link.fail(error) }
            markUp()
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

    private func markUp() {
        guard !isUp else { return }
        isUp = true
        link.markHealthy()
        onChange(nil)
    }

    private func write(_ request: Request) {
        switch request {
        case .authenticate:
            link.send(["AUTH"] + (address.user.map { [.text($0)] } ?? []) + [.text(address.password ?? "")])
        case .select: link.send(["SELECT", .text(String(address.database))])
        case .version: link.send(["FCALL_RO", "perseid_version", "0"])
        case .install: link.send(["FUNCTION", "LOAD", "REPLACE", .bytes(RedisFunctions.source)])
        case .prelude: link.send(["PING"])
        case .publish(let publish): write(publish)
        case .read(let channel, let since, let limit, _):
            link.send([
                "FCALL_RO", "perseid_history", "1", .text(RedisKeys.channel(channel)),
                .text(since?.description ?? ""), .text(String(limit)),
            ])
        case .count(let channel, let subscribers):
            link.send([
                "FCALL", "perseid_count", "1", .text(RedisKeys.channel(channel)), .text(nodeID),
                .text(String(subscribers)), .text(String(limits.countLeaseMilliseconds)),
            ])
        case .describe(let channel, _):
            link.send(["FCALL_RO", "perseid_describe", "1", .text(RedisKeys.channel(channel))])
        case .enter(let channel, let member, let transport):
            link.send(
                Self.call("perseid_enter", on: channel)
                    + [lease, .text(nodeID), .text("\(member)"), .text(transport)]
            )
        case .renew(let channel, let members):
            link.send(
                Self.call("perseid_renew", on: channel) + [lease, .text(nodeID)]
                    + members.flatMap { [.text("\($0.id)"), .text($0.transport)] }
            )
        case .leave(let channel, let member):
            link.send(Self.call("perseid_leave", on: channel) + [.text(nodeID), .text("\(member)")])
        case .list(let channel, let limit, _):
            link.send([
                "FCALL_RO", "perseid_presence", "1", .text(RedisKeys.channel(channel)), .text(String(limit)),
            ])
        case .grant(let request): write(request)
        case .restore(let id, let secret, let fence):
            link.send(
                Self.call("perseid_session_open", id)
                    + [.text(secret.text), .number(fence), .text(nodeID), .number(limits.heldSessionMilliseconds)]
            )
        case .save(let id, let fence, let standing, let positions): write(id, fence, standing, positions)
        }
    }

    private var lease: RedisArgument { .number(limits.presenceLeaseMilliseconds) }

    private static func call(_ function: String, on channel: ChannelName) -> [RedisArgument] {
        ["FCALL", .text(function), "1", .text(RedisKeys.channel(channel))]
    }

    private static func call(_ function: String, _ session: SessionID) -> [RedisArgument] {
        ["FCALL", .text(function), "1", .text(RedisKeys.session(session))]
    }

    private func write(_ request: SessionRequest) {
        let lifetime = RedisArgument.number(limits.heldSessionMilliseconds)
        switch request.kind {
        case .open:
            link.send(
                Self.call("perseid_session_open", request.id)
                    + [.text(request.secret.text), "1", .text(nodeID), lifetime]
            )
        case .resume:
            link.send(
                Self.call("perseid_session_resume", request.id)
                    + [.text(request.secret.text), .text(nodeID), lifetime]
            )
        }
    }

    private func write(
        _ id: SessionID,
        _ fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition]
    ) {
        let lifetime: UInt64 =
            switch standing {
            case .held: limits.heldSessionMilliseconds
            case .detached: limits.resumeMilliseconds
            case .ended: 0
            }
        let node: RedisArgument = standing == .held ? .text(nodeID) : ""
        var arguments = Self.call("perseid_session_save", id) + [.number(fence), node, .number(lifetime)]
        for each in positions {
            arguments += [.text(each.channel.text), .text(each.position?.description ?? "")]
        }
        link.send(arguments)
    }

    /// Options are named only where they differ from the function library's own: half of the bytes and of the time that
    /// both sides spend on them.
    private func write(_ publish: PublishRequest) {
        var options: [RedisArgument] = historyOptions
        if let key = publish.idempotencyKey {
            options += ["ONCE", .text(key), "ONCETTL", .text(String(limits.idempotencyMilliseconds))]
        }
        link.write { command in
            command.begin(argumentCount: 7 + options.count)
            command.append(word: "FCALL")
            command.append(word: "perseid_publish")
            command.append(word: "1")
            command.append(.text(RedisKeys.channel(publish.channel)))
            publish.payload.bytes.withUnsafeBytes { command.append(bytes: $0) }
            command.append(word: "TYPE")
            command.append(word: publish.payload.kind.name)
            for option in options { command.append(option) }
        }
    }

    private static func historyOptions(_ limits: Limits) -> [RedisArgument] {
        let usual = Limits()
        var options: [RedisArgument] = []
        if limits.historyCountMax != usual.historyCountMax {
            options += ["HISTORY", .text(String(limits.historyCountMax))]
        }
        if limits.historyMilliseconds != usual.historyMilliseconds {
            options += ["TTL", .text(String(limits.historyMilliseconds))]
        }
        if limits.headMilliseconds != usual.headMilliseconds {
            options += ["HEADTTL", .text(String(limits.headMilliseconds))]
        }
        return options
    }
}
