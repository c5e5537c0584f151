public import Broker

// Who reads what: a topic for each channel somebody here wants, a feed for each way in which it is read.
extension Hub {
    /// The topic of a channel; the first to ask makes the node watch it.
    func topic(for name: ChannelName) -> Topic {
        if let known = topics[name] { return known }
        let topic = makeTopic(name)
        outlet.watch(name)
        return topic
    }

    func makeTopic(_ name: ChannelName) -> Topic {
        let topic = Topic(name, hasPresence: !name.isPattern && outlet.hasPresence(name))
        topics[name] = topic
        metrics.topics.set(topics.count)
        return topic
    }

    /// Where a channel stands that is open here.
    public func head(of name: ChannelName) -> Position? {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return nil }
        return topic.lastReported
    }

    /// Lets go of a topic nobody needs.
    func releaseIfUnused(_ topic: Topic) {
        let isUsed =
            !topic.feeds.isEmpty || !topic.joins.isEmpty || !topic.telling.isEmpty || !topic.following.isEmpty
            || !topic.polls.isEmpty || !topic.patterns.isEmpty
        guard !isUsed, topics[topic.name] === topic else { return }
        topics[topic.name] = nil
        dropWaiting(topic)
        metrics.topics.set(topics.count)
        if !topic.isPattern { outlet.count(topic.name, subscribers: 0) }
        releaseMembers(of: topic)
        outlet.unwatch(topic.name)
    }

    /// The feed of some topics in an encoding that is not compressed; topics must be sorted by name.
    func feed(for topics: Few<Topic>, encoding: Encoding, _ pace: Pace) -> Feed {
        feed(for: topics, Feed.Kind(encoding, pace: pace))
    }

    /// The feed of some topics and of a kind; topics must be sorted by name.
    func feed(for topics: Few<Topic>, _ kind: Feed.Kind) -> Feed {
        assert(!topics.isEmpty && topics.allSatisfy(\.isOpen), "a feed is of channels that stand somewhere")
        if let known = feeds[topics, kind] { return known }
        var (policy, window) = outlet.policy(of: topics[0].name)
        // One log of several channels has no single gap to tell; its readers resume from their cursor instead.
        if topics.count > 1 || topics[0].isPattern { policy = .disconnect }
        let feed = Feed(kind: kind, topics: topics, windowBytesMax: window, policy: policy)
        if kind.encoding.isCompressible { beginCompressing(feed) }
        beginPacing(feed)
        pacePatterns(of: feed)
        if topics.count == 1 { feed.begin(at: feed.standing(in: topics[0])) }
        feeds.insert(feed)
        for topic in topics { topic.feeds.append(feed) }
        for pattern in topics where pattern.isPattern {
            for member in pattern.members.values where !feed.has(member) { member.feeds.append(feed) }
        }
        return feed
    }

    func releaseIfUnread(_ feed: Feed) {
        guard feed.members.isEmpty, feeds.remove(feed) else { return }
        uncount(feed)
        if let coder = feed.coder { giveBackWindow(of: coder) }
        dropPatternPacer(of: feed)
        for pattern in feed.topics where pattern.isPattern {
            for member in pattern.members.values { member.feeds.removeAll { $0 === feed } }
        }
        for topic in feed.topics {
            topic.feeds.removeAll { $0 === feed }
            if topic.isPaced { endPacing(topic, feed.kind.pace) }
            releaseIfUnused(topic)
        }
        useRoom(of: feed)
    }

    /// All feeds that somebody reads, each once.
    var allFeeds: [Feed] {
        topics.values.flatMap { topic in topic.feeds.filter { $0.topics[0] === topic } }
    }

    // MARK: Subscriptions

    /// Who a member of a feed is.
    public func reader(_ member: SubscriptionSlot) -> ClientSlot { subscriptions[member].pointee.client }

    func subscribe(_ slot: ClientSlot, to feed: Feed) {
        let client = outlet.client(at: slot)
        assert(
            client.pointee.isOpen && client.pointee.encoding?.understands(feed.encoding) == true,
            "a reader understands its feed"
        )
        if let checksum = feed.coder?.checksum { bodySums.enter(slot, checksum) }
        if feed.topics.contains(where: \.isPattern) { client.pointee.hasPatterns = true }
        client.pointee.firstSubscription = feed.add(
            client: slot,
            next: client.pointee.firstSubscription,
            to: &subscriptions
        )
        noteAhead(client.pointee.firstSubscription, of: feed)
        client.pointee.subscriptionCount += 1
        metrics.subscriptions.set(subscriptions.count)
        for topic in feed.topics {
            changeCount(of: topic, by: 1)
            if topic.hasPresence { enter(topic, slot) }
        }
    }

    /// Whether a client reads a channel, waits for it, or is being told what it missed of it.
    public func isSubscribed(_ slot: ClientSlot, to channel: ChannelName) -> Bool {
        if topics[channel]?.partAsked(by: outlet.id(of: slot)) != nil { return true }
        var next = outlet.client(at: slot).pointee.firstSubscription
        while next != SubscriptionSlot.none {
            if feeds[subscriptions[next].pointee.log]?.isOf(channel) == true { return true }
            next = subscriptions[next].pointee.next
        }
        return false
    }

    /// A client no longer wants one channel. Says whether it had it, or was about to have it.
    public func unsubscribe(_ slot: ClientSlot, from channel: ChannelName) -> Bool {
        guard endSubscription(slot, to: channel) || cancelJoin(slot, of: channel) else { return false }
        forgetSubscription(slot, to: channel)
        return true
    }

    /// Channels that a client reads, or is about to.
    public func channels(of slot: ClientSlot) -> [ChannelName] {
        let client = outlet.client(at: slot)
        var names: [ChannelName] = []
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log] { names += feed.topics.map(\.name) }
            next = reader.pointee.next
        }
        guard client.pointee.joinCount > 0 else { return names }
        let id = outlet.id(of: slot)
        return names + topics.values.filter { $0.partAsked(by: id) != nil }.map(\.name)
    }

    /// Ends the subscription to one channel of a client that has it; says whether it had.
    func endSubscription(_ slot: ClientSlot, to channel: ChannelName) -> Bool {
        let client = outlet.client(at: slot)
        var previous = SubscriptionSlot.none
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log], feed.isOf(channel) {
                if feed.topics.count > 1 {
                    separate(slot, from: feed, channel)
                    return true
                }
                if client.pointee.unfinished == next { finishFrame(slot) }
                client.pointee.outbox?.dropReplays(of: channel)
                if feed.topics[0].hasPresence { leave(feed.topics[0], slot, .clean) }
                let following = reader.pointee.next
                if previous == SubscriptionSlot.none {
                    client.pointee.firstSubscription = following
                } else {
                    subscriptions[previous].pointee.next = following
                }
                remove(next, from: feed)
                client.pointee.subscriptionCount -= 1
                return true
            }
            previous = next
            next = reader.pointee.next
        }
        return false
    }

    /// Ends all subscriptions of a client that is sent nothing more of them.
    public func unsubscribeAll(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        var next = client.pointee.firstSubscription
        client.pointee.firstSubscription = SubscriptionSlot.none
        client.pointee.unfinished = SubscriptionSlot.none
        client.pointee.subscriptionCount = 0
        while next != SubscriptionSlot.none {
            let following = subscriptions[next].pointee.next
            if let feed = feeds[subscriptions[next].pointee.log] { remove(next, from: feed) }
            next = following
        }
    }

    func remove(_ subscription: SubscriptionSlot, from feed: Feed) {
        forgetAhead(subscription, of: feed)
        feed.remove(subscription, from: &subscriptions)
        metrics.subscriptions.set(subscriptions.count)
        for topic in feed.topics { changeCount(of: topic, by: -1) }
        releaseIfUnread(feed)
    }

    // MARK: Counts

    func changeCount(of topic: Topic, by amount: Int) {
        // Who reads a pattern is not counted among the subscribers of each channel that it stands for.
        if topic.isPattern { return }
        topic.subscribers += amount
        assert(topic.subscribers >= 0, "nobody leaves who did not come")
        guard !topic.isCountDirty else { return }
        topic.isCountDirty = true
        dirtyCounts.append(topic)
    }

    /// Tells how many subscribers each channel has whose count changed in this turn.
    public func tellCounts() {
        for topic in dirtyCounts {
            topic.isCountDirty = false
            if topics[topic.name] === topic { outlet.count(topic.name, subscribers: topic.subscribers) }
        }
        dirtyCounts.removeAll(keepingCapacity: true)
    }
}
