public import Broker
public import Reactor

/// The backplane of a single node: the same positions, the same history and the same recovery as with Redis, kept in the
/// uplink's own memory.
public final class MemoryBackplane: Backplane {
    /// One channel's log.
    fileprivate struct Channel {
        var head = Position.start
        var publications: [Publication] = []
        var once: [String: (position: Position, millisecondsEnd: UInt64)] = [:]
        var subscribers = 0
    }

    private let limits: Limits
    private var channels: [ChannelName: Channel] = [:]
    private var subscribed: Set<ChannelName> = []
    private weak var delegate: (any BackplaneDelegate)?
    private var sweepTick: UInt32 = 0

    /// Makes an empty backplane.
    public init(limits: Limits) {
        self.limits = limits
    }

    /// Memory is always there.
    public var isUp: Bool { true }

    public func start(delegate: any BackplaneDelegate) {
        self.delegate = delegate
        delegate.linkChanged()
    }

    public func subscribe(_ channel: ChannelName) {
        subscribed.insert(channel)
        delegate?.subscribed(channel)
    }

    public func unsubscribe(_ channel: ChannelName) {
        subscribed.remove(channel)
    }

    public func publish(_ request: PublishRequest) {
        let now = Clock.realtimeMilliseconds
        if let key = request.idempotencyKey, let known = channels[request.channel]?.once[key],
            known.millisecondsEnd > now
        {
            delegate?.published(request.ticket, .success(known.position))
            return
        }
        let publication = append(request, now: now)
        delegate?.published(request.ticket, .success(publication.position))
        if subscribed.contains(request.channel) { delegate?.heard(publication, in: request.channel) }
    }

    private func append(_ request: PublishRequest, now: UInt64) -> Publication {
        let previous = channels[request.channel, default: Channel()].head
        let position =
            now > previous.milliseconds ? Position(milliseconds: now, sequence: 0) : previous.successor
        let publication = Publication(position: position, previous: previous, payload: request.payload)
        withChannel(request.channel) { channel in
            channel.head = position
            channel.publications.append(publication)
            // Trimmed in bulk: each publication moves once at most.
            if channel.publications.count > 2 * limits.historyCountMax { channel.trim(to: limits, now: now) }
            if let key = request.idempotencyKey {
                channel.once[key] = (position, now + limits.idempotencyMilliseconds)
            }
        }
        return publication
    }

    public func read(_ channel: ChannelName, since: Position?, limit: Int, for purpose: ReadPurpose) {
        let now = Clock.realtimeMilliseconds
        if channels[channel] != nil { withChannel(channel) { $0.trim(to: limits, now: now) } }
        let known = channels[channel] ?? Channel()
        let found =
            since.map { since in known.publications.drop { $0.position <= since }.prefix(limit) }
            ?? known.publications.suffix(limit)
        let page = HistoryPage(since: since, publications: Array(found), head: known.head)
        delegate?.read(channel, for: purpose, since: since, .success(page))
    }

    public func count(_ channel: ChannelName, subscribers: Int) {
        guard subscribers > 0 || channels[channel] != nil else { return }
        withChannel(channel) { $0.subscribers = subscribers }
    }

    public func describe(_ channel: ChannelName, for ticket: Ticket) {
        let known = channels[channel] ?? Channel()
        let facts = ChannelFacts(
            subscribers: known.subscribers,
            nodes: known.subscribers > 0 ? 1 : 0,
            head: known.head
        )
        delegate?.described(ticket, .success(facts))
    }

    public func ready(token: UInt64, readiness: Readiness) {}

    /// Once a second, forgets what is too old.
    public func tick(_ tick: UInt32) {
        guard tick &- sweepTick >= 4 else { return }
        sweepTick = tick
        let now = Clock.realtimeMilliseconds
        for name in channels.keys {
            withChannel(name) { $0.trim(to: limits, now: now) }
            let isForgotten =
                channels[name]!.head.milliseconds + limits.headMilliseconds < now && channels[name]!.subscribers == 0
            if isForgotten { channels[name] = nil }
        }
    }

    public func endOfTurn() {}

    private func withChannel(_ name: ChannelName, _ change: (inout Channel) -> Void) {
        change(&channels[name, default: Channel()])
    }
}

extension MemoryBackplane.Channel {
    fileprivate mutating func trim(to limits: Limits, now: UInt64) {
        let oldest = now - min(now, limits.historyMilliseconds)
        let excess = max(publications.count - limits.historyCountMax, 0)
        let expired = publications.prefix { $0.position.milliseconds < oldest }.count
        publications.removeFirst(max(excess, expired))
        if !once.isEmpty { once = once.filter { $0.value.millisecondsEnd > now } }
    }
}
