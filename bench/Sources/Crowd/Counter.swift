/// What a crowd counts, by its place on the board. `million_harness/board.py` has the same names in the same order.
enum Counter: Int, CaseIterable {
    /// Clients that are connected and subscribed to all they want, now.
    case ready
    /// Connections begun, ever.
    case begun
    /// Clients that wait for their time to come back.
    case waiting
    case delivered
    /// Sequence numbers that were skipped.
    case lost
    /// The same one twice.
    case doubled
    /// One that is older than the newest.
    case reordered
    /// Of a channel that the client does not read.
    case foreign
    /// Holes that the node told of, or a return that was not recovered.
    case gaps
    /// Bytes that are no message one could expect.
    case malformed
    /// Errors that the node told of; who waited for a subscription asks for it again.
    case errors
    /// Connections ended with a `bye`.
    case dismissed
    /// Connections that ended without one.
    case broken
    /// Requests that were not answered with 101 or 200.
    case refused
    /// Connects that failed.
    case unconnected
    /// Heartbeats, whether they were to be answered or not.
    case pings
    /// Clients that were back and subscribed after they had lost a connection.
    case returned
    /// What a check found to have never come: publications of a channel after the last one that its reader had.
    case missing
    /// How many checks were made.
    case checks
    /// Subscriptions that were confirmed to a client for the first time.
    case confirmed
    case receiveCalls
    case receivedBytes
}
