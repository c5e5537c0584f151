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
        join(slot, channels, entries: entries, commandID: commandID, pace, poll: poll, at: nil)
    }

    /// The same where something is to be opened or read first. Among what its client waits for it has a place, which is the last if it is
    /// not said.
    private func join(
        _ slot: ClientSlot,
        _ channels: [(name: ChannelName, since: Position?)],
        entries: [ChannelName: Position],
        commandID: [UInt8]?,
        _ pace: Pace,
        poll: Poll?,
        at place: Int?
    ) {
        let client = outlet.client(at: slot)
        let parts = channels.map { channel in
            if topics[channel.name] == nil { outlet.didOpenChannel(slot) }
            let topic = topic(for: channel.name)
            if channel.since == nil, outlet.isKeyed(channel.name) { return JoinPart(snapshotOf: topic) }
            return JoinPart(topic: topic, since: channel.since)
        }
        let isOne = poll != nil || !client.pointee.has(.isTwoWay)
        let groups = isOne ? [parts] : groups(of: parts)
        let key = outlet.id(of: slot)
        client.pointee.joinCount += UInt16(clamping: groups.count)
        for group in groups {
            let join = Join(
                client: key,
                parts: group,
                entries: entries,
                commandID: commandID,
                poll: poll,
                pace: pace
            )
            if joins.mayBegin(join, at: place) { begin(join) } else { follow(join, at: place) }
        }
    }

    /// What has channels in common is read together, so what was missed of it is told together, too.
    private func groups(of parts: [JoinPart]) -> [[JoinPart]] {
        guard parts.contains(where: \.topic.isPattern) else { return parts.map { [$0] } }
        var groups: [[JoinPart]] = []
        for part in parts {
            let overlapping = groups.filter { $0.contains { $0.topic.name.overlaps(part.topic.name) } }
            groups.removeAll { $0.contains { $0.topic.name.overlaps(part.topic.name) } }
            groups.append(overlapping.flatMap(\.self) + [part])
        }
        return groups.map(\.sortedByName)
    }

    private func begin(_ join: Join) {
        join.begin(deadlineMilliseconds: outlet.nowMilliseconds + limits.openMilliseconds)
        for part in join.parts { part.topic.begin(part) }
        for part in join.parts where part.topic.isOpen { advance(part) }
        if join.isReady { finish(join) } else { joins.wait(join) }
        if !join.isDone, outlet.client(join.client)?.pointee.has(.isTwoWay) == true { joins.list(join) }
    }

    /// Has a join wait until others of its client are done, with which it has channels in common: what they are yet to tell comes before
    /// what it brings.
    private func follow(_ join: Join, at place: Int?) {
        join.isFollowing = true
        for part in join.parts { part.topic.following[join.client] = part }
        joins.list(join, at: place)
    }

    /// Something that a client waited for is done, or never will be: what waited for that has its turn.
    private func end(_ join: Join) {
        for waiting in joins.end(join) { joins.becomeReady(waiting) }
    }

    /// The way of most clients that come: a channel that is open, and nothing that they missed. Says whether it was that.
    private func subscribeAtOnce(
        _ slot: ClientSlot,
        _ name: ChannelName,
        since: Position?,
        _ pace: Pace
    ) -> Bool {
        guard let topic = topics[name], topic.isOpen, !joins.mustFollow(outlet.id(of: slot), name),
            since == nil && !outlet.isKeyed(name)
                || since == topic.last && !topic.isCatchingUp && !topic.isPattern
        else { return false }
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return false }
        let rate = encoding.hasControlMessages ? rateTold(slot, of: Few(topic), pace) : nil
        // What it reads of the channel already comes before it is told that it is subscribed.
        let feed = feed(of: slot, for: Few(topic), encoding: encoding, pace)
        if encoding.hasControlMessages {
            output.removeAll()
            let recovered = since.map { _ in true }
            appendSubscribed(topic, at: topic.last, recovered: recovered, commandID: nil, rate, to: slot, as: encoding)
            writeInTurn(slot, output.bytes, of: Few(topic))
        }
        if !outlet.client(at: slot).pointee.isClosed { remember(slot, [SessionPosition(name, topic.last)]) }
        begin(slot, reading: feed)
        return true
    }

    /// Subscribes a client to a feed of what it asked for and of what it has that has channels in common with that.
    private func begin(_ slot: ClientSlot, reading feed: Feed) {
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
            if join.isDone { continue }
            if join.isFollowing {
                if joins.mayBegin(join) { begin(join) }
            } else if join.isReady {
                // Else a pattern has brought another channel while it stood in line; it is ready again once that is.
                finish(join)
            }
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
        if joins.mustWaitForReader(join) || mustWaitForPace(join) { return }
        join.isDone = true
        join.close()
        for part in join.parts { part.topic.forget(part) }
        defer {
            end(join)
            for part in join.parts {
                // What was missed is the reader's own now; a join that is done may be remembered for a while.
                part.letGo()
                releaseIfUnused(part.topic)
            }
        }
        guard let client = outlet.client(join.client), client.pointee.isOpen else { return }
        assert(client.pointee.joinCount > 0, "who is joined had asked for it")
        client.pointee.joinCount -= 1
        let slot = join.client.slot
        if !join.isContinuation { rememberSubscriptions(slot, join.parts) }
        if let poll = join.poll { return begin(poll, join) }
        guard let encoding = client.pointee.encoding else { return }
        let rate = rateTold(slot, of: Few(join.topics), join.pace)
        // What it reads of the channels already comes before what it is told now. One that has yet to be told more is subscribed once it
        // has all of it.
        let feed = join.leavesRest ? nil : feed(of: slot, for: Few(join.topics), encoding: encoding, join.pace)
        if client.pointee.isClosed {
            // It did not even take that.
        } else if join.isContinuation {
            tellRest(slot, join)
        } else if client.pointee.has(.isStream) {
            beginStream(slot, join)
        } else {
            tellSubscribed(slot, join, rate)
        }
        if let feed { begin(slot, reading: feed) }
    }

    /// Where the client certainly stands in channels it is subscribed to from now on: where it said so. If what follows
    /// begins elsewhere, it has yet to hear of that: should this connection be lost first, it must be told again.
    private func rememberSubscriptions(_ slot: ClientSlot, _ parts: [JoinPart]) {
        guard outlet.client(at: slot).pointee.session != nil else { return }
        remember(slot, parts.filter { !$0.isMember }.map { SessionPosition($0.topic.name, $0.since ?? $0.position) })
    }

    private func tellSubscribed(_ slot: ClientSlot, _ join: Join, _ rate: MaxRate?) {
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return }
        output.removeAll()
        for part in join.parts where encoding.hasControlMessages && !part.isMember {
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: join.isRecovered(part),
                commandID: join.commandID,
                rate,
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
        var cursor = CursorText(join.parts, at: \.toldSince)
        output.removeAll()
        let lastNumber = join.parts.lastIndex { !$0.isMember }
        // Patterns are read together with what else it reads.
        let hasPatterns = join.topics.contains(where: \.isPattern)
        let rate = hasPatterns ? rateTold(slot, of: Few(join.topics), join.pace) : nil
        for (number, part) in join.parts.enumerated() where part.isMember && part.isRecovered == false {
            if let position = part.toldPosition { cursor.move(number, to: position) }
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
        guard let topic = topics[channel], let part = topic.partAsked(by: key) else { return false }
        if part.join.isOfReader, topic.hasPresence { leave(topic, slot, .clean) }
        abandon(part.join, butFor: channel)
        return true
    }

    /// Takes a join of several channels out of all that wait, and has its client join again what else it asked for, from where it stands.
    func abandon(_ join: Join, butFor channel: ChannelName) {
        let outbox = outlet.client(join.client)?.pointee.outbox
        let replay = outbox?.dropReplay(before: join)
        outbox?.dropReplays(of: channel)
        func standing(_ part: JoinPart) -> Position? { replay?.position(in: part.topic.name) ?? part.since }
        let others = join.parts.filter { !$0.isMember && $0.topic.name != channel }.map { part in
            (name: part.topic.name, since: part.isSnapshot && !join.isContinuation ? nil : standing(part))
        }
        var entries = join.entries
        for part in join.parts where !part.topic.isPattern && (join.isContinuation || !part.isSnapshot) {
            entries[part.topic.name] = standing(part)
        }
        // What was asked for later waits for what is left of it, too.
        let place = joins.place(of: join)
        guard let slot = abandon(join), !others.isEmpty else { return }
        self.join(slot, others, entries: entries, commandID: join.commandID, join.pace, poll: nil, at: place)
    }

    /// Gives up the joins that waited too long, for one slice of time: the backplane is away, and the client may do better
    /// elsewhere. All wait equally long, so the first in the line is due first. Says whether some are left.
    public func giveUpDueJoins() -> Bool {
        let now = outlet.nowMilliseconds
        var end: UInt64?
        while let join = joins.popDue(now) {
            // One that waits for a pace is ready, and waits no longer than that; one that waits for a reader waits as long as that.
            if join.isDone || join.waitsForPace || join.waitsForReader { continue }
            if end == nil { end = sliceEnd }
            giveUp(join)
            if let end, outlet.clockNanoseconds >= end { return true }
        }
        return false
    }

    /// Takes a join out of all that wait; returns its client, if that is still there to be told.
    func abandon(_ join: Join) -> ClientSlot? {
        join.isDone = true
        end(join)
        for part in join.parts {
            part.topic.forget(part)
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
            // Its client was told long ago that it gets nothing, and waits for something else by now.
            if poll.isAnswered { return }
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
            for name in join.topics.map(\.name) where outlet.client(at: slot).pointee.isOpen {
                let message = "the channel \(name) cannot be opened now"
                outlet.refuse(slot, name, commandID: join.commandID, code: 503, message)
            }
        }
    }
}
