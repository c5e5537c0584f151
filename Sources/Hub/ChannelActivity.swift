public import Broker

/// What was going on in one channel within some time.
public struct ChannelActivity: Sendable, Equatable {
    /// Which channel.
    public let channel: ChannelName

    /// Publications, those without a position among them.
    public var publications: Int

    /// What they were to bring: one for each of their readers.
    public var deliveries: Int

    /// Makes one.
    public init(channel: ChannelName, publications: Int, deliveries: Int) {
        (self.channel, self.publications, self.deliveries) = (channel, publications, deliveries)
    }

    /// The busiest of several reactors' lists, by deliveries and then by publications. Each reactor has readers of its own, and sees all
    /// publications of their channels.
    public static func busiest(of lists: [[ChannelActivity]], countMax: Int) -> [ChannelActivity] {
        var sums: [ChannelName: ChannelActivity] = [:]
        for each in lists.joined() {
            sums[each.channel, default: ChannelActivity(channel: each.channel, publications: 0, deliveries: 0)].add(
                each
            )
        }
        return Array(sums.values.sorted { $1.isLess(than: $0) }.prefix(countMax))
    }

    private mutating func add(_ other: ChannelActivity) {
        publications = max(publications, other.publications)
        deliveries += other.deliveries
    }

    private func isLess(than other: ChannelActivity) -> Bool {
        (deliveries, publications, other.channel.text) < (other.deliveries, other.publications, channel.text)
    }
}

/// Which channels of one reactor are busy, counted only while somebody wants to know.
///
/// Thread: owned by one reactor. What it costs is a comparison for each publication, and while it counts an addition.
struct ActivityCount {
    /// Channels that are counted within one stretch of time: some 50 ns each when they are looked at. Those beyond are not: who is busy
    /// is among the first that something is published to.
    private static let topicsMax = 4_096

    /// Whether somebody wants to know.
    var isCounting = false

    private var topics: [Topic] = []

    /// Something is about to be sent to so many readers of a channel.
    mutating func note(_ topic: Topic) {
        // That somebody looks is not what keeps a node busy.
        if topic.name.isForOperators { return }
        if topic.recentPublications == 0 {
            guard topics.count < Self.topicsMax else { return }
            topics.append(topic)
        }
        topic.recentPublications += 1
        let deliveries = topic.feeds.reduce(topic.polls.count) { $0 + $1.members.count }
        topic.recentDeliveries = UInt32(clamping: Int(topic.recentDeliveries) + deliveries)
    }

    /// The busiest since it was asked last.
    mutating func take(countMax: Int) -> [ChannelActivity] {
        let all = topics.map { topic in
            ChannelActivity(
                channel: topic.name,
                publications: Int(topic.recentPublications),
                deliveries: Int(topic.recentDeliveries)
            )
        }
        for topic in topics { (topic.recentPublications, topic.recentDeliveries) = (0, 0) }
        topics.removeAll(keepingCapacity: topics.count <= 256)
        return ChannelActivity.busiest(of: [all], countMax: countMax)
    }
}

extension Hub {
    /// Says whether somebody wants to know which channels are busy, and returns those that were since it was asked last.
    public func takeBusiest(countMax: Int, isWatched: Bool) -> [ChannelActivity] {
        guard isWatched || activity.isCounting else { return [] }
        activity.isCounting = isWatched
        return activity.take(countMax: isWatched ? countMax : 0)
    }
}
