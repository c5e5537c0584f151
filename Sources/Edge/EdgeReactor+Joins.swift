internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Subscribes a connection to channels, from a position where it gives one: to each by itself on a WebSocket, to all
    /// as one on a stream and for a poll.
    func join(
        _ index: UInt32,
        _ channels: [(name: ChannelName, since: Position?)],
        commandID: [UInt8]? = nil,
        poll: Poll? = nil
    ) {
        let connection = connections[live: index]
        if connection.pointee.transport == .webSocket, channels.count == 1, commandID == nil,
            subscribeAtOnce(index, channels[0].name, since: channels[0].since)
        {
            return
        }
        let key = connections.key(ofLive: index)
        let parts = channels.map { JoinPart(topic: topic(for: $0.name), since: $0.since) }
        let isOne = connection.pointee.transport.isStream || poll != nil
        let groups = isOne ? [parts] : parts.map { [$0] }
        let deadline = reactor.tick(afterMilliseconds: limits.openMilliseconds)
        connection.pointee.joinCount += UInt16(groups.count)
        for group in groups {
            let join = Join(connection: key, parts: group, commandID: commandID, poll: poll, deadlineTick: deadline)
            for part in group { part.topic.joins.append(part) }
            for part in group where part.topic.isOpen { advance(part) }
            if join.isReady { finish(join) } else { joins.append(join) }
        }
    }

    /// The way of most who come: a channel that is open, and nothing to catch up with. Says whether it was that.
    private func subscribeAtOnce(_ index: UInt32, _ name: ChannelName, since: Position?) -> Bool {
        guard let topic = topics[name], topic.isOpen, since == nil || since == topic.last && !topic.isCatchingUp
        else { return false }
        let isRaw = connections[live: index].pointee.flags.contains(.isRaw)
        if !isRaw {
            output.removeAll()
            let recovered = since.map { _ in true }
            appendSubscribed(topic, at: topic.last, recovered: recovered, commandID: nil, as: .webSocketJSON)
            write(index, output.bytes)
            if connections[live: index].pointee.flags.contains(.isClosed) { return true }
        }
        remember(index, [SessionPosition(name, topic.last)])
        let encoding = Encoding(.webSocket, isRaw: isRaw)
        let known = topic.feeds.first { $0.key.encoding == encoding && $0.topics.count == 1 }
        subscribe(index, to: known ?? feed(for: [topic], encoding: encoding))
        return true
    }

    /// Moves on who waits for a topic after something happened to it, and finishes who is ready.
    func advanceJoins(of topic: Topic, _ change: (JoinPart) -> Void) {
        // Taken out as a whole, so that ten thousand who wait for one channel cost ten thousand steps and not their
        // square.
        let waiting = topic.joins
        topic.joins.removeAll()
        topic.isAdvancing = true
        for part in waiting {
            if part.state == .opening { advance(part) }
            change(part)
        }
        for part in waiting where !part.join.isDone {
            if part.join.isReady { finish(part.join) } else { topic.joins.append(part) }
        }
        topic.isAdvancing = false
        releaseIfUnused(topic)
    }

    func advance(_ part: JoinPart) {
        let topic = part.topic
        guard let since = part.since else {
            part.state = .ready
            return
        }
        if since == topic.last, !topic.isCatchingUp {
            part.isRecovered = true
            part.position = since
            part.state = .ready
            return
        }
        part.state = .recovering
        if since > topic.last {
            // Who has more than was reported here asks for himself: the uplink has to know, or it would set him back.
            guard topic.questionsAhead.insert(since).inserted else { return }
        } else {
            // One question for all who come back while it is under way, as far back as it reaches.
            if let underWay = topic.recoveryUnderWay, underWay <= since { return }
            topic.recoveryUnderWay = since
        }
        uplink.post(.recover(topic.name, since: since, reactor: index))
    }

    private func finish(_ join: Join) {
        join.isDone = true
        for part in join.parts { part.topic.joins.removeAll { $0 === part } }
        defer { for part in join.parts { releaseIfUnused(part.topic) } }
        guard let connection = connections.pointer(to: join.connection),
            connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing])
        else { return }
        connection.pointee.joinCount -= 1
        for part in join.parts where part.since == nil { part.position = part.topic.last }
        let index = join.connection.index
        rememberSubscriptions(index, join.parts)
        if let poll = join.poll { return begin(poll, join) }
        if connection.pointee.transport.isStream {
            beginStream(index, join)
        } else {
            tellSubscribed(index, join)
        }
        if connection.pointee.flags.contains(.isClosed) { return }
        let encoding = Encoding(connection.pointee.transport, isRaw: connection.pointee.flags.contains(.isRaw))
        subscribe(index, to: feed(for: join.parts.map(\.topic), encoding: encoding))
    }

    /// Where the client certainly stands in channels it is subscribed to from now on: where it said so. If what follows
    /// begins elsewhere, it has yet to hear of that: should this connection be lost first, it must be told again.
    private func rememberSubscriptions(_ index: UInt32, _ parts: [JoinPart]) {
        guard connections[live: index].pointee.session != nil else { return }
        remember(
            index,
            parts.map { SessionPosition($0.topic.name, $0.since ?? $0.position) }
        )
    }

    private func tellSubscribed(_ index: UInt32, _ join: Join) {
        let isRaw = connections[live: index].pointee.flags.contains(.isRaw)
        output.removeAll()
        for part in join.parts where !isRaw {
            appendSubscribed(
                part.topic,
                at: part.position,
                recovered: part.isRecovered,
                commandID: join.commandID,
                as: .webSocketJSON
            )
        }
        write(index, replaying: join)
    }

    func appendSubscribed(
        _ topic: Topic,
        at position: Position,
        recovered: Bool?,
        commandID: [UInt8]?,
        cursor: String? = nil,
        as encoding: Encoding
    ) {
        encoder.appendControl("subscribed", cursor: cursor, as: encoding, to: &output) { buffer in
            topic.name.withUTF8 { channel in
                withOptionalBytes(commandID) {
                    Envelope.appendSubscribed(
                        id: $0,
                        channel: channel,
                        position: position.numbers,
                        recovered: recovered,
                        to: &buffer
                    )
                }
            }
        }
    }

    /// Takes back what a WebSocket asked for and did not get yet; says whether there was such a thing.
    func cancelJoin(_ index: UInt32, of channel: ChannelName) -> Bool {
        let key = connections.key(ofLive: index)
        guard let topic = topics[channel], let part = topic.joins.first(where: { $0.join.connection == key }) else {
            return false
        }
        part.join.isDone = true
        connections[live: index].pointee.joinCount -= 1
        topic.joins.removeAll { $0 === part }
        releaseIfUnused(topic)
        return true
    }

    /// Gives up who waited too long: the backplane is away, and the client may do better elsewhere.
    func giveUpJoins(_ tick: UInt32) {
        guard !joins.isEmpty else { return }
        joins.removeAll { join in
            if join.isDone { return true }
            let isGone = !connections.contains(join.connection)
            guard isGone || Int32(bitPattern: tick &- join.deadlineTick) >= 0 else { return false }
            giveUp(join)
            return true
        }
    }

    private func giveUp(_ join: Join) {
        join.isDone = true
        for part in join.parts {
            part.topic.joins.removeAll { $0 === part }
            releaseIfUnused(part.topic)
        }
        guard let connection = connections.pointer(to: join.connection),
            connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing])
        else { return }
        connection.pointee.joinCount -= 1
        metrics.timeouts.add()
        let index = join.connection.index
        if let poll = join.poll {
            answerOrigin = poll.opening.origin
            poll.isAnswered = true
            releaseSession(index)
            refuse(index, status: 503, "the channel cannot be opened now") { $0.append(field: "Retry-After", 1) }
        } else if connection.pointee.transport.isStream {
            // Its head is sent; an end with a reason is what is left to say.
            sayBye(
                index,
                .unavailable,
                afterMilliseconds: UInt64.random(in: reconnectMilliseconds, using: &spread)
            )
        } else {
            sendError(index, id: join.commandID, code: 503, "the channel cannot be opened now")
        }
    }
}

/// Lends the bytes of an array, or `nil`.
func withOptionalBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    guard let bytes else { return body(nil) }
    return bytes.withUnsafeBytes { body($0) }
}
