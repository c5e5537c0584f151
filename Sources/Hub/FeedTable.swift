internal import Broker

/// The feeds that somebody reads, found by what makes them the same and by their logs.
///
/// Thread: owned by one reactor. A feed of one channel is found among the few that the channel has.
struct FeedTable {
    /// What makes two feeds of several channels the same; the channels are sorted.
    private struct Key: Hashable {
        let kind: Feed.Kind
        let channels: [ChannelName]
    }

    private var ofSeveral: [Key: Feed] = [:]
    private var byLog: [ObjectIdentifier: Feed] = [:]

    var all: some Collection<Feed> { byLog.values }

    subscript(log: FanoutLog) -> Feed? { byLog[ObjectIdentifier(log)] }

    /// The feed of some topics and of a kind; topics must be sorted by name.
    subscript(topics: [Topic], kind: Feed.Kind) -> Feed? {
        guard topics.count == 1, let topic = topics.first else { return ofSeveral[key(of: topics, kind)] }
        return topic.feeds.first { $0.kind == kind && $0.topics.count == 1 && $0.topics[0] === topic }
    }

    private func key(of topics: [Topic], _ kind: Feed.Kind) -> Key { Key(kind: kind, channels: topics.map(\.name)) }

    mutating func insert(_ feed: Feed) {
        if feed.topics.count > 1 { ofSeveral[key(of: feed.topics, feed.kind)] = feed }
        byLog[ObjectIdentifier(feed.log)] = feed
    }

    /// Removes a feed; says whether it was there.
    mutating func remove(_ feed: Feed) -> Bool {
        guard byLog.removeValue(forKey: ObjectIdentifier(feed.log)) != nil else { return false }
        if feed.topics.count > 1 { ofSeveral[key(of: feed.topics, feed.kind)] = nil }
        return true
    }
}
