public import Broker
internal import DequeModule
internal import Wire

// From a request for channels to a subscription: their topics are opened, what the client missed is read, and once all of that
// is here the client is told so, and reads on behind it.
extension Hub {
    /// Subscribes a client to channels, from a position where it gives one: to each by itself where it can say more, to all
    /// as one on a stream and for a poll.
    public func join(
        _ slot: ClientSlot,
        _ channels: [(name: ChannelName, since: Position?)],
        entries: [ChannelName: Position] = [:],
        commandID: [UInt8]? = nil,
        pace: Pace? = nil,
        poll: Poll? = nil
    ) {
        let client = outlet.client(at: slot)
        let pace = pace ?? client.pointee.pace
        poll?.begin(now: outlet.nowMilliseconds, pace)
        if poll == nil, client.pointee.has(.isTwoWay), channels.count == 1, commandID == nil,
            subscribeAtOnce(slot, channels[0].name, since: channels[0].since, pace)
        {
            return
        }
        let parts = channels.map { channel in
            if topics[channel.name] == nil { outlet.didOpenChannel(slot) }
            let topic = topic(for: channel.name)
            if channel.since == nil, outlet.isKeyed(channel.name) { return JoinPart(snapshotOf: topic) }
            return JoinPart(topic: topic, since: channel.since)
        }
        let isOne = poll != nil || !client.pointee.has(.isTwoWay)
        let groups = isOne ? [parts] : parts.map { [$0] }
        let deadline = outlet.nowMilliseconds + limits.openMilliseconds
        let key = outlet.id(of: slot)
        client.pointee.joinCount += UInt16(clamping: groups.count)
        for group in groups {
            let join = Join(
                client: key,
                parts: group,
                entries: entries,
                commandID: commandID,
                poll: poll,
                pace: pace,
                deadlineMilliseconds: deadline
            )
            joins.begin(join)
            for part in group { part.topic.joins[key] = part }
            for part in group where part.topic.isOpen { advance(part) }
            if join.isReady { finish(join) } else { joins.wait(join) }
        }
    }

    /// The way of most clients that come: a channel that is open, and nothing that they missed. Says whether it was that.
    private func subscribeAtOnce(
        _ slot: ClientSlot,
        _ name: ChannelName,
        since: Position?,
        _ pace: Pace
    ) -> Bool {
        guard let topic = topics[name], topic.isOpen,
            since == nil && !outlet.isKeyed(name)
                || since == topic.last && !topic.isCatchingUp && !topic.isPattern
        else { return false }
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return false }
        if encoding.hasControlMessages {
            output.removeAll()
            let recovered = since.map { _ in true }
            let rate = rateTold(slot, of: Few(topic), pace)
            appendSubscribed(topic, at: topic.last, recovered: recovered, commandID: nil, rate, to: slot, as: encoding)
            write(slot, output.bytes)
            if outlet.client(at: slot).pointee.isClosed { return true }
        }
        remember(slot, [SessionPosition(name, topic.last)])
        guard !topic.isPattern, !outlet.client(at: slot).pointee.hasPatterns else {
            subscribe(slot, toChannels: Few(topic), encoding, pace)
            return true
        }
        guard !encoding.isCompressible else {
            subscribe(slot, to: compressedFeed(for: Few(topic), of: slot, encoding, pace))
            return true
        }
        let kind = Feed.Kind(encoding, pace: pace)
        subscribe(slot, to: feeds[Few(topic), kind] ?? feed(for: Few(topic), kind))
        return true
    }

    /// Subscribes a client to what it asked for, together with what it has that has channels in common with that.
    private func subscribe(_ slot: ClientSlot, toChannels topics: Few<Topic>, _ encoding: Encoding, _ pace: Pace) {
        let feed = feed(of: slot, for: topics, encoding: encoding, pace)
        guard !outlet.client(at: slot).pointee.isClosed else { return releaseIfUnread(feed) }
        // It may have had it: both ask for the same.
        if isMember(slot, of: feed) { releaseIfUnread(feed) } else { subscribe(slot, to: feed) }
    }

    /// Whether a client reads a feed, or the same channels at another stage.
    private func isMember(_ slot: ClientSlot, of feed: Feed) -> Bool {
        var next = outlet.client(at: slot).pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let log = subscriptions[next].pointee.log
            if log === feed || feeds[log]?.isOfSame(feed.topics) == true { return true }
            next = subscriptions[next].pointee.next
        }
        return false
    }

    /// Moves on the joins that wait for a topic after something happened to it. A join that is ready then is finished in turn:
    /// to subscribe ten thousand takes a tenth of a second, in which nobody else must wait.
    func advanceJoins(of topic: Topic, _ change: (JoinPart) -> Void) {
        for part in topic.joins.values {
            if part.state == .opening { advance(part) }
            change(part)
            if part.join.isReady { joins.becomeReady(part.join) }
        }
    }

    /// Finishes the joins that are ready, for one slice of time. Says whether some are left.
    public func finishReadyJoins() -> Bool {
        guard !joins.ready.isEmpty else { return false }
        let end = sliceEnd
        while let join = joins.popReady() {
            // A pattern may have brought another channel while it stood in line; it is ready again once that is.
            if join.isReady, !join.isDone { finish(join) }
            if outlet.clockNanoseconds >= end { break }
        }
        return !joins.ready.isEmpty
    }

    func advance(_ part: JoinPart) {
        let topic = part.topic
        if topic.isPattern { return expand(part) }
        guard let since = part.since else {
            part.becomeReady()
            return
        }
        let hasAll = since == topic.last || part.isBound && since > topic.last
        if hasAll, !topic.isCatchingUp {
            part.isRecovered = true
            part.position = topic.last
            part.becomeReady()
            return
        }
        part.becomeRecovering()
        if since > topic.last {
            // A client that stands further than the uplink has reported has its own question: the answer of an older one would
            // set it back.
            guard topic.questionsAhead.insert(since).inserted else { return }
        } else {
            // One question for all clients that come back while it is under way, as far back as it reaches.
            if let underWay = topic.recoveryUnderWay, underWay <= since { return }
            topic.recoveryUnderWay = since
        }
        outlet.recover(topic.name, since: since)
    }

    private func finish(_ join: Join) {
        assert(join.isReady && !join.isDone, "a join is finished once, with all of its channels")
        for part in join.parts where part.since == nil { part.position = part.topic.last }
        if mustWaitForPace(join) { return }
        join.isDone = true
        join.sort()
        for part in join.parts { part.topic.forget(join.client) }
        defer {
            for part in join.parts {
                // What was missed is the reader's own now; a join that is done may be remembered for a while.
                part.letGo()
                releaseIfUnused(part.topic)
            }
        }
        joins.end(join)
        guard let client = outlet.client(join.client), client.pointee.isOpen else { return }
        assert(client.pointee.joinCount > 0, "who is joined had asked for it")
        client.pointee.joinCount -= 1
        let slot = join.client.slot
        if !join.isContinuation { rememberSubscriptions(slot, join.parts) }
        if let poll = join.poll { return begin(poll, join) }
        if join.isContinuation {
            tellRest(slot, join)
        } else if client.pointee.has(.isStream) {
            beginStream(slot, join)
        } else {
            tellSubscribed(slot, join)
        }
        // A client that has yet to be told more is subscribed once it has all of it.
        guard let encoding = client.pointee.encoding, !client.pointee.isClosed, !join.leavesRest else { return }
        subscribe(slot, toChannels: Few(join.topics), encoding, join.pace)
    }

    /// Where the client certainly stands in channels it is subscribed to from now on: where it said so. If what follows
    /// begins elsewhere, it has yet to hear of that: should this connection be lost first, it must be told again.
    private func rememberSubscriptions(_ slot: ClientSlot, _ parts: [JoinPart]) {
        guard outlet.client(at: slot).pointee.session != nil else { return }
        remember(slot, parts.filter { !$0.isMember }.map { SessionPosition($0.topic.name, $0.since ?? $0.position) })
    }

    private func tellSubscribed(_ slot: ClientSlot, _ join: Join) {
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return }
        output.removeAll()
        for part in join.parts where encoding.hasControlMessages && !part.isMember {
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: join.isRecovered(part),
                commandID: join.commandID,
                rateTold(slot, of: Few(part.topic), join.pace),
                to: slot,
                as: encoding
            )
        }
        for part in join.parts where encoding.hasControlMessages && part.isMember && part.isRecovered == false {
            appendGap(part.topic, from: part.since ?? .start, to: part.position, cursor: nil, as: encoding, to: &output)
        }
        write(slot, replaying: join)
    }

    /// Tells a stream where each of its channels stands, and what it missed.
    private func beginStream(_ slot: ClientSlot, _ join: Join) {
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return }
        // Where the client stands. A message moves it in its own channel only: were the stream cut behind the first of
        // several, the others would still be told what they missed.
        var cursor = CursorText(join.parts.lazy.map { (topic: $0.topic, position: $0.toldSince) })
        output.removeAll()
        let lastNumber = join.parts.lastIndex { !$0.isMember }
        // Patterns are read together with what else it reads.
        let hasPatterns = join.topics.contains(where: \.isPattern)
        let rate = hasPatterns ? rateTold(slot, of: Few(join.topics), join.pace) : nil
        for (number, part) in join.parts.enumerated() where part.isMember && part.isRecovered == false {
            cursor.move(number, to: part.position)
            guard encoding.hasControlMessages, let since = part.since else { continue }
            appendGap(part.topic, from: since, to: part.position, cursor: nil, as: encoding, to: &output)
        }
        for (number, part) in join.parts.enumerated() where !part.isMember {
            cursor.move(number, to: part.position)
            guard encoding.hasControlMessages else { continue }
            // A client that keeps the last id, as a browser does, comes back with the one it had before if it was told only
            // half of them: so one id is enough, and not as many of the length of all.
            let hasCursor = !encoding.traits.contains(.hasFields) || number == lastNumber
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: join.isRecovered(part),
                commandID: nil,
                rate ?? rateTold(slot, of: Few(part.topic), join.pace),
                to: slot,
                cursor: hasCursor ? cursor.text : nil,
                as: encoding
            )
        }
        write(slot, replaying: join)
    }

    // MARK: Giving up

    /// Takes back what a client asked for and did not get yet; says whether there was such a thing.
    func cancelJoin(_ slot: ClientSlot, of channel: ChannelName) -> Bool {
        let key = outlet.id(of: slot)
        guard let topic = topics[channel], let part = topic.part(of: key) else { return false }
        outlet.client(at: slot).pointee.outbox?.dropReplays(of: channel)
        if part.join.isOfReader, topic.hasPresence { leave(topic, slot, .clean) }
        _ = abandon(part.join)
        return true
    }

    /// Gives up the joins that waited too long, for one slice of time: the backplane is away, and the client may do better
    /// elsewhere. All wait equally long, so the first in the line is due first. Says whether some are left.
    public func giveUpDueJoins() -> Bool {
        let now = outlet.nowMilliseconds
        var end: UInt64?
        while let join = joins.popDue(now) {
            // One that waits for a pace is ready, and waits no longer than that.
            if join.isDone || join.waitsForPace { continue }
            if end == nil { end = sliceEnd }
            giveUp(join)
            if let end, outlet.clockNanoseconds >= end { return true }
        }
        return false
    }

    /// Takes a join out of all that wait; returns its client, if that is still there to be told.
    func abandon(_ join: Join) -> ClientSlot? {
        join.isDone = true
        joins.end(join)
        for part in join.parts {
            part.topic.forget(join.client)
            part.letGo()
            releaseIfUnused(part.topic)
        }
        guard let client = outlet.client(join.client), client.pointee.isOpen else { return nil }
        client.pointee.joinCount -= 1
        return join.client.slot
    }

    private func giveUp(_ join: Join) {
        guard let slot = abandon(join) else { return }
        metrics.joinsTimedOut.add()
        if let poll = join.poll {
            // It may be held, and have been given more channels.
            release(poll)
            polls.dozing[poll.client] = nil
            poll.isAnswered = true
            releaseSession(slot)
            outlet.refuse(poll, .unavailable)
        } else if outlet.client(at: slot).pointee.has(.isStream) {
            // Its head is sent; an end with a reason is what is left to say.
            sayBye(slot, .unavailable, afterMilliseconds: outlet.drawReconnectMilliseconds())
        } else {
            let name = join.parts[0].topic.name
            outlet.refuse(
                slot,
                name,
                commandID: join.commandID,
                code: 503,
                "the channel \(name) cannot be opened now"
            )
        }
    }
}
