public import Broker
public import Reactor

/// The backplane of a single node: the same positions, the same history and the same recovery as with Redis, kept in the
/// uplink's own memory.
public final class MemoryBackplane: Backplane {
    /// The clocks it goes by, in milliseconds.
    public struct Time: Sendable {
        /// What positions carry; it may jump.
        public var wall: @Sendable () -> UInt64
        /// What ages are told by; it never goes back.
        public var monotonic: @Sendable () -> UInt64

        /// Takes two clocks.
        public init(wall: @escaping @Sendable () -> UInt64, monotonic: @escaping @Sendable () -> UInt64) {
            self.wall = wall
            self.monotonic = monotonic
        }

        /// The system's.
        public static let system = Time(
            wall: { Clock.realtimeMilliseconds },
            monotonic: { Clock.monotonicNanoseconds / 1_000_000 }
        )
    }

    let limits: Limits
    let nodeID: String
    let time: Time
    private let metrics: UplinkMetrics?
    private(set) var channels: [ChannelName: MemoryChannel] = [:]
    /// Their names in the order in which they are looked at, and whose turn is next.
    private var sweepOrder: [ChannelName] = []
    private var nextSwept = 0
    private var nextRelieved = 0
    /// Patterns that somebody here hears.
    private var patterns: Set<ChannelName> = []
    var sessions = MemorySessions()
    private var presence = MemoryPresence()
    /// Tokens that were taken back, for as long as this process lives.
    var revocations: [Revocation.Target: Revocation] = [:]
    private(set) weak var delegate: (any BackplaneDelegate)?
    private var sweepTick: Tick = .start
    /// Memory that publications and keys of all channels take.
    private var byteCount = 0 {
        didSet { metrics?.embeddedBytes.set(byteCount) }
    }

    /// Makes an empty backplane of a node.
    public init(limits: Limits, nodeID: String = "node", time: Time = .system, metrics: UplinkMetrics? = nil) {
        self.metrics = metrics
        self.limits = limits
        self.nodeID = nodeID
        self.time = time
    }

    /// Memory is always there.
    public var isUp: Bool { true }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        delegate.linkChanged()
    }

    public func subscribe(_ channel: ChannelName) {
        guard !channel.isPattern else {
            patterns.insert(channel)
            delegate?.subscribed(channel)
            return
        }
        existing(channel).isSubscribed = true
        delegate?.subscribed(channel)
    }

    public func unsubscribe(_ channel: ChannelName) {
        if patterns.remove(channel) != nil { return }
        channels[channel]?.isSubscribed = false
    }

    public func find(_ patterns: PatternSet) {
        let found = channels.filter { $0.value.head != .start && !patterns.standing(for: $0.key).isEmpty }
            .map { (name: $0.key, head: $0.value.head) }
        delegate?.found(FoundChannels(channels: found, milliseconds: time.wall(), isLast: true))
    }

    public func publish(_ request: PublishRequest) {
        let now = time.monotonic()
        let channel = existing(request.channel)
        if let key = request.idempotencyKey, let known = channel.position(of: key, now: now) {
            delegate?.published(request.ticket, .success(known))
            return
        }
        let before = channel.byteCount
        let publication = channel.append(
            request.payload,
            key: request.idempotencyKey,
            isKeyed: request.isKeyed,
            history: request.history,
            clock: time.wall(),
            now: now,
            limits
        )
        byteCount += channel.byteCount - before
        if byteCount > limits.embeddedBytesMax { relieve(for: channel) }
        delegate?.published(request.ticket, .success(publication.position))
        tell(publication, in: request.channel, channel)
    }

    /// Tells all who hear a channel, by its name and by patterns.
    private func tell(_ publication: Publication, in name: ChannelName, _ channel: MemoryChannel) {
        if channel.isSubscribed { delegate?.heard(publication, in: name) }
        guard !patterns.isEmpty else { return }
        for pattern in name.patterns where patterns.contains(pattern) {
            delegate?.heard(publication, in: name, by: pattern)
        }
    }

    public func clear(_ name: ChannelName, isKeyed: Bool, for ticket: Ticket) {
        guard let channel = channels[name], channel.head != .start else {
            delegate?.controlled(ticket, .success(.cleared(.start)))
            return
        }
        var position = Position.start
        change(channel) { position = $0.clear(clock: time.wall(), now: time.monotonic()) }
        delegate?.controlled(ticket, .success(.cleared(position)))
        tell(Publication(clearedAt: position), in: name, channel)
    }

    public func tell(_ payload: Payload, in channel: ChannelName) {
        let isHeard = channels[channel]?.isSubscribed == true
        if isHeard { delegate?.heard(payload, in: channel) }
        delegate?.told(channel, .success(isHeard ? 1 : 0))
    }

    public func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        guard let known = channels[channel] else {
            // Nothing is published under a pattern; it stands at the moment.
            let now = Position(milliseconds: time.wall() - 1, sequence: 0)
            let nothing = HistoryPage(since: since, publications: [], head: channel.isPattern ? now : .start)
            delegate?.read(channel, for: purpose, since: since, .success(nothing))
            return
        }
        change(known) { $0.trim(now: time.monotonic(), limits) }
        let page = HistoryPage(
            since: since,
            of: known.publications,
            countMax: countMax,
            bytesMax: bytesMax,
            head: known.head,
            floor: known.floor,
            beginsAnew: since.map(known.isUnknown) ?? false,
            breaks: known.breaks
        )
        delegate?.read(channel, for: purpose, since: since, .success(page))
    }

    public func count(_ channel: ChannelName, subscribers: Int, leaseMilliseconds: UInt64) {
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

    public func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        let event = presence.enter(
            channel,
            member,
            transport: transport,
            details: details,
            node: nodeID,
            now: time.wall()
        )
        if let event { tell(event, of: channel) }
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
        let outcome = sessions.grant(request, now: time.monotonic(), lifetime: limits.heldSessionMilliseconds)
        delegate?.granted(request, outcome)
    }

    public func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    ) {
        let lifetime = standing == .held ? limits.heldSessionMilliseconds : limits.resumeMilliseconds
        let change = MemorySessions.Change(standing: standing, positions: positions, notes: notes)
        let outcome = sessions.save(session, fence: fence, change, now: time.monotonic(), lifetime: lifetime)
        delegate?.saved(session, fence: fence, for: ticket, .success(outcome))
    }

    public func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket) {
        let notes = sessions.touch(
            session,
            secret: secret,
            now: time.monotonic(),
            lifetime: limits.resumeMilliseconds
        )
        delegate?.touched(ticket, .success(notes))
    }

    public func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        let end = time.monotonic() + limits.heldSessionMilliseconds
        sessions.restore(session, secret: secret, fence: fence, millisecondsEnd: end)
        delegate?.saved(session, fence: fence, for: nil, .success(.kept))
    }

    public func ready(token: UInt64, readiness: Readiness) {}

    /// Forgets what is too old, of some in each tick.
    public func tick(_ tick: Tick) {
        sweep(Self.sweptPerTick)
        guard tick.milliseconds(since: sweepTick) >= 1_000 else { return }
        sweepTick = tick
        sessions.sweep(now: time.monotonic())
    }

    /// Channels that are looked at in a tick of 250 ms: some 100 µs. What is too old is also forgotten when it is asked for.
    private static let sweptPerTick = 1_000

    /// Forgets what is too old, of so many channels, and of channels that nobody hears all if there are too many.
    private func sweep(_ count: Int) {
        let now = time.monotonic()
        for _ in 0..<min(count, sweepOrder.count) {
            if nextSwept >= sweepOrder.count { nextSwept = 0 }
            let name = sweepOrder[nextSwept]
            guard let channel = channels[name] else {
                forget(at: nextSwept)
                continue
            }
            change(channel) { $0.trim(now: now, limits) }
            let isExcess = channels.count >= limits.embeddedChannelsMax && !channel.isHeard
            if isExcess || channel.isForgotten(now: now, limits) {
                byteCount -= channel.byteCount
                channels[name] = nil
                forget(at: nextSwept)
            } else {
                nextSwept += 1
            }
        }
    }

    /// Changes a channel and counts what it takes then.
    private func change(_ channel: MemoryChannel, _ body: (MemoryChannel) -> Void) {
        let before = channel.byteCount
        body(channel)
        if channel.byteCount != before { byteCount += channel.byteCount - before }
    }

    /// Makes room for what was published to a channel. Some channels, in turn, are brought down to their share: half of it where
    /// nobody hears them. If that does not suffice the publisher's own channel pays, so that who publishes much to ever new
    /// channels cannot take the others' history from them. Whoever comes back to what is gone is told of a gap.
    private func relieve(for channel: MemoryChannel) {
        let share = limits.embeddedBytesMax / max(channels.count, 1)
        var left = Self.forgottenPerPublish
        for _ in 0..<min(Self.relievedPerPublish, sweepOrder.count)
        where byteCount > limits.embeddedBytesMax && left > 0 {
            nextRelieved = nextRelieved + 1 < sweepOrder.count ? nextRelieved + 1 : 0
            guard let other = channels[sweepOrder[nextRelieved]] else { continue }
            change(other) { left -= $0.shrink(toBytes: $0.isHeard ? share : share / 2, atMost: left, limits) }
        }
        let excess = byteCount - limits.embeddedBytesMax
        guard excess > 0 else { return }
        change(channel) {
            _ = $0.shrink(toBytes: max($0.byteCount - excess, 0), atMost: Self.forgottenPerPublish, limits)
        }
    }

    /// Channels that a publish looks at for room, and what it forgets of all of them: some 10 and 100 µs.
    private static let relievedPerPublish = 64
    private static let forgottenPerPublish = 256

    private func forget(at place: Int) {
        sweepOrder.swapAt(place, sweepOrder.count - 1)
        sweepOrder.removeLast()
    }

    public func endOfTurn() {}

    public func finish(until deadlineNanoseconds: UInt64) {}

    private func existing(_ name: ChannelName) -> MemoryChannel {
        if let known = channels[name] { return known }
        // Each new one pays for a look at some others, so that they cannot come faster than they are forgotten.
        if channels.count >= limits.embeddedChannelsMax { sweep(4) }
        let channel = MemoryChannel(now: time.monotonic())
        channels[name] = channel
        sweepOrder.append(name)
        metrics?.embeddedChannels.set(channels.count)
        return channel
    }
}
