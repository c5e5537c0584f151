internal import Broker
internal import DequeModule

// What the logs of all channels hold together, and what clients that are gone still hold.
extension Hub {
    /// What one log may keep for slow readers: all that its channel's window allows while there is room, else its share, and
    /// nothing once a quarter more is held.
    var logShareBytes: Int {
        let most = limits.logsBytesMax / reactorCount
        if held.logBytes <= most { return .max }
        return held.logBytes > most / 4 * 5 ? 0 : most / max(held.logCount, 1)
    }

    /// Counts the memory of a log that was just written to or sent from, unless its last reader left meanwhile.
    func weigh(_ feed: Feed) {
        let bytes = feed.memoryBytes
        guard bytes != feed.countedBytes, feed.isRead else { return }
        uncount(feed)
        count(bytes, of: feed)
    }

    private func count(_ bytes: Int, of feed: Feed) {
        held.logBytes += bytes
        if bytes > FanoutLog.idleBytesMax { held.logCount += 1 }
        feed.countedBytes = bytes
    }

    /// Takes the memory of a log out of what is held.
    func uncount(_ feed: Feed) {
        held.logBytes -= feed.countedBytes
        if feed.countedBytes > FanoutLog.idleBytesMax { held.logCount -= 1 }
        feed.countedBytes = 0
        assert(held.logBytes >= 0 && held.logCount >= 0, "more is given back than was counted")
    }

    /// Counts the memory of all logs anew, for readers that catch up let go of some without being asked; and tells what is
    /// held.
    public func weighAll() {
        held.logBytes = 0
        held.logCount = 0
        for feed in allFeeds { count(feed.memoryBytes, of: feed) }
        giveBackIdleWindows()
        metrics.logBytes.set(held.logBytes)
        metrics.pacedBytes.set(held.pacedBytes)
        metrics.heldOutputBytes.set(held.outputBytes)
        metrics.heldReplayBytes.set(held.replayBytes)
    }

    /// What a client that is gone still waits for holds what was read for it so far.
    public func abandonJoinsOfTheGone() {
        func isOfOneGone(_ join: Join) -> Bool {
            guard !join.isDone, let client = outlet.client(join.client) else { return !join.isDone }
            return client.pointee.isClosed
        }
        for join in joins.waiting where isOfOneGone(join) { _ = abandon(join) }
        for join in joins.ready where isOfOneGone(join) { _ = abandon(join) }
    }
}
