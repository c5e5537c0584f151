internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Whether a browser comes back by itself that was told not to: "clients will reconnect if the connection is closed;
    /// a client can be told to stop reconnecting using the HTTP 204 No Content response code" (HTML, server-sent events).
    func isToldToStay(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> Bool {
        if let id = request.text(of: .lastEventID) { return id.hasPrefix(ByeCode.lastEventIDMark) }
        return try request.parameter("lastEventId")?.hasPrefix(ByeCode.lastEventIDMark) ?? false
    }

    /// How many clients a second come back, at most, when all of a node's are sent away or lose it at once.
    private static let reconnectsPerSecond = 2_000

    /// How long a client waits before it comes back: spread, the wider the more there are.
    var reconnectMilliseconds: ClosedRange<UInt64> {
        let count = connections.count * configuration.reactorCount
        return 250...UInt64(1_000 + count * 1_000 / Self.reconnectsPerSecond)
    }
}
