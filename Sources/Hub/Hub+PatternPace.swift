internal import Broker
internal import Wire

// Readers of patterns that want to be told only so often, or are by a rule: what comes meanwhile in any of their channels is held back, and
// told them all at once. The slowest of their channels counts: what tells of one channel says where its reader stands in all, so each of
// them is told in its turn.
extension Hub {
    /// How often the readers of some channels are told that read them together.
    func rate(of topics: some Sequence<Topic>, _ asked: Pace) -> MaxRate? {
        topics.lazy.compactMap { self.rate(of: $0, asked) }.min()
    }

    /// A channel was found by a pattern: it may be slower than the others.
    func noteRate(of topic: Topic, in pattern: Topic) {
        guard let rateMax = outlet.pace(of: topic.name).rateMax, pattern.rateMax.map({ rateMax < $0 }) ?? true else {
            return
        }
        pattern.rateMax = rateMax
        for feed in pattern.feeds { pacePatterns(of: feed) }
    }

    /// The rules are others now.
    func patternPacesChanged() {
        let patterns = topics.values.filter(\.isPattern)
        for pattern in patterns {
            pattern.rateMax = pattern.members.values.compactMap { outlet.pace(of: $0.name).rateMax }.min()
        }
        for pattern in patterns { for feed in pattern.feeds { pacePatterns(of: feed) } }
    }

    /// Has a feed hold back what is published, or no more, as its readers want or rules say now.
    func pacePatterns(of feed: Feed) {
        guard feed.hasPatterns else { return }
        guard let rate = rate(of: feed.topics, feed.kind.pace) else { return endPacingPatterns(of: feed) }
        if let pacer = feed.patternPacer {
            pacer.rate = rate
            return
        }
        feed.patternPacer = PatternPacer(rate: rate, standings: feed.topics.map(\.last))
        metrics.pacers.add()
        considerCompressing(feed)
    }

    private func endPacingPatterns(of feed: Feed) {
        guard let pacer = feed.patternPacer else { return }
        release(pacer, of: feed)
        dropPatternPacer(of: feed)
        considerCompressing(feed)
    }

    /// Nothing is held back for a feed any more.
    func dropPatternPacer(of feed: Feed) {
        guard let pacer = feed.patternPacer else { return }
        feed.patternPacer = nil
        held.pacedBytes -= pacer.byteCount
        metrics.pacers.add(-1)
    }

    // MARK: Batches

    /// What a newer publication of a channel replaces for readers of patterns that are told later.
    func mergingKey(of publication: Publication, in topic: Topic, _ feed: Feed) -> PatternPacer.Key? {
        guard feed.patternPacer != nil else { return nil }
        switch merging(in: topic) {
        case .nothing: return nil
        case .allButNewest: return PatternPacer.Key(topic: ObjectIdentifier(topic), key: nil)
        case .allButNewestOfKey:
            return PatternPacer.Key(topic: ObjectIdentifier(topic), key: publication.payload.key)
        }
    }

    /// Holds the message back that `frame` holds. What is more than half a window is told before its time: who has all of the log must not
    /// be too slow for a single batch.
    func hold(_ position: Position?, _ key: PatternPacer.Key?, of feed: Feed, by pacer: PatternPacer) {
        let before = pacer.byteCount
        pacer.add(frame.bytes, position: position, key: key)
        held.pacedBytes += pacer.byteCount - before
        if let due = pacer.becomeDue(now: outlet.nowMilliseconds) { pacing.add(.feed(feed), at: due) }
        guard pacer.byteCount > feed.windowBytesMax / 2 || held.pacedBytes > limits.pacedBytesMax / reactorCount else {
            return
        }
        metrics.paceHurries.add()
        release(pacer, of: feed)
    }

    /// Tells the readers of patterns what is held back from them, if it is time; it may have been told early, and be due later again.
    func releaseIfDue(_ feed: Feed, now: UInt64) {
        guard let pacer = feed.patternPacer, let due = pacer.dueMilliseconds, due <= now else { return }
        release(pacer, of: feed)
    }

    private func release(_ pacer: PatternPacer, of feed: Feed) {
        held.pacedBytes -= pacer.byteCount
        metrics.paceLeftOut.add(pacer.leftOutCount)
        let frames = pacer.take(now: outlet.nowMilliseconds, standings: feed.topics.map(\.last))
        guard !frames.isEmpty else { return }
        metrics.paceBatches.add()
        var ahead = pacer.takeAhead()
        for each in frames {
            while let next = ahead.first, next.number <= each.number {
                ahead = ahead.dropFirst()
                begin(next.member)
            }
            frame.removeAll()
            frame.append(each.bytes)
            append(each.position, to: feed)
        }
        for each in ahead { begin(each.member) }
        enqueue(feed)
    }
}
