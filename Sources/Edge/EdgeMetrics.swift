public import Broker
internal import Hub
internal import Reactor
internal import Wire

/// What one reactor counts; written by its thread, read by any.
public final class EdgeMetrics: Sendable {
    /// Connections accepted so far.
    public let accepted = Counter()
    /// Connections refused for want of descriptors or because of a limit.
    public let refused = Counter()
    /// Connections open now that ask and are answered.
    public let httpConnections = Counter()
    /// Connections open now as readers, by what carries their messages.
    private let readers = CarrierID.all.map { _ in Counter() }
    /// Polls held now.
    public let polls = Counter()
    /// Polls answered with nothing because they were held long enough.
    public let pollsEmpty = Counter()
    /// Polls whose answer had no room for all there was.
    public let pollsDivided = Counter()
    /// JSON streams ended because of their age or size.
    public let streamsRenewed = Counter()
    /// Requests with a valid head.
    public let requests = Counter()
    /// Requests and messages refused for what they were.
    public let rejections = Counter()
    /// Connections closed because a time ran out.
    public let timeouts = Counter()
    /// Subscriptions now.
    public let subscriptions = Counter()
    /// Channels with subscribers here.
    public let topics = Counter()
    /// Publishes asked for.
    public let publishes = Counter()
    /// Publishes answered with 503.
    public let publishesRefused = Counter()
    /// Publications that came from the uplink.
    public let publications = Counter()
    /// Times a channel was published to faster than it could be sent.
    public let channelsFull = Counter()
    /// Payloads without position that their channel had no room for.
    public let ephemeralsDropped = Counter()
    /// Frames handed to the kernel for subscribers.
    public let deliveries = Counter()
    /// Bytes sent.
    public let bytesSent = Counter()
    /// Bytes received.
    public let bytesReceived = Counter()
    /// Bytes of memory that the fan-out logs hold, as of the last second.
    public let logBytes = Counter()
    /// Subscribers that cannot be sent to now.
    public let laggards = Counter()
    /// Slow readers closed.
    public let disconnects = Counter()
    /// Slow readers moved on with a gap.
    public let skips = Counter()
    /// Slow readers moved to the newest publication.
    public let latests = Counter()
    /// Tokens that no session answers to, and what is no token.
    public let tokensRefused = Counter()
    /// Connections closed because all clients together held too much memory, and they for longest.
    public let evictions = Counter()
    /// Bytes held for requests that are not whole, as of the last second.
    public let heldInputBytes = Counter()
    /// Bytes held for answers that are not read, as of the last second.
    public let heldOutputBytes = Counter()
    /// Bytes held for what clients missed and were not told yet, as of the last second.
    public let heldReplayBytes = Counter()
    /// Times a client was told only a part of what it missed, the rest to be read once it has that.
    public let replaysDivided = Counter()
    /// Sessions that were not opened, because too many were from their address.
    public let sessionsUnopened = Counter()
    /// Times a client had to wait because a budget of its own was used up.
    public let budgetWaits = Counter()
    /// Checkpoints of sessions that their clients confirmed.
    public let checkpoints = Counter()
    /// Longest turn of the reactor in the last second, in microseconds.
    public let longestTurnMicroseconds = Counter()
    /// Turns of the reactor by length, as of the last second.
    public let turns = TurnHistogram()
    /// Publications by time from their position's clock to their last send.
    public let fanoutLatency = LatencyHistogram()

    /// Starts at zero.
    public init() {}

    /// Connections open now as WebSockets.
    public var webSocketConnections: Counter { connections(of: .webSocket) }
    /// Connections open now as event streams.
    public var eventStreamConnections: Counter { connections(of: .eventStream) }
    /// Connections open now as JSON streams.
    public var jsonStreamConnections: Counter { connections(of: .jsonStream) }

    /// Connections open now that are carried in such a way; those that ask and are answered, a poll among them, are one kind.
    func connections(of carrier: CarrierID?) -> Counter {
        guard let carrier, !carrier.traits.contains(.isOneAnswer) else { return httpConnections }
        // bounded: a byte
        return readers[Int(carrier.number)]
    }
}

/// Counts by upper bound in milliseconds.
///
/// Positions carry milliseconds, so finer bounds would say nothing.
public final class LatencyHistogram: Sendable {
    /// Upper bounds; one more bucket holds the rest.
    public static let boundsMilliseconds: [UInt64] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000]

    /// Observations per bucket, not cumulated.
    public let buckets = (0...boundsMilliseconds.count).map { _ in Counter() }

    /// Sum of all observations, in milliseconds.
    public let sumMilliseconds = Counter()

    /// Starts at zero.
    public init() {}

    /// Counts one observation; only the owning thread may.
    func observe(milliseconds: UInt64) {
        let bucket = Self.boundsMilliseconds.firstIndex { milliseconds <= $0 } ?? Self.boundsMilliseconds.count
        buckets[bucket].add()
        sumMilliseconds.add(Int(clamping: milliseconds))
    }
}

/// A reactor's turns by length, for other threads to read.
public final class TurnHistogram: Sendable {
    /// Turns per bucket of `TurnCounts.boundsMicroseconds`, and the rest.
    public let buckets = (0...TurnCounts.boundsMicroseconds.count).map { _ in Counter() }

    /// Sum of all, in microseconds.
    public let sumMicroseconds = Counter()

    /// Starts at zero.
    public init() {}

    /// Takes over what the reactor counted; only its thread may.
    func set(_ counts: TurnCounts) {
        for (counter, count) in zip(buckets, counts.buckets) { counter.set(count) }
        sumMicroseconds.set(Int(clamping: counts.sumMicroseconds))
    }
}
