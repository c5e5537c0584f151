internal import Broker
internal import Wire

// Readers that want to be told only so often, or are by a rule: what comes meanwhile is held back, and told them all at once. The channel
// holds it back for all readers of the same pace together, so each of their logs gets the same batch at the same time.
extension Hub {
    // MARK: Who is paced

    /// The rate at which a channel is read by who asked for a pace; `nil` where it is told whenever there is something.
    func rate(of topic: Topic, _ asked: Pace) -> MaxRate? {
        let rule = topic.isPattern ? PaceRule(rateMax: topic.rateMax) : outlet.pace(of: topic.name)
        return rule.rate(of: asked)
    }

    /// What a client is told of how often it is told of channels that it asks for at once: the slowest counts that it reads together with
    /// them.
    func rateTold(_ slot: ClientSlot, of asked: Few<Topic>, _ pace: Pace) -> MaxRate? {
        var rates = [rate(of: asked, pace)]
        var next = outlet.client(at: slot).pointee.firstSubscription
        let mayOverlap = outlet.client(at: slot).pointee.hasPatterns || asked.contains(where: \.isPattern)
        while mayOverlap, next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log], feed.overlaps(asked) {
                rates.append(rate(of: feed.topics, feed.kind.pace))
            }
            next = reader.pointee.next
        }
        return rates.compactMap(\.self).min()
    }

    func merging(in topic: Topic) -> HeldBack.Merging {
        if outlet.isKeyed(topic.name) { return .allButNewestOfKey(countMax: limits.keysMax) }
        if outlet.pace(of: topic.name).tellsNewestOnly { return .allButNewest }
        return .nothing(bytesMax: outlet.policy(of: topic.name).windowBytesMax)
    }

    /// A feed is made of some topics: has them hold publications back from it, if its readers want that or rules do.
    func beginPacing(_ feed: Feed) {
        guard !feed.hasPatterns else { return }
        for topic in feed.topics where topic.pacer(of: feed.kind.pace) == nil { beginPacing(topic, feed.kind.pace) }
    }

    private func beginPacing(_ topic: Topic, _ asked: Pace) {
        guard let rate = rate(of: topic, asked) else { return }
        topic.pacers.append(Pacer(topic: topic, asked: asked, rate: rate, merging: merging(in: topic)))
        metrics.pacers.add()
    }

    /// A feed is gone: nothing is held back for it alone.
    func endPacing(_ topic: Topic, _ asked: Pace) {
        guard let pacer = topic.pacer(of: asked), !topic.feeds.contains(where: { $0.pacer(of: topic) === pacer }) else {
            return
        }
        drop(pacer)
    }

    private func drop(_ pacer: Pacer) {
        pacer.isGone = true
        pacer.topic.pacers.removeAll { $0 === pacer }
        held.pacedBytes -= pacer.held.byteCount
        metrics.pacers.add(-1)
        for join in pacer.takeWaiters() { joins.becomeReady(join) }
    }

    /// The rules are others now: so may be how often readers are told. Those that are not paced any more are told what was held back.
    public func pacesChanged() {
        patternPacesChanged()
        for topic in Array(topics.values) where !topic.isPattern {
            for pacer in topic.pacers {
                if let rate = rate(of: topic, pacer.asked) {
                    pacer.rate = rate
                    pacer.merging = merging(in: topic)
                } else {
                    release(pacer)
                    drop(pacer)
                }
            }
            for feed in topic.feeds where feed.isOf(topic.name) { beginPacing(feed) }
        }
    }

    // MARK: What is held back

    /// Holds a publication back from the readers that are told later.
    func hold(_ publication: Publication, of topic: Topic) {
        for pacer in topic.pacers { hold(by: pacer) { $0.add(publication, pacer.merging) } }
    }

    func hold(_ payload: Payload, of topic: Topic) {
        for pacer in topic.pacers { hold(by: pacer) { $0.add(payload, pacer.merging) } }
    }

    func holdGap(of topic: Topic, from: Position, to position: Position) {
        for pacer in topic.pacers { hold(by: pacer) { $0.addGap(from: from, to: position) } }
    }

    private func hold(by pacer: Pacer, _ change: (inout HeldBack) -> Void) {
        let before = pacer.held.byteCount
        change(&pacer.held)
        held.pacedBytes += pacer.held.byteCount - before
        if let due = pacer.becomeDue(now: outlet.nowMilliseconds) { pacing.add(.pacer(pacer), at: due) }
        guard held.pacedBytes > limits.pacedBytesMax / reactorCount else { return }
        metrics.paceHurries.add()
        release(pacer)
    }

    // MARK: Batches

    /// When something is due next, in milliseconds of a clock that never jumps.
    public var nextPaceMilliseconds: UInt64? { pacing.nextMilliseconds }

    /// Tells readers what was held back from them and is due, for one slice of time. Says whether some are left.
    public func releaseDue() -> Bool {
        let now = outlet.nowMilliseconds
        guard let next = pacing.nextMilliseconds, next <= now else { return false }
        let end = sliceEnd
        while let target = pacing.popDue(now) {
            switch target {
            // It may have been told early, and be due later again.
            case .pacer(let pacer): if !pacer.isGone, let due = pacer.dueMilliseconds, due <= now { release(pacer) }
            case .feed(let feed): releaseIfDue(feed, now: now)
            case .poll(let poll): wake(poll)
            }
            if outlet.clockNanoseconds >= end { break }
        }
        return pacing.nextMilliseconds.map { $0 <= now } ?? false
    }

    /// Tells the readers of a pace all that is held back from them.
    private func release(_ pacer: Pacer) {
        let topic = pacer.topic
        held.pacedBytes -= pacer.held.byteCount
        metrics.paceLeftOut.add(pacer.held.leftOutCount)
        // What is gone begins where a reader stands: one that stands further than the others is told by itself, and goes on behind the batch.
        let whole = pacer.held
        let alone = whole.tellsGap ? pacer.takeAhead() : []
        let entries = pacer.held.take(behind: pacer.released)
        pacer.noteTold(now: outlet.nowMilliseconds)
        defer { for join in pacer.takeWaiters() { joins.becomeReady(join) } }
        guard !entries.isEmpty else { return alone.forEach { begin($0.member) } }
        metrics.paceBatches.add()
        for room in topic.feeds where room.stage == .waiting && room.pacer(of: topic) === pacer { admit(from: room) }
        let feeds = topic.feeds.filter { $0.pacer(of: topic) === pacer }
        var ahead = pacer.takeAhead()
        for entry in entries {
            while let next = ahead.first, next.number <= entry.number {
                ahead = ahead.dropFirst()
                begin(next.member)
            }
            tell(entry.content, of: topic, by: pacer, to: feeds)
        }
        for each in ahead { begin(each.member) }
        for each in alone { begin(each.member) }
        for each in alone {
            guard let feed = feeds.first(where: { $0 === subscriptions[each.member].pointee.log }) else { continue }
            tell(whole.rest(from: each.number, behind: each.position), of: feed, to: each.member)
        }
        for feed in feeds { enqueue(feed) }
    }

    /// A reader that was told more than its feed had told has no less now than that tells next.
    func begin(_ ahead: SubscriptionSlot) {
        let reader = subscriptions[ahead]
        let log = reader.pointee.log
        reader.pointee.flags.remove(.isAhead)
        reader.pointee.offset = log.end
        if let checksum = feeds[log]?.coder?.checksum { bodySums.enter(reader.pointee.client, checksum) }
    }

    private func tell(_ content: HeldBack.Content, of topic: Topic, by pacer: Pacer, to feeds: Few<Feed>) {
        switch content {
        case .publication(let publication):
            pacer.released = publication.position
            for feed in feeds { put(publication, of: topic, into: feed) }
        case .passing(let payload):
            for feed in feeds { put(payload, of: topic, into: feed) }
        case .gap(let from, let position):
            pacer.released = position
            for feed in feeds { putGap(of: topic, from: from, to: position, into: feed) }
        }
    }

    // MARK: Readers that come and go

    /// Notes that a reader joins a feed of one channel that was told more of it than the feed has told. Of several channels nobody is: see
    /// `mustWaitForPace`.
    func noteAhead(_ member: SubscriptionSlot, of feed: Feed) {
        if feed.isHoldingBack {
            subscriptions[member].pointee.flags.insert(.isAhead)
            feed.patternPacer?.add(ahead: member)
            return
        }
        guard feed.topics.count == 1, let pacer = feed.pacer(of: feed.topics[0]), !pacer.held.isEmpty else { return }
        subscriptions[member].pointee.flags.insert(.isAhead)
        pacer.add(ahead: member)
    }

    /// A reader leaves its feed.
    func forgetAhead(_ member: SubscriptionSlot, of feed: Feed) {
        guard subscriptions[member].pointee.flags.contains(.isAhead) else { return }
        subscriptions[member].pointee.flags.remove(.isAhead)
        feed.patternPacer?.remove(ahead: member)
        feed.pacer(of: feed.topics[0])?.remove(ahead: member)
    }

    /// Tells a reader that goes on with another feed what is held back from it.
    func tellHeld(of feed: Feed, to member: SubscriptionSlot) {
        for held in feed.patternPacer?.rest(of: member) ?? [] {
            held.bytes.withUnsafeBytes { writeInTurn(subscriptions[member].pointee.client, $0, of: feed.topics) }
            metrics.deliveries.add()
        }
        guard feed.topics.count == 1, let pacer = feed.pacer(of: feed.topics[0]), !pacer.held.isEmpty else { return }
        let ahead = pacer.ahead.first { $0.member == member }
        tell(pacer.held.rest(from: ahead?.number ?? 0, behind: ahead?.position ?? pacer.released), of: feed, to: member)
    }

    /// Tells one reader of a feed of one channel something.
    private func tell(_ entries: [HeldBack.Entry], of feed: Feed, to member: SubscriptionSlot) {
        output.removeAll()
        for entry in entries { append(entry.content, of: feed, to: &output) }
        writeInTurn(subscriptions[member].pointee.client, output.bytes, of: feed.topics)
    }

    private func append(_ content: HeldBack.Content, of feed: Feed, to buffer: inout ByteBuffer) {
        let (topic, encoding) = (feed.topics[0], feed.encoding)
        func cursor(at position: Position) -> String? { encoding.hasCursors ? feed.cursor(topic, at: position) : nil }
        switch content {
        case .publication(let publication):
            let position = publication.position
            encoder.append(
                publication.payload,
                position: position,
                channel: topic.name,
                cursor: cursor(at: position),
                as: encoding,
                to: &buffer
            )
        case .passing(let payload):
            encoder.append(payload, position: nil, channel: topic.name, cursor: nil, as: encoding, to: &buffer)
        case .gap(let from, let position):
            guard encoding.hasControlMessages else { return }
            let cursor = cursor(at: position)
            appendGap(topic, from: from, to: position, cursor: cursor, as: encoding, to: &buffer)
        }
        metrics.deliveries.add()
    }

    /// Where a reader stands that has all of its log.
    func standing(of member: SubscriptionSlot, in topic: Topic, _ feed: Feed) -> Position {
        let isAhead = subscriptions[member].pointee.flags.contains(.isAhead)
        let ahead = isAhead ? feed.pacer(of: topic)?.position(ofAhead: member) : nil
        return ahead ?? feed.standing(in: topic)
    }

    /// Whether a client that is to read several channels together stands further in one of them than those who do. What tells of one
    /// channel says where the client stands in all: so it waits until they have come to where it is, which takes no longer than its pace,
    /// and is then told up to there.
    func mustWaitForPace(_ join: Join) -> Bool {
        guard join.poll == nil, join.parts.count > 1, !join.parts.contains(where: \.topic.isPattern) else {
            return false
        }
        for part in join.parts {
            guard let pacer = part.topic.pacer(of: join.pace), !pacer.held.isEmpty else { continue }
            guard let since = part.since else {
                part.position = pacer.released
                continue
            }
            if since > pacer.released || part.position > pacer.released || pacer.held.hasGap {
                pacer.wait(join)
                return true
            }
        }
        for part in join.parts {
            guard let pacer = part.topic.pacer(of: join.pace), !pacer.held.isEmpty else { continue }
            part.leave(behind: pacer.released)
        }
        return false
    }
}
