public import Broker

/// What the uplink counts; written by its thread, read by any.
public final class UplinkMetrics: Sendable {
    /// Publishes that the backplane acknowledged.
    public let publishesAcknowledged = Counter()
    /// Publishes that were refused or not answered.
    public let publishesFailed = Counter()
    /// Publications heard on watched channels.
    public let publicationsHeard = Counter()
    /// Payloads without a position heard.
    public let ephemeralsHeard = Counter()
    /// Holes in what was heard.
    public let gapsFound = Counter()
    /// Holes that history closed without loss.
    public let gapsFilled = Counter()
    /// Holes that had to be reported.
    public let gapsReported = Counter()
    /// Reads of history from the backplane.
    public let historyReads = Counter()
    /// Recoveries answered from the tail in memory.
    public let tailHits = Counter()
    /// Channels watched.
    public let channels = Counter()
    /// Whether publishes are taken and everything published is heard: 0 or 1.
    public let isUp = Counter()
    /// Times a link to Redis was lost.
    public let linkLosses = Counter()
    /// Answers from Redis, and the nanoseconds they took together.
    public let roundTrips = Counter()
    /// See `roundTrips`.
    public let roundTripNanoseconds = Counter()
    /// Reports dropped because a reactor's inbox was full.
    public let inboxOverflows = Counter()

    /// Starts at zero.
    public init() {}
}
