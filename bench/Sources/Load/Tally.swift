/// What the subscribers of one worker, or of all, saw.
struct Tally: Codable {
    var delivered = 0
    /// Acknowledged by the server and not received, or received out of order.
    var lost = 0
    /// Received again, or after a later one of the same source.
    var doubled = 0
    /// Of another channel.
    var foreign = 0
    /// `gap` messages.
    var gaps = 0
    /// Frames that no server may send here.
    var protocolErrors = 0
    /// Connections the server closed before the end.
    var closed = 0
    /// Connections that never got as far as being subscribed.
    var failed = 0
    var receivedBytes = 0
    /// `recv` calls that brought something; deliveries per call show how the server batches.
    var receiveCalls = 0

    static func + (one: Tally, other: Tally) -> Tally {
        Tally(
            delivered: one.delivered + other.delivered,
            lost: one.lost + other.lost,
            doubled: one.doubled + other.doubled,
            foreign: one.foreign + other.foreign,
            gaps: one.gaps + other.gaps,
            protocolErrors: one.protocolErrors + other.protocolErrors,
            closed: one.closed + other.closed,
            failed: one.failed + other.failed,
            receivedBytes: one.receivedBytes + other.receivedBytes,
            receiveCalls: one.receiveCalls + other.receiveCalls
        )
    }
}
