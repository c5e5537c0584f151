/// Memory that a reactor holds for single clients: what they have begun to send, and what they do not read.
///
/// Thread: owned by one reactor; inputs and outboxes say themselves what they hold. Each client's share is bounded by limits of
/// its own; this is for all of them together, for a thousand clients may each stay within theirs.
public final class HeldMemory {
    /// Of requests and messages that are not whole yet, or wait for their turn; capacity, not content.
    public var inputBytes = 0

    /// Of answers that wait for slow readers.
    public var outputBytes = 0

    /// Payload of what clients missed and were not told yet; counted once for all who missed the same.
    public var replayBytes = 0

    /// Of what was published to channels whose logs are full.
    var waitingBytes = 0

    /// Of what is held back for readers that are told less often than there is something.
    var pacedBytes = 0

    /// Of the logs that subscribers are sent from, and how many of those hold more than an idle one does: exact once a second,
    /// in between not less.
    var logBytes = 0
    var logCount = 0

    /// Nothing is held.
    init() {}
}
