/// What one client has under way and has used up in this second: past it the client waits, and nobody else.
///
/// Thread: owned by one reactor, which keeps one only for clients that have something to count: an idle client costs
/// nothing. Size: 24 bytes.
struct ClientBudget {
    /// Commands of a WebSocket that the uplink was asked for and has not answered.
    var commandsUnderWay = 0

    /// Bytes of payload in those.
    var bytesUnderWay = 0

    /// Channels that the client made this node begin or cease to hear since the second began.
    var channelChanges = 0

    /// Whether nothing is counted.
    var isEmpty: Bool { commandsUnderWay == 0 && channelChanges == 0 }
}
