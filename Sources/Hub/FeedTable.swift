internal import Broker

/// The feeds that somebody reads, found by what makes them the same and by their logs.
///
/// Thread: owned by one reactor.
struct FeedTable {
    private var byKey: [Feed.Key: Feed] = [:]
    private var byLog: [ObjectIdentifier: Feed] = [:]

    var all: some Collection<Feed> { byKey.values }

    subscript(key: Feed.Key) -> Feed? { byKey[key] }

    subscript(log: FanoutLog) -> Feed? { byLog[ObjectIdentifier(log)] }

    mutating func insert(_ feed: Feed) {
        byKey[feed.key] = feed
        byLog[ObjectIdentifier(feed.log)] = feed
    }

    /// Removes a feed; says whether it was there.
    mutating func remove(_ feed: Feed) -> Bool {
        guard byKey[feed.key] === feed else { return false }
        byKey[feed.key] = nil
        byLog[ObjectIdentifier(feed.log)] = nil
        return true
    }
}
