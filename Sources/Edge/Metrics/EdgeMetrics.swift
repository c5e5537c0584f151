public import Broker
public import Hub
internal import Reactor
internal import Synchronization
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
    /// JSON streams ended because of their age or size.
    public let streamsRenewed = Counter()
    /// Requests with a valid head.
    public let requests = Counter()
    /// Requests and messages refused for what they were.
    public let rejections = Counter()
    /// Connections closed because a time ran out.
    public let timeouts = Counter()
    /// WebSockets closed for what their clients sent, by `failureCodes`.
    private let failures = failureCodes.map { _ in Counter() }
    /// Messages that came compressed, their bytes once they were inflated, and those that were too big then or no such messages.
    public let inflatedMessages = Counter()
    public let inflatedBytes = Counter()
    public let inflationsRefused = Counter()
    /// Publishes asked for.
    public let publishes = Counter()
    /// Publishes answered with 503.
    public let publishesRefused = Counter()
    /// Bytes sent.
    public let bytesSent = Counter()
    /// Bytes received.
    public let bytesReceived = Counter()
    /// Tokens that no session answers to, and what is no token.
    public let tokensRefused = Counter()
    /// Access tokens that were looked at, and requests refused for theirs.
    public let accessTokensLookedAt = Counter()
    public let accessTokensRefused = Counter()
    /// Connections ended because their token did.
    public let accessTokensExpired = Counter()
    public let accessTokensRevoked = Counter()
    /// Handshakes of TLS that were agreed, of those with a ticket, and those that failed.
    public let tlsHandshakes = Counter()
    public let tlsHandshakesResumed = Counter()

    /// Sessions whose records the kernel seals.
    public let tlsSealedByKernel = Counter()
    public let tlsHandshakesFailed = Counter()
    /// Turns that a handshake had to wait for another one.
    public let tlsHandshakeWaits = Counter()
    /// What somebody wanted and may not.
    public let forbidden = Counter()
    /// Questions to backends that were not asked, because too many waited.
    public let hookQuestionsRefused = Counter()
    /// Connections closed because all clients together held too much memory, and they for longest.
    public let evictions = Counter()
    /// Bytes held for requests that are not whole, as of the last second.
    public let heldInputBytes = Counter()
    /// Sessions that were not opened, because too many were from their address.
    public let sessionsUnopened = Counter()
    /// Times a client had to wait because a budget of its own was used up.
    public let budgetWaits = Counter()
    /// What somebody wanted too often.
    private let overLimits = (0..<MeteredScope.allCases.count * Metered.allCases.count).map { _ in Counter() }
    /// Turns that went on with what was to be done to many readers.
    public let errandTurns = Counter()
    /// Members of whom others are not told all, for it is too long.
    public let memberDetailsLeftOut = Counter()
    /// Of those, what users may have but the cluster had to answer first.
    public let usersTooFarAhead = Counter()
    /// Users that were forgotten before the cluster was told what they had.
    public let usersForgotten = Counter()
    /// Requests of new clients that were refused because the node had too much to do.
    public let shed = Counter()
    /// Memory of the process, as the first reactor saw it within the last second.
    public let residentBytes = Counter()
    /// Longest turn of the reactor in the last second, in microseconds.
    public let longestTurnMicroseconds = Counter()
    /// Turns of the reactor by length, as of the last second.
    public let turns = TurnHistogram()

    /// Its busiest channels in the last second, while somebody wants to know.
    let busiest = Lock<[ChannelActivity]>([])

    /// What its hub counts.
    public let hub = HubMetrics()

    /// Starts at zero.
    public init() {}

    /// Connections open now as WebSockets.
    public var webSocketConnections: Counter { connections(of: .webSocket) }
    /// Connections open now as event streams.
    public var eventStreamConnections: Counter { connections(of: .eventStream) }
    /// Connections open now as JSON streams.
    public var jsonStreamConnections: Counter { connections(of: .jsonStream) }

    /// Codes that a WebSocket is closed with for what its client sent, RFC 6455 §7.4.1.
    static let failureCodes: [WebSocketCloseCode] = [.protocolError, .unsupportedData, .invalidPayload, .messageTooBig]

    /// WebSockets closed with a code for what their clients sent.
    func failures(with code: WebSocketCloseCode) -> Counter? {
        Self.failureCodes.firstIndex(of: code).map { failures[$0] }
    }

    /// What somebody wanted too often, by what that was.
    func overLimit(_ metered: Metered, of scope: MeteredScope) -> Counter {
        overLimits[scope.rawValue * Metered.count + metered.rawValue]
    }

    /// Connections open now that are carried in such a way; those that ask and are answered, a poll among them, are one kind.
    func connections(of carrier: CarrierID?) -> Counter {
        guard let carrier, !carrier.traits.contains(.isOneAnswer) else { return httpConnections }
        // bounded: a byte
        return readers[Int(carrier.number)]
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
