internal import Broker

/// One publication that a poll is answered with.
struct PollItem {
    let topic: Topic
    let payload: Payload
    /// `nil` for one that is fire-and-forget.
    let position: Position?
    /// Whether its client is new to the channel, and is told what was there before.
    var isSnapshot = false
}
