internal import Broker

/// The feeds that somebody reads, found by what makes them the same and by their logs, which they are.
///
/// Thread: owned by one reactor. A feed of one channel is found among the few that the channel has, so only those of several have a table.
struct FeedTable {
    /// What makes two feeds of several channels the same; the channels are sorted.
    private struct Key: Hashable {
        let kind: Feed.Kind
        let channels: [ChannelName]
    }

    private var ofSeveral: [Key: Feed] = [:]

    /// The feed that a subscription's log is, while somebody reads it. All logs of a hub are feeds.
    subscript(log: FanoutLog) -> Feed? {
        let feed = unsafeDowncast(log, to: Feed.self)
        return feed.isRead ? feed : nil
    }

    /// The feed of some topics and of a kind; topics must be sorted by name.
    subscript(topics: Few<Topic>, kind: Feed.Kind) -> Feed? {
        guard topics.count == 1, let topic = topics.first else { return ofSeveral[key(of: topics, kind)] }
        return topic.feeds.first { $0.kind == kind && $0.topics.count == 1 && $0.topics[0] === topic }
    }

    private func key(of topics: Few<Topic>, _ kind: Feed.Kind) -> Key { Key(kind: kind, channels: topics.map(\.name)) }

    mutating func insert(_ feed: Feed) {
        if feed.topics.count > 1 { ofSeveral[key(of: feed.topics, feed.kind)] = feed }
        feed.isRead = true
    }

    /// Removes a feed; says whether it was there.
    mutating func remove(_ feed: Feed) -> Bool {
        guard feed.isRead else { return false }
        feed.isRead = false
        if feed.topics.count > 1 { ofSeveral[key(of: feed.topics, feed.kind)] = nil }
        return true
    }
}
