public import Broker
internal import Wire

// Patterns: names that stand for all channels of a kind. Their readers have one log, into which what is published in each of these
// channels goes; so a reader of a thousand channels costs no more than one of one. Each channel keeps its own place all the same: it is
// a topic like any other, which the uplink finds.
extension Hub {
    /// A channel that a pattern stands for; `opened` says where it stands.
    public func found(_ name: ChannelName, by patternName: ChannelName) {
        guard let pattern = topics[patternName] else {
            // It was let go of meanwhile.
            if topics[name] == nil { outlet.unwatch(name) }
            return
        }
        // One that is new here may have been let go of while this was on its way: then the uplink was told so later than it said this.
        let topic = self.topic(for: name)
        guard pattern.members[name] == nil else { return }
        topic.join(pattern)
        if topic.isOpen { pattern.noteOpened(topic) }
        topic.feeds += pattern.feeds.filter { !$0.has(topic) }
        noteRate(of: topic, in: pattern)
        for part in pattern.joins.values { addMember(topic, by: part) }
        for part in pattern.telling.values { addMember(topic, by: part) }
    }

    /// A channel waits for what came before its newest publication.
    public func behind(_ name: ChannelName) { topics[name]?.isBehind = true }

    /// A pattern that nobody reads any more: its channels are let go of, if nobody has them otherwise.
    func releaseMembers(of pattern: Topic) {
        guard pattern.isPattern else { return }
        let members = pattern.members.values
        pattern.forgetMembers()
        for member in members {
            member.leave(pattern)
            releaseIfUnused(member)
        }
    }

    /// Patterns that a client reads, or is about to.
    public func patternCount(of slot: ClientSlot) -> Int {
        let client = outlet.client(at: slot)
        var count = joins.patternCount(of: outlet.id(of: slot))
        guard client.pointee.hasPatterns else { return count }
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            count += feeds[reader.pointee.log]?.topics.count(where: \.isPattern) ?? 0
            next = reader.pointee.next
        }
        return count
    }

    // MARK: Joins

    /// Comes to a pattern that is open: for a client that says until when it has everything, each of its channels is looked at.
    func expand(_ part: JoinPart) {
        let pattern = part.topic
        if part.since != nil, !part.isExpanded {
            part.isExpanded = true
            let members = pattern.members.values.sorted {
                $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8)
            }
            for member in members { addMember(member, by: part) }
        }
        part.isRecovered = part.since.map { _ in true }
        part.position = part.since ?? pattern.last
        part.becomeReady()
    }

    /// Adds a channel to the join of a client that has one of its patterns, unless the client has it already.
    private func addMember(_ member: Topic, by part: JoinPart) {
        guard let since = part.since, part.isExpanded, let join = part.join, !join.isDone,
            member.part(of: join.client) == nil, !isReading(join.client, member.name)
        else { return }
        let entry = join.entries[member.name]
        let isSnapshot = part.isSnapshot && entry == nil && outlet.isKeyed(member.name)
        let isTelling = part.state == .telling
        let added = JoinPart(
            topic: member,
            since: entry ?? since,
            isMember: true,
            isBound: entry == nil,
            isSnapshot: isSnapshot,
            state: isTelling ? .telling : .opening
        )
        join.add(added)
        if isTelling {
            member.telling[join.client] = added
        } else {
            member.joins[join.client] = added
            if member.isOpen { advance(added) }
        }
    }

    /// Whether a client reads a channel by a pattern, or is about to, and so is told all that is published in it from then on. Who is new to a
    /// keyed channel is told by its name what there is.
    public func isReadByPattern(_ slot: ClientSlot, _ channel: ChannelName) -> Bool {
        guard !channel.isPattern, !outlet.isKeyed(channel) else { return false }
        let id = outlet.id(of: slot)
        return isReading(id, channel)
            || joins.ofClient(id).contains { $0.topics.contains { $0.name.stands(for: channel) } }
    }

    /// Whether a client reads a channel already, by its name or by a pattern.
    private func isReading(_ id: ClientID, _ channel: ChannelName) -> Bool {
        guard let client = outlet.client(id) else { return false }
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log],
                feed.topics.contains(where: { $0.name == channel || $0.name.stands(for: channel) })
            {
                return true
            }
            next = reader.pointee.next
        }
        return false
    }

    // MARK: Patterns of one client that have channels in common

    /// The feed by which a client reads what it asked for: what has channels in common with what it reads already is read together
    /// with that, so that it is told everything once.
    func feed(of slot: ClientSlot, for topics: Few<Topic>, encoding: Encoding, _ pace: Pace) -> Feed {
        let client = outlet.client(at: slot)
        guard client.pointee.has(.isTwoWay), client.pointee.hasPatterns || topics.contains(where: \.isPattern) else {
            return anyFeed(for: topics, of: slot, encoding, pace)
        }
        var all = Array(topics)
        var next = client.pointee.firstSubscription
        var (joined, pace) = ([Feed](), pace)
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log], feed.overlaps(topics) {
                joined.append(feed)
                pace = pace.slower(feed.kind.pace)
                all += feed.topics.filter { topic in !all.contains { $0 === topic } }
            }
            next = reader.pointee.next
        }
        guard !joined.isEmpty else { return anyFeed(for: topics, of: slot, encoding, pace) }
        let together = anyFeed(for: Few(all.sortedByName), of: slot, encoding, pace)
        for feed in joined where feed !== together { leave(feed, slot) }
        return together
    }

    /// A client no longer wants one of several channels that it reads together.
    func separate(_ slot: ClientSlot, from feed: Feed, _ channel: ChannelName) {
        let rest = feed.topics.filter { $0.name != channel }
        let encoding = outlet.client(at: slot).pointee.encoding ?? feed.encoding
        outlet.client(at: slot).pointee.outbox?.dropReplays(of: channel)
        // Without a pattern each is read by itself again. They are there before the other is not, for that keeps the channels open.
        let groups = rest.contains(where: \.isPattern) ? [rest] : rest.map { Few($0) }
        let others = groups.map { anyFeed(for: $0, of: slot, encoding, feed.kind.pace) }
        leave(feed, slot)
        for other in others {
            if outlet.client(at: slot).pointee.isOpen { subscribe(slot, to: other) } else { releaseIfUnread(other) }
        }
    }

    /// Ends a subscription whose reader goes on with another feed: what it does not have yet of this one is sent first.
    private func leave(_ feed: Feed, _ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        guard let subscription = take(feed, from: slot) else { return }
        let reader = subscriptions[subscription]
        if reader.pointee.flags.contains(.isSkipping) { rejoin(slot, subscription: subscription) }
        // One that lacks what later messages refer to is a reader of another by now.
        let feed = feeds[reader.pointee.log] ?? feed
        var offset = reader.pointee.offset
        if client.pointee.unfinished == subscription {
            offset = feed.frameEnd(at: offset)
            finishFrame(slot)
        }
        let rest = feed.bytes(from: offset)
        if rest.count > 0 { writeInTurn(slot, rest, of: feed.topics) }
        tellHeld(of: feed, to: subscription)
        remove(subscription, from: feed)
        if !client.pointee.isClosed { client.pointee.subscriptionCount -= 1 }
    }

    /// Takes a client's subscription to a feed out of the list of its subscriptions.
    func take(_ feed: Feed, from slot: ClientSlot) -> SubscriptionSlot? {
        let client = outlet.client(at: slot)
        var previous = SubscriptionSlot.none
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            let following = reader.pointee.next
            if reader.pointee.log === feed {
                if previous == SubscriptionSlot.none {
                    client.pointee.firstSubscription = following
                } else {
                    subscriptions[previous].pointee.next = following
                }
                return next
            }
            previous = next
            next = following
        }
        return nil
    }
}

extension Feed {
    /// Whether its readers have channels in common with who reads some topics.
    func overlaps(_ others: Few<Topic>) -> Bool {
        topics.contains { read in others.contains { $0.name.overlaps(read.name) } }
    }
}

extension [Topic] {
    /// In the order of cursors.
    var sortedByName: [Topic] {
        sorted { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
    }
}
