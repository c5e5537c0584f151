internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Subscribes a connection to channels, from a position where it gives one: to each by itself on a WebSocket, to all
    /// as one on a stream and for a poll.
    func join(
        _ slot: Slot,
        _ channels: [(name: ChannelName, since: Position?)],
        commandID: [UInt8]? = nil,
        poll: Poll? = nil
    ) {
        let connection = connections[live: slot]
        if connection.pointee.client.has(.isTwoWay), channels.count == 1, commandID == nil,
            subscribeAtOnce(slot, channels[0].name, since: channels[0].since)
        {
            return
        }
        let parts = channels.map { channel in
            if topics[channel.name] == nil { countChannelChange(slot) }
            return JoinPart(topic: topic(for: channel.name), since: channel.since)
        }
        let isOne = !connection.pointee.client.has(.isTwoWay)
        let groups = isOne ? [parts] : parts.map { [$0] }
        let deadline = nowMilliseconds + limits.openMilliseconds
        let key = client(slot)
        connection.pointee.client.joinCount += UInt16(clamping: groups.count)
        for group in groups {
            let join = Join(client: key, parts: group, commandID: commandID, poll: poll, deadlineMilliseconds: deadline)
            for part in group { part.topic.joins[key] = part }
            for part in group where part.topic.isOpen { advance(part) }
            if join.isReady { finish(join) } else { joins.append(join) }
        }
    }

    /// The way of most who come: a channel that is open, and nothing to catch up with. Says whether it was that.
    private func subscribeAtOnce(_ slot: Slot, _ name: ChannelName, since: Position?) -> Bool {
        guard let topic = topics[name], topic.isOpen, since == nil || since == topic.last && !topic.isCatchingUp
        else { return false }
        guard let encoding = connections[live: slot].pointee.client.encoding else { return false }
        if encoding.hasControlMessages {
            output.removeAll()
            let recovered = since.map { _ in true }
            appendSubscribed(topic, at: topic.last, recovered: recovered, commandID: nil, as: encoding)
            write(slot, output.bytes)
            if connections[live: slot].pointee.isClosed { return true }
        }
        remember(slot, [SessionPosition(name, topic.last)])
        let known = topic.feeds.first { $0.key.encoding == encoding && $0.topics.count == 1 }
        subscribe(slot, to: known ?? feed(for: [topic], encoding: encoding))
        return true
    }

    /// Moves on who waits for a topic after something happened to it. Who is ready then is finished in turn: to subscribe ten
    /// thousand takes a tenth of a second, in which nobody else must wait.
    func advanceJoins(of topic: Topic, _ change: (JoinPart) -> Void) {
        for part in topic.joins.values {
            if part.state == .opening { advance(part) }
            change(part)
            guard part.join.isReady, !part.join.isQueued else { continue }
            part.join.isQueued = true
            readyJoins.append(part.join)
        }
    }

    /// Finishes who is ready, for one slice of time. Says whether some are left.
    func finishReadyJoins() -> Bool {
        guard !readyJoins.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let join = readyJoins.popFirst() {
            if !join.isDone { finish(join) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !readyJoins.isEmpty
    }

    func advance(_ part: JoinPart) {
        let topic = part.topic
        guard let since = part.since else {
            part.becomeReady()
            return
        }
        if since == topic.last, !topic.isCatchingUp {
            part.isRecovered = true
            part.position = since
            part.becomeReady()
            return
        }
        part.becomeRecovering()
        if since > topic.last {
            // Who has more than was reported here asks for himself: the uplink has to know, or it would set him back.
            guard topic.questionsAhead.insert(since).inserted else { return }
        } else {
            // One question for all who come back while it is under way, as far back as it reaches.
            if let underWay = topic.recoveryUnderWay, underWay <= since { return }
            topic.recoveryUnderWay = since
        }
        uplink.post(.recover(topic.name, since: since, reactor: number))
    }

    private func finish(_ join: Join) {
        join.isDone = true
        for part in join.parts { part.topic.forget(join.client) }
        defer {
            for part in join.parts {
                // What was missed is the reader's own now; a join that is done may be remembered for a while.
                part.letGo()
                releaseIfUnused(part.topic)
            }
        }
        endContinuation(join)
        guard let connection = connection(of: join.client),
            connection.pointee.isOpen
        else { return }
        connection.pointee.client.joinCount -= 1
        for part in join.parts where part.since == nil { part.position = part.topic.last }
        let slot = Slot(join.client.slot)
        if !join.isContinuation { rememberSubscriptions(slot, join.parts) }
        if let poll = join.poll { return begin(poll, join) }
        if join.isContinuation {
            tellRest(slot, join)
        } else if connection.pointee.client.has(.isStream) {
            beginStream(slot, join)
        } else {
            tellSubscribed(slot, join)
        }
        // Whoever has yet to be told more is subscribed behind that.
        guard let encoding = connection.pointee.client.encoding, !connection.pointee.isClosed, !join.leavesRest else {
            return
        }
        subscribe(slot, to: feed(for: join.parts.map(\.topic), encoding: encoding))
    }

    /// Where the client certainly stands in channels it is subscribed to from now on: where it said so. If what follows
    /// begins elsewhere, it has yet to hear of that: should this connection be lost first, it must be told again.
    private func rememberSubscriptions(_ slot: Slot, _ parts: [JoinPart]) {
        guard connections[live: slot].pointee.client.session != nil else { return }
        remember(
            slot,
            parts.map { SessionPosition($0.topic.name, $0.since ?? $0.position) }
        )
    }

    private func tellSubscribed(_ slot: Slot, _ join: Join) {
        guard let encoding = connections[live: slot].pointee.client.encoding else { return }
        output.removeAll()
        for part in join.parts where encoding.hasControlMessages {
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: part.isRecovered,
                commandID: join.commandID,
                as: encoding
            )
        }
        write(slot, replaying: join)
    }

    func appendSubscribed(
        _ topic: Topic,
        at position: Position,
        recovered: Bool?,
        commandID: [UInt8]?,
        cursor: String? = nil,
        as encoding: Encoding
    ) {
        let subscribed = ControlMessage.subscribed(
            id: commandID,
            channel: topic.name.text,
            position: position.numbers,
            isRecovered: recovered
        )
        encoder.append(subscribed, cursor: cursor, as: encoding, to: &output)
    }

    /// Takes back what a WebSocket asked for and did not get yet; says whether there was such a thing.
    func cancelJoin(_ slot: Slot, of channel: ChannelName) -> Bool {
        let key = client(slot)
        guard let topic = topics[channel], let part = topic.part(of: key) else { return false }
        connections[live: slot].pointee.client.outbox?.dropReplays(of: channel)
        _ = abandon(part.join)
        return true
    }

    /// Gives up who waited too long, for one slice of time: the backplane is away, and the client may do better elsewhere.
    /// All wait equally long, so the first in the line is due first. Says whether some are left.
    func giveUpDueJoins() -> Bool {
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let join = joins.first, join.isDone || join.deadlineMilliseconds <= nowMilliseconds {
            joins.removeFirst()
            if join.isDone { continue }
            giveUp(join)
            if Clock.monotonicNanoseconds >= end {
                return joins.first.map { $0.deadlineMilliseconds <= nowMilliseconds } ?? false
            }
        }
        return false
    }

    /// Takes a join out of all that waits; returns whose it was, if he is still there to be told.
    func abandon(_ join: Join) -> Slot? {
        join.isDone = true
        endContinuation(join)
        for part in join.parts {
            part.topic.forget(join.client)
            part.letGo()
            releaseIfUnused(part.topic)
        }
        guard let connection = connection(of: join.client),
            connection.pointee.isOpen
        else { return nil }
        connection.pointee.client.joinCount -= 1
        return Slot(join.client.slot)
    }

    private func giveUp(_ join: Join) {
        guard let slot = abandon(join) else { return }
        let connection = connections[live: slot]
        metrics.timeouts.add()
        if let poll = join.poll {
            poll.isAnswered = true
            releaseSession(slot)
            guard let exchange = pollOpenings[poll.client]?.exchange else { return }
            refuse(exchange, status: 503, "the channel cannot be opened now") { $0.append(field: "Retry-After", 1) }
        } else if connection.pointee.client.has(.isStream) {
            // Its head is sent; an end with a reason is what is left to say.
            sayBye(
                slot,
                .unavailable,
                afterMilliseconds: UInt64.random(in: reconnectMilliseconds, using: &spread)
            )
        } else {
            sendError(slot, id: join.commandID, code: 503, "the channel cannot be opened now")
        }
    }
}
