internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// The topic of a channel; the first to ask makes the node watch it.
    func topic(for name: ChannelName) -> Topic {
        if let known = topics[name] { return known }
        let topic = Topic(name, hasPresence: configuration.hasPresence(name))
        topics[name] = topic
        metrics.topics.set(topics.count)
        uplink.post(.watch(name, reactor: number))
        return topic
    }

    /// Lets go of a topic nobody needs.
    func releaseIfUnused(_ topic: Topic) {
        let isUsed = !topic.feeds.isEmpty || !topic.joins.isEmpty || !topic.telling.isEmpty || !topic.polls.isEmpty
        guard !isUsed, topics[topic.name] === topic else { return }
        topics[topic.name] = nil
        dropWaiting(topic)
        metrics.topics.set(topics.count)
        uplink.post(.count(topic.name, reactor: number, subscribers: 0))
        uplink.post(.unwatch(topic.name, reactor: number))
    }

    /// The feed of some topics in an encoding; topics must be sorted by name.
    func feed(for topics: [Topic], encoding: Encoding) -> Feed {
        let key = Feed.Key(encoding: encoding, channels: topics.map(\.name))
        if let known = feeds[key] { return known }
        var (policy, window) = configuration.policy(of: topics[0].name)
        // One log of several channels has no single gap to tell; its readers resume from their cursor instead.
        if topics.count > 1 { policy = .disconnect }
        let feed = Feed(key: key, topics: topics, log: FanoutLog(windowBytesMax: window, policy: policy))
        if topics.count == 1 { feed.log.begin(at: topics[0].last) }
        feeds[key] = feed
        feedsByLog[ObjectIdentifier(feed.log)] = feed
        for topic in topics { topic.feeds.append(feed) }
        return feed
    }

    func feed(of log: FanoutLog) -> Feed? { feedsByLog[ObjectIdentifier(log)] }

    private func releaseIfUnread(_ feed: Feed) {
        guard feed.log.members.isEmpty, feeds[feed.key] === feed else { return }
        feeds[feed.key] = nil
        held.logBytes -= feed.countedBytes
        feedsByLog[ObjectIdentifier(feed.log)] = nil
        for topic in feed.topics {
            topic.feeds.removeAll { $0 === feed }
            releaseIfUnused(topic)
        }
        useRoom(in: feed.topics)
    }

    // MARK: Subscriptions

    func subscribe(_ slot: Slot, to feed: Feed) {
        let connection = connections[live: slot]
        let next = connection.pointee.client.firstSubscription
        connection.pointee.client.firstSubscription = feed.log.add(
            client: ClientSlot(slot),
            next: next,
            to: &subscriptions
        )
        connection.pointee.client.subscriptionCount += 1
        metrics.subscriptions.set(subscriptions.count)
        for topic in feed.topics {
            changeCount(of: topic, by: 1)
            if topic.hasPresence { enter(topic, slot) }
        }
    }

    /// Ends the subscription to one channel of a connection that has it; says whether it had.
    func unsubscribe(_ slot: Slot, from channel: ChannelName) -> Bool {
        let connection = connections[live: slot]
        var previous = SubscriptionSlot.none
        var next = connection.pointee.client.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feed(of: reader.pointee.log), feed.key.channels == [channel] {
                if connection.pointee.client.unfinished == next { finishFrame(slot) }
                connection.pointee.client.outbox?.dropReplays(of: channel)
                if feed.topics[0].hasPresence { leave(feed.topics[0], slot, .clean) }
                let following = reader.pointee.next
                if previous == SubscriptionSlot.none {
                    connection.pointee.client.firstSubscription = following
                } else {
                    subscriptions[previous].pointee.next = following
                }
                remove(next, from: feed)
                connection.pointee.client.subscriptionCount -= 1
                return true
            }
            previous = next
            next = reader.pointee.next
        }
        return false
    }

    func unsubscribeAll(_ slot: Slot) {
        let connection = connections[live: slot]
        var next = connection.pointee.client.firstSubscription
        connection.pointee.client.firstSubscription = SubscriptionSlot.none
        connection.pointee.client.unfinished = SubscriptionSlot.none
        connection.pointee.client.subscriptionCount = 0
        while next != SubscriptionSlot.none {
            let following = subscriptions[next].pointee.next
            if let feed = feed(of: subscriptions[next].pointee.log) { remove(next, from: feed) }
            next = following
        }
    }

    func isSubscribed(_ slot: Slot, to channel: ChannelName) -> Bool {
        var next = connections[live: slot].pointee.client.firstSubscription
        while next != SubscriptionSlot.none {
            if feed(of: subscriptions[next].pointee.log)?.key.channels == [channel] { return true }
            next = subscriptions[next].pointee.next
        }
        return false
    }

    private func remove(_ subscription: SubscriptionSlot, from feed: Feed) {
        feed.log.remove(subscription, from: &subscriptions)
        metrics.subscriptions.set(subscriptions.count)
        for topic in feed.topics { changeCount(of: topic, by: -1) }
        releaseIfUnread(feed)
    }

    // MARK: Counts

    func changeCount(of topic: Topic, by amount: Int) {
        topic.subscribers += amount
        guard !topic.isCountDirty else { return }
        topic.isCountDirty = true
        dirtyCounts.append(topic)
    }

    /// Tells the uplink how many subscribers each channel has whose count changed in this turn.
    func tellCounts() {
        for topic in dirtyCounts {
            topic.isCountDirty = false
            if topics[topic.name] === topic {
                uplink.post(.count(topic.name, reactor: number, subscribers: topic.subscribers))
            }
        }
        dirtyCounts.removeAll(keepingCapacity: true)
    }

    // MARK: What the uplink reports

    func opened(_ name: ChannelName, head: Position) {
        guard let topic = topics[name] else { return }
        if topic.isOpen {
            // Let go of and asked for again before the first answer, which may be older than what was missed between.
            if head > topic.last { catchUp(topic) }
            return
        }
        topic.isOpen = true
        topic.last = head
        advanceJoins(of: topic) { _ in }
    }

    func take(_ publication: Publication, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        metrics.publications.add()
        guard publication.previous == topic.lastReported else {
            if publication.position > topic.lastReported {
                writeWaiting(topic)
                catchUp(topic)
            }
            return
        }
        if topic.isFull || !topic.waiting.isEmpty {
            wait(publication, in: topic)
        } else {
            append(publication, to: topic)
        }
    }

    func take(_ payload: Payload, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen else { return }
        metrics.publications.add()
        guard !topic.isFull else { return metrics.ephemeralsDropped.add() }
        for feed in topic.feeds {
            frame.removeAll()
            encoder.append(
                payload,
                position: nil,
                channel: name,
                cursor: nil,
                as: feed.key.encoding,
                to: &frame
            )
            feed.log.append(frame.bytes, position: nil)
            enqueue(feed)
        }
        for poll in topic.polls.values { poll.take(payload, at: nil, in: topic, due: &duePolls) }
    }

    func takeGap(in name: ChannelName, from: Position, to position: Position) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        writeWaiting(topic)
        reportGap(in: topic, from: from, to: position)
    }

    /// Reports were dropped on their way here; what they said is asked for.
    func moved(_ name: ChannelName, to head: Position) {
        guard let topic = topics[name], topic.isOpen, topic.lastReported != head else { return }
        writeWaiting(topic)
        catchUp(topic)
    }

    func recovered(_ name: ChannelName, _ page: HistoryPage) {
        guard let topic = topics[name], topic.isOpen else { return }
        writeWaiting(topic)
        if topic.isCatchingUp, page.since == topic.last { endCatchUp(topic, page) }
        // Reports were dropped, and that is told later than this.
        if page.head != topic.last { catchUp(topic) }
        if let since = page.since {
            topic.questionsAhead.remove(since)
            if let underWay = topic.recoveryUnderWay, since <= underWay { topic.recoveryUnderWay = nil }
        }
        // Whoever began now would be sent once more what the catching up brings.
        if topic.isCatchingUp { return }
        let shared = SharedPage(byteCount: page.publications.reduce(0) { $0 + $1.payload.bytes.count }, held)
        advanceJoins(of: topic) { part in
            guard part.state == .recovering, let since = part.since else { return }
            // What was asked for others answers those whose position it knows.
            guard page.covers(since) else { return advance(part) }
            let missed = page.publications.drop { $0.position <= since }
            part.take(missed, of: shared, hasMore: page.hasMore, roomBytes: replayRoom(of: part.join))
            part.isRecovered = page.isComplete(after: since)
            part.position = part.isRecovered == true ? since : missed.first?.previous ?? topic.last
            part.becomeReady()
        }
    }

    private func catchUp(_ topic: Topic) {
        guard !topic.isCatchingUp else { return }
        topic.isCatchingUp = true
        askForMissed(topic)
    }

    private func askForMissed(_ topic: Topic) {
        topic.catchesUpLater = topic.isFull
        if topic.catchesUpLater { return }
        uplink.post(.recover(topic.name, since: topic.last, reactor: number))
    }

    // MARK: Channels that come faster than they go

    /// Keeps a publication until the logs have room, so that nobody else's waits behind it. What has no room here, either, is
    /// caught up with later, and told as a gap where it is no longer remembered by then.
    private func wait(_ publication: Publication, in topic: Topic) {
        let bytes = publication.payload.bytes.count + FanoutLog.frameOverheadBytes
        guard held.waitingBytes + bytes <= limits.waitingBytesMax / configuration.reactorCount else {
            dropWaiting(topic)
            return catchUp(topic)
        }
        if topic.waiting.isEmpty { metrics.channelsFull.add() }
        topic.waiting.append(publication)
        topic.waitingBytes += bytes
        held.waitingBytes += bytes
    }

    /// Goes on with topics whose logs were full and are not any more.
    func useRoom(in topics: [Topic]) {
        for topic in topics {
            while !topic.waiting.isEmpty, !topic.isFull { writeFirstWaiting(topic) }
            guard topic.catchesUpLater, !topic.isFull else { continue }
            topic.catchesUpLater = false
            uplink.post(.recover(topic.name, since: topic.last, reactor: number))
        }
    }

    /// Writes all that waits: what else is reported of a channel comes behind it.
    private func writeWaiting(_ topic: Topic) {
        while !topic.waiting.isEmpty { writeFirstWaiting(topic) }
    }

    private func writeFirstWaiting(_ topic: Topic) {
        guard let publication = topic.waiting.popFirst() else { return }
        let bytes = publication.payload.bytes.count + FanoutLog.frameOverheadBytes
        topic.waitingBytes -= bytes
        held.waitingBytes -= bytes
        append(publication, to: topic)
    }

    private func dropWaiting(_ topic: Topic) {
        held.waitingBytes -= topic.waitingBytes
        topic.waitingBytes = 0
        topic.waiting.removeAll()
    }

    private func endCatchUp(_ topic: Topic, _ page: HistoryPage) {
        for publication in page.publications where publication.position > topic.last {
            if publication.previous != topic.last { reportGap(in: topic, from: topic.last, to: publication.previous) }
            append(publication, to: topic)
        }
        if page.hasMore { return askForMissed(topic) }
        topic.isCatchingUp = false
        topic.catchesUpLater = false
        if page.head != topic.last { reportGap(in: topic, from: topic.last, to: page.head) }
    }

    private func append(_ publication: Publication, to topic: Topic) {
        topic.last = publication.position
        for feed in topic.feeds {
            frame.removeAll()
            encoder.append(
                publication.payload,
                position: publication.position,
                channel: topic.name,
                cursor: feed.key.encoding.hasCursors ? feed.cursor : nil,
                as: feed.key.encoding,
                to: &frame
            )
            feed.log.append(frame.bytes, position: publication.position)
            feed.waitingMilliseconds.append(publication.position.milliseconds)
            enqueue(feed)
        }
        for part in topic.joins.values where part.state == .ready && part.since != nil {
            part.add(publication, roomBytes: replayRoom(of: part.join))
        }
        for poll in topic.polls.values {
            poll.take(publication.payload, at: publication.position, in: topic, due: &duePolls)
        }
    }

    private func reportGap(in topic: Topic, from: Position, to position: Position) {
        topic.last = position
        for feed in topic.feeds where feed.key.encoding.hasControlMessages {
            frame.removeAll()
            let cursor = feed.key.encoding.hasCursors ? feed.cursor(topic, at: position) : nil
            appendGap(topic, from: from, to: position, cursor: cursor, as: feed.key.encoding, to: &frame)
            feed.log.append(frame.bytes, position: position)
            enqueue(feed)
        }
        for part in topic.joins.values where part.state == .ready && part.since != nil {
            part.lose(upTo: position)
        }
        for poll in topic.polls.values { poll.takeGap(from: from, to: position, in: topic, due: &duePolls) }
    }

    func appendGap(
        _ topic: Topic,
        from: Position,
        to position: Position,
        cursor: String?,
        as encoding: Encoding,
        to output: inout ByteBuffer
    ) {
        let gap = ControlMessage.gap(channel: topic.name.text, from: from.numbers, to: position.numbers)
        encoder.append(gap, cursor: cursor, as: encoding, to: &output)
    }
}
