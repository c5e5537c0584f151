internal import Reactor

extension EdgeReactor {
    /// How many clients a second come back, at most, when all of a node's are sent away or lose it at once.
    private static let reconnectsPerSecond = 2_000

    /// How long a client waits before it comes back: spread, the wider the more there are.
    var reconnectMilliseconds: ClosedRange<UInt64> {
        let count = connections.count * configuration.reactorCount
        return 250...UInt64(1_000 + count * 1_000 / Self.reconnectsPerSecond)
    }
}
