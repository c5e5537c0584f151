internal import Broker
internal import DequeModule
internal import Reactor

/// The node's one pub/sub connection.
///
/// Thread: owned by the uplink. It is read first and always; nothing a client does makes it wait. What is asked of Redis here
/// is bounded: a few hundred names are under way at a time, in batches, fewer where answers are late; the others wait in `channels`.
final class RedisSubscriptionLink {
    /// What was asked of Redis and is not answered, in the order in which it answers.
    private enum Asked {
        case own(String, isLeaving: Bool)
        case channels(SubscriptionList.Batch, sentAt: UInt64)
        case ping
        case handshake(RedisHandshake.Step)
    }

    private let link: RedisLink
    private let handshake: RedisHandshake
    private let limits: Limits
    private let keys: RedisKeys
    private unowned let seat: ReactorSeat

    /// Pub/sub channels that are no channels of clients: of this node alone, of all nodes, and of this process, of which somebody's hearing
    /// it says that it lives. In a cluster each is heard at one master.
    private var own: [String]

    /// Whether this is a node of a cluster, where channels are heard at the master that has their slot, one by one.
    private let isClustered: Bool

    private var channels = SubscriptionList()
    private var asked = Deque<Asked>()
    private var flight: RedisFlight
    private var hearsControl = false
    private var lastPing: UInt64 = 0
    /// When the oldest PING was sent behind which nothing was heard.
    private var unansweredSince: UInt64?

    /// Redis acknowledged a subscription.
    var onSubscribed: (ChannelName) -> Void = { _ in }
    /// Redis will not let this node hear a channel, and says why.
    var onRefused: (ChannelName, String) -> Void = { _, _ in }
    /// A message of a channel.
    var onMessage: (ChannelName, UnsafeRawBufferPointer) -> Void = { _, _ in }
    /// A message for this node alone, or for all.
    var onControl: (String) -> Void = { _ in }
    /// One of those that are no channels of clients is heard here from now on, though the link was made before.
    var onOwnHeard: (String) -> Void = { _ in }
    /// A channel that is wanted is heard at another master of a cluster, which is told if it is known.
    var onEvicted: (ChannelName, RedisRedirect?) -> Void = { _, _ in }
    /// `isUp` may have changed.
    var onChange: (String?) -> Void = { _ in }
    /// Whether more channels may be opened now: each is read from next.
    var hasRoom: () -> Bool = { true }

    init(
        address: RedisAddress,
        limits: Limits,
        nodeID: String,
        incarnation: String = "",
        token: UInt64,
        seat: ReactorSeat,
        keys: RedisKeys = RedisKeys(),
        isClustered: Bool = false,
        room: RedisReadingRoom = RedisReadingRoom(),
        resolver: @escaping HostLookup.Resolver = HostLookup.askSystem
    ) {
        handshake = RedisHandshake(address: address)
        self.limits = limits
        self.seat = seat
        self.keys = keys
        self.isClustered = isClustered
        flight = RedisFlight(channelsMax: limits.redisSubscriptionsMax, limits: limits)
        own = isClustered ? [] : [keys.node(nodeID), keys.nodes, keys.incarnation(incarnation, of: nodeID)]
        link = RedisLink(address: address, limits: limits, token: token, seat: seat, room: room, resolver: resolver)
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] in lose($0) }
    }

    /// Whether every channel is heard that was wanted when the link was made; one that is wanted later is awaited by its
    /// own acknowledgement.
    private var isGreeted = false

    var isUp: Bool { link.isConnected && isGreeted }

    /// Channels that were wanted when the link was made, or lost, and are not heard yet.
    var unheardCount: Int { channels.awaitedCount }

    /// How long it may be silent now.
    var patienceMilliseconds: UInt64 { link.patience.milliseconds }

    /// All is heard, and what may have been missed is read.
    func settle() { link.settle() }

    func connect() { link.connect() }

    /// The master is there now.
    func aim(at place: RedisPlace) {
        link.aim(at: place)
        link.connect()
    }

    func end() { link.end() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }

    /// Publishes go there, so what is published is heard there.
    func follow(to endpoint: Endpoint) { link.follow(to: endpoint) }

    func endOfTurn() {
        askForMore()
        link.flush()
    }

    func subscribe(_ channel: ChannelName) {
        if channels.want(channel) { onSubscribed(channel) }
    }

    func unsubscribe(_ channel: ChannelName) { channels.giveUp(channel) }

    /// Gives up all channels, for they are heard somewhere else.
    func evictAll() -> [ChannelName] { channels.evictAll() }

    /// Hears these, of those that are no channels of clients.
    func hear(own names: [String]) {
        guard names != own else { return }
        let before = own
        own = names
        guard link.isConnected else { return }
        for name in before where !names.contains(name) {
            asked.append(.own(name, isLeaving: true))
            link.send(["UNSUBSCRIBE", .text(name)])
        }
        for name in names where !before.contains(name) {
            asked.append(.own(name, isLeaving: false))
            link.send(["SUBSCRIBE", .text(name)])
        }
    }

    /// Sends the next batches, as long as few enough are under way. What came and went meanwhile is never asked for.
    private func askForMore() {
        guard hearsControl else { return }
        while hasRoom() || !isGreeted, let batch = channels.nextBatch(underWayMax: flight.channelCount) {
            send(batch)
        }
    }

    private func send(_ batch: SubscriptionList.Batch) {
        guard !isClustered else {
            for name in batch.names { sendAlone(name, isLeaving: batch.isLeaving) }
            return
        }
        asked.append(.channels(batch, sentAt: seat.now))
        let names = batch.names.map { RedisArgument.text(keys.channel($0)) }
        link.send([batch.isLeaving ? "UNSUBSCRIBE" : "SUBSCRIBE"] + names)
    }

    /// One command may name channels of one slot only.
    private func sendAlone(_ name: ChannelName, isLeaving: Bool) {
        asked.append(.channels(SubscriptionList.Batch(isLeaving: isLeaving, names: [name]), sentAt: seat.now))
        let word: RedisArgument = isLeaving ? "UNSUBSCRIBE" : "SUBSCRIBE"
        let shardWord: RedisArgument = isLeaving ? "SUNSUBSCRIBE" : "SSUBSCRIBE"
        link.send([name.isOfOneSlot ? shardWord : word, .text(keys.channel(name))])
    }

    /// The link is asked for a sign of life, several times within what Redis has to answer, and dropped when none comes.
    /// What counts is the time without an answer: a channel may be quiet, and so may this thread have been.
    func tick(_ tick: Tick) {
        link.tick(tick)
        guard link.isConnected else { return }
        let now = seat.now
        if let unansweredSince, link.patience.isOver(since: unansweredSince, now) {
            flight.runOut()
            return link.runOut("silent for \(link.patience.milliseconds) ms")
        }
        if now - lastPing >= min(limits.redisMilliseconds / 3, 1_000) * 1_000_000 { ping() }
    }

    private func ping() {
        lastPing = seat.now
        unansweredSince = unansweredSince ?? lastPing
        asked.append(.ping)
        link.send(["PING"])
    }

    private func greet() {
        for step in handshake.stepsOfListener {
            asked.append(.handshake(step))
            link.send(handshake.words(of: step))
        }
        asked += own.map { .own($0, isLeaving: false) }
        if own.isEmpty { hearsControl = true } else { link.send(["SUBSCRIBE"] + own.map { .text($0) }) }
        ping()
    }

    private func lose(_ reason: String) {
        isGreeted = false
        hearsControl = false
        unansweredSince = nil
        asked = []
        channels.restart()
        onChange(reason)
    }

    // MARK: Answers

    private func take(_ reply: RedisReply) {
        unansweredSince = nil
        if let error = reply.error { return take(RedisErrorReply(text: error)) }
        // Before the first subscription replies are those of any connection, afterwards they are lists.
        switch reply.count == 0 ? reply.text : reply[0].text {
        case "message", "smessage": takeMessage(reply[1].bytes, reply[2].bytes)
        case "subscribe", "ssubscribe": acknowledge(reply[1].bytes, isLeaving: false)
        case "unsubscribe", "sunsubscribe": acknowledge(reply[1].bytes, isLeaving: true)
        case "pong", "PONG": takeAnswer { if case .ping = $0 { true } else { false } }
        case "OK": takeAnswer { if case .handshake = $0 { true } else { false } }
        default: link.fail("an answer to nothing that was asked")
        }
    }

    private func takeAnswer(_ isExpected: (Asked) -> Bool) {
        guard let oldest = asked.popFirst(), isExpected(oldest) else {
            return link.fail("an answer to nothing that was asked")
        }
        markGreeted()
    }

    private func takeMessage(_ name: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
        if let channel = keys.channelName(name) { return onMessage(channel, payload) }
        guard own.contains(where: { name.elementsEqual($0.utf8) }) else { return }
        onControl(String(decoding: payload, as: UTF8.self))
    }

    private func acknowledge(_ name: UnsafeRawBufferPointer, isLeaving: Bool) {
        if case .own(let own, isLeaving)? = asked.first, name.elementsEqual(own.utf8) {
            asked.removeFirst()
            if case .own? = asked.first {} else { hearsControl = true }
            if isGreeted, !isLeaving { onOwnHeard(own) }
        } else if case .channels(var batch, let sentAt)? = asked.first, batch.isLeaving == isLeaving,
            let channel = batch.names.popFirst(), keys.channelName(name) == channel
        {
            if batch.names.isEmpty { asked.removeFirst() } else { asked[0] = .channels(batch, sentAt: sentAt) }
            flight.answered(1, after: seat.now > sentAt ? seat.now - sentAt : 0)
            if channels.acknowledge(channel, isLeaving: isLeaving) { onSubscribed(channel) }
        } else if isClustered, isLeaving, let channel = keys.channelName(name) {
            // Nobody asked for that: the slot has moved.
            if channels.evict(channel) { onEvicted(channel, nil) }
        } else {
            return link.fail("an acknowledgement of nothing that was asked")
        }
        markGreeted()
    }

    /// An error is the answer to a whole batch, of which one name may be forbidden by the ACL: it is found by halves, and
    /// refused alone.
    private func take(_ error: RedisErrorReply) {
        if isClustered, let redirect = RedisRedirect(error), case .channels(let batch, _)? = asked.first,
            let channel = batch.names.first
        {
            asked.removeFirst()
            if channels.evict(channel) { onEvicted(channel, redirect) }
            return markGreeted()
        }
        if error.isAlive, case .ping? = asked.first { return takeAnswer { _ in true } }
        guard error.isAboutNames, case .channels(let batch, _)? = asked.first, !batch.isLeaving else {
            return link.fail(error.text)
        }
        asked.removeFirst()
        if batch.names.count == 1, let channel = batch.names.first {
            if channels.refuse(channel) { onRefused(channel, error.text) }
            return markGreeted()
        }
        let (first, second) = batch.halves
        send(first)
        send(second)
    }

    private func markGreeted() {
        guard !isGreeted, hearsControl, !channels.isRestarting else { return }
        isGreeted = true
        link.markHealthy()
        onChange(nil)
    }
}

extension ChannelName {
    /// Whether a cluster tells what is published there at the master of its slot alone: not of what several slots have to do with.
    fileprivate var isOfOneSlot: Bool { !isPattern && !text.hasPrefix("$") }
}
