internal import Broker
internal import DequeModule

// Channels that are published to faster than they can be sent: their publications wait here, so that nobody else's wait behind
// them.
extension Hub {
    /// Keeps a publication until the logs have room, so that nobody else's waits behind it. What has no room here, either, is
    /// caught up with later, and told as a gap where it is no longer remembered by then.
    func wait(_ publication: Publication, in topic: Topic) {
        let bytes = publication.payload.bytes.count + FanoutLog.frameOverheadBytes
        guard held.waitingBytes + bytes <= limits.waitingBytesMax / reactorCount else {
            dropWaiting(topic)
            return catchUp(topic)
        }
        if topic.waiting.isEmpty { metrics.channelsFull.add() }
        topic.waiting.append(publication)
        topic.noteBehind()
        for feed in topic.feeds where feed.hasPatterns {
            if !feed.waiters.contains(where: { $0 === topic }) { feed.waiters.append(topic) }
        }
        topic.waitingBytes += bytes
        held.waitingBytes += bytes
    }

    /// Goes on with what waits for room in the log of a feed.
    func useRoom(of feed: Feed) {
        useRoom(in: feed.topics)
        guard !feed.waiters.isEmpty else { return }
        let waiters = feed.waiters
        feed.waiters = []
        useRoom(in: waiters)
        for topic in waiters where !topic.waiting.isEmpty || topic.catchesUpLater {
            if !feed.waiters.contains(where: { $0 === topic }) { feed.waiters.append(topic) }
        }
    }

    /// Goes on with topics whose logs were full and are not any more.
    func useRoom(in topics: some Collection<Topic>) {
        for topic in topics {
            while !topic.waiting.isEmpty, !topic.isFull { writeFirstWaiting(topic) }
            guard topic.catchesUpLater, !topic.isFull else { continue }
            topic.catchesUpLater = false
            outlet.recover(topic.name, since: topic.last)
        }
    }

    /// Writes all that waits: what else is reported of a channel comes behind it.
    func writeWaiting(_ topic: Topic) {
        while !topic.waiting.isEmpty { writeFirstWaiting(topic) }
    }

    private func writeFirstWaiting(_ topic: Topic) {
        guard let publication = topic.waiting.popFirst() else { return }
        let bytes = publication.payload.bytes.count + FanoutLog.frameOverheadBytes
        topic.waitingBytes -= bytes
        held.waitingBytes -= bytes
        topic.noteBehind()
        append(publication, to: topic)
    }

    func dropWaiting(_ topic: Topic) {
        held.waitingBytes -= topic.waitingBytes
        topic.waitingBytes = 0
        topic.waiting.removeAll()
        topic.noteBehind()
    }
}
