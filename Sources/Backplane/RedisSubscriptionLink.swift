internal import Broker
internal import Reactor

/// The node's one pub/sub connection.
///
/// Thread: owned by the uplink. It is read first and always; nothing a client does makes it wait.
final class RedisSubscriptionLink {
    /// Channels named in one SUBSCRIBE after a reconnect: long enough to be cheap, short enough (at most 150 KB) for
    /// Redis' query buffer.
    private static let batchCount = 512

    private let link: RedisLink
    private let address: RedisAddress
    private let limits: Limits
    private let keys: RedisKeys
    private unowned let seat: ReactorSeat

    /// The pub/sub channel of this node alone.
    private let control: String

    /// The pub/sub channel of this process alone: that somebody hears it says that it lives.
    private let life: String

    private var wanted: Set<ChannelName> = []
    private var lastPing: UInt64 = 0
    /// When the oldest PING was sent behind which nothing was heard.
    private var unansweredSince: UInt64?

    /// Redis acknowledged a subscription.
    var onSubscribed: (ChannelName) -> Void = { _ in }
    /// A message of a channel.
    var onMessage: (ChannelName, UnsafeRawBufferPointer) -> Void = { _, _ in }
    /// A message for this node alone.
    var onControl: (String) -> Void = { _ in }
    /// `isUp` may have changed.
    var onChange: (String?) -> Void = { _ in }

    init(
        address: RedisAddress,
        limits: Limits,
        nodeID: String,
        incarnation: String = "",
        token: UInt64,
        seat: ReactorSeat,
        keys: RedisKeys = RedisKeys()
    ) {
        self.keys = keys
        self.address = address
        self.limits = limits
        self.seat = seat
        control = keys.node(nodeID)
        life = keys.incarnation(incarnation, of: nodeID)
        link = RedisLink(address: address, limits: limits, token: token, seat: seat)
        link.onConnected = { [unowned self] in greet() }
        link.onReply = { [unowned self] in take($0) }
        link.onLost = { [unowned self] reason in
            isGreeted = false
            onChange(reason)
        }
    }

    /// Whether every channel is heard that was wanted when the link was made; one that is wanted later is awaited by its
    /// own acknowledgement.
    private var isGreeted = false

    var isUp: Bool { link.isConnected && isGreeted }

    func connect() { link.connect() }
    func ready(_ readiness: Readiness) { link.ready(readiness) }
    func endOfTurn() { link.flush() }

    func subscribe(_ channel: ChannelName) {
        wanted.insert(channel)
        guard link.isConnected else { return }
        link.send(["SUBSCRIBE", .text(keys.channel(channel))])
    }

    func unsubscribe(_ channel: ChannelName) {
        wanted.remove(channel)
        guard link.isConnected else { return }
        link.send(["UNSUBSCRIBE", .text(keys.channel(channel))])
    }

    /// The link is asked for a sign of life, several times within what Redis has to answer, and dropped when none comes.
    /// What counts is the time without an answer: a channel may be quiet, and so may this thread have been.
    func tick(_ tick: UInt32) {
        link.tick(tick)
        guard link.isConnected else { return }
        let now = seat.now
        if let unansweredSince, now - unansweredSince > limits.redisMilliseconds * 1_000_000 {
            return link.fail("silent for \(limits.redisMilliseconds) ms")
        }
        if now - lastPing >= min(limits.redisMilliseconds / 3, 1_000) * 1_000_000 { ping() }
    }

    private func ping() {
        lastPing = seat.now
        unansweredSince = unansweredSince ?? lastPing
        link.send(["PING"])
    }

    private func greet() {
        isGreeted = false
        unansweredSince = nil
        if let password = address.password {
            link.send(["AUTH"] + (address.user.map { [.text($0)] } ?? []) + [.text(password)])
        }
        link.send(["SUBSCRIBE", .text(control), .text(life)])
        let channels = Array(wanted)
        for start in stride(from: 0, to: channels.count, by: Self.batchCount) {
            let batch = channels[start..<min(start + Self.batchCount, channels.count)]
            link.send(["SUBSCRIBE"] + batch.map { .text(keys.channel($0)) })
        }
        // Its answer comes after all others, so by then the link is known to work.
        ping()
    }

    private func take(_ reply: RedisReply) {
        unansweredSince = nil
        if let error = reply.error { return link.fail(error) }
        guard reply.count >= 3 else { return markGreeted(reply) }
        switch reply[0].bytes.first {
        case UInt8(ascii: "m"):
            if let channel = keys.channelName(reply[1].bytes) { return onMessage(channel, reply[2].bytes) }
            if reply[1].text == control { onControl(reply[2].text) }
        case UInt8(ascii: "s"):
            guard let channel = keys.channelName(reply[1].bytes) else { return }
            if wanted.contains(channel) { onSubscribed(channel) }
        default: break
        }
    }

    private func markGreeted(_ reply: RedisReply) {
        let isPong = reply.text == "PONG" || (reply.count == 2 && reply[0].text == "pong")
        guard isPong, !isGreeted else { return }
        isGreeted = true
        link.markHealthy()
        onChange(nil)
    }
}
