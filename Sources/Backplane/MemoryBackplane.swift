public import Broker
public import Reactor

/// The backplane of a single node: the same positions, the same history and the same recovery as with Redis, kept in the
/// uplink's own memory.
public final class MemoryBackplane: Backplane {
    /// One channel's log. An object, so that a publish looks it up once.
    private final class Channel {
        var head = Position.start
        var publications: [Publication] = []
        var once: [String: (position: Position, millisecondsEnd: UInt64)] = [:]
        var subscribers = 0
        /// Whether the node hears it.
        var isSubscribed = false
    }

    private let limits: Limits
    private let nodeID: String
    private var channels: [ChannelName: Channel] = [:]
    private var sessions = MemorySessions()
    private var presence = MemoryPresence()
    private weak var delegate: (any BackplaneDelegate)?
    private var sweepTick: UInt32 = 0

    /// Makes an empty backplane of a node.
    public init(limits: Limits, nodeID: String = "node") {
        self.limits = limits
        self.nodeID = nodeID
    }

    /// Memory is always there.
    public var isUp: Bool { true }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        delegate.linkChanged()
    }

    public func subscribe(_ channel: ChannelName) {
        existing(channel).isSubscribed = true
        delegate?.subscribed(channel)
    }

    public func unsubscribe(_ channel: ChannelName) {
        channels[channel]?.isSubscribed = false
    }

    public func publish(_ request: PublishRequest) {
        let now = Clock.realtimeMilliseconds
        let channel = existing(request.channel)
        if let key = request.idempotencyKey, let known = channel.once[key], known.millisecondsEnd > now {
            delegate?.published(request.ticket, .success(known.position))
            return
        }
        let publication = append(request, to: channel, now: now)
        delegate?.published(request.ticket, .success(publication.position))
        if channel.isSubscribed { delegate?.heard(publication, in: request.channel) }
    }

    private func append(_ request: PublishRequest, to channel: Channel, now: UInt64) -> Publication {
        let previous = channel.head
        let position =
            now > previous.milliseconds ? Position(milliseconds: now, sequence: 0) : previous.successor
        let publication = Publication(position: position, previous: previous, payload: request.payload)
        channel.head = position
        channel.publications.append(publication)
        // Trimmed in bulk: each publication moves once at most.
        if channel.publications.count > 2 * limits.historyCountMax { trim(channel, now: now) }
        if let key = request.idempotencyKey {
            channel.once[key] = (position, now + limits.idempotencyMilliseconds)
        }
        return publication
    }

    public func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        guard let known = channels[channel] else {
            let nothing = HistoryPage(since: since, publications: [], head: .start)
            delegate?.read(channel, for: purpose, since: since, .success(nothing))
            return
        }
        trim(known, now: Clock.realtimeMilliseconds)
        let page = HistoryPage(
            since: since,
            of: known.publications,
            countMax: countMax,
            bytesMax: bytesMax,
            head: known.head
        )
        delegate?.read(channel, for: purpose, since: since, .success(page))
    }

    public func count(_ channel: ChannelName, subscribers: Int) {
        guard subscribers > 0 || channels[channel] != nil else { return }
        existing(channel).subscribers = subscribers
    }

    public func describe(_ channel: ChannelName, for ticket: Ticket) {
        let subscribers = channels[channel]?.subscribers ?? 0
        let facts = ChannelFacts(
            subscribers: subscribers,
            nodes: subscribers > 0 ? 1 : 0,
            head: channels[channel]?.head ?? .start
        )
        delegate?.described(ticket, .success(facts))
    }

    public func enter(_ channel: ChannelName, _ member: MemberID, transport: String) {
        let now = Clock.realtimeMilliseconds
        if let event = presence.enter(channel, member, transport: transport, node: nodeID, now: now) {
            tell(event, of: channel)
        }
    }

    /// Nothing lapses: the members' only node is this one.
    public func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {}

    public func leave(_ channel: ChannelName, _ member: MemberID) {
        if let event = presence.leave(channel, member) { tell(event, of: channel) }
    }

    public func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) {
        delegate?.listed(ticket, .success(presence.list(channel, limit: limit)))
    }

    private func tell(_ event: Payload, of channel: ChannelName) {
        guard let name = channel.presenceChannel, channels[name]?.isSubscribed == true else { return }
        delegate?.heard(event, in: name)
    }

    public func grant(_ request: SessionRequest) {
        let outcome = sessions.grant(request, now: Clock.realtimeMilliseconds, lifetime: limits.heldSessionMilliseconds)
        delegate?.granted(request, outcome)
    }

    public func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition]
    ) {
        let lifetime = standing == .held ? limits.heldSessionMilliseconds : limits.resumeMilliseconds
        let now = Clock.realtimeMilliseconds
        let outcome = sessions.save(session, fence: fence, standing, positions, now: now, lifetime: lifetime)
        delegate?.saved(session, fence: fence, .success(outcome))
    }

    public func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        let end = Clock.realtimeMilliseconds + limits.heldSessionMilliseconds
        sessions.restore(session, secret: secret, fence: fence, millisecondsEnd: end)
        delegate?.saved(session, fence: fence, .success(.kept))
    }

    public func ready(token: UInt64, readiness: Readiness) {}

    /// Once a second, forgets what is too old.
    public func tick(_ tick: UInt32) {
        guard tick &- sweepTick >= 4 else { return }
        sweepTick = tick
        let now = Clock.realtimeMilliseconds
        for (name, channel) in channels {
            trim(channel, now: now)
            let isOld = channel.head.milliseconds + limits.headMilliseconds < now
            if isOld, channel.subscribers == 0, !channel.isSubscribed { channels[name] = nil }
        }
        sessions.sweep(now: now)
    }

    public func endOfTurn() {}

    public func finish() {}

    private func existing(_ name: ChannelName) -> Channel {
        if let known = channels[name] { return known }
        let channel = Channel()
        channels[name] = channel
        return channel
    }

    /// Forgets what is too old or too much.
    private func trim(_ channel: Channel, now: UInt64) {
        let oldest = now - min(now, limits.historyMilliseconds)
        let excess = max(channel.publications.count - limits.historyCountMax, 0)
        let expired = channel.publications.prefix { $0.position.milliseconds < oldest }.count
        // bounded: a channel keeps `historyCountMax`
        channel.publications.removeFirst(max(excess, expired))
        if !channel.once.isEmpty { channel.once = channel.once.filter { $0.value.millisecondsEnd > now } }
    }
}
