public import Broker

/// A publication that is asked for.
public struct PublishRequest: Sendable {
    /// Who waits for the position.
    public let ticket: Ticket

    /// Where it goes.
    public let channel: ChannelName

    /// What is published.
    public let payload: Payload

    /// Repeating a request with the same key gives the first one's position instead of a second publication.
    public let idempotencyKey: String?

    /// Whether of the channel's publications only the newest of each key is kept.
    public let isKeyed: Bool

    /// How much of the channel is remembered from now on.
    public let history: HistoryRule

    /// How many replicas of Redis must have it before its publisher is answered.
    public let replicasMin: Int

    /// Makes a request.
    public init(
        ticket: Ticket,
        channel: ChannelName,
        payload: Payload,
        idempotencyKey: String?,
        isKeyed: Bool = false,
        history: HistoryRule = .usual,
        replicasMin: Int = 0
    ) {
        self.ticket = ticket
        self.channel = channel
        self.payload = payload
        self.idempotencyKey = idempotencyKey
        self.isKeyed = isKeyed
        self.history = history
        self.replicasMin = replicasMin
    }
}
