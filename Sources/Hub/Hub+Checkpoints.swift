public import Broker
internal import DequeModule
internal import Wire

// What is written of a session is what its client certainly has. One that can answer says so itself: a checkpoint is a ping
// behind everything that was sent, and counts once its pong is there. A stream has no way back; there it counts once the peer's
// system has acknowledged it, looked at one checkpoint later, so that a proxy in between has had time to pass it on.
extension Hub {
    /// Notes subscriptions of a client that begin, with where it certainly stands.
    func remember(_ slot: ClientSlot, _ positions: [SessionPosition]) {
        guard let link = outlet.client(at: slot).pointee.session else { return }
        save(slot, link, link.note(positions))
    }

    func forgetSubscription(_ slot: ClientSlot, to channel: ChannelName) {
        guard let link = outlet.client(at: slot).pointee.session else { return }
        let isKnown = link.saved.contains { $0.channel == channel }
        if isKnown { save(slot, link, link.note([SessionPosition(channel, nil)])) }
    }

    private func save(_ slot: ClientSlot, _ link: SessionLink, _ changes: [SessionPosition]) {
        if !changes.isEmpty { outlet.save(link.id, of: slot, changes) }
    }

    /// The backplane lost what it had of a session.
    public func saveSessionAgain(_ id: SessionID, of client: ClientID) {
        guard let link = outlet.client(client)?.pointee.session, link.id == id else { return }
        save(client.slot, link, link.saved)
    }

    // MARK: In turn

    /// Looks at one client's progress; says whether there was anything to do.
    public func checkpoint(_ slot: ClientSlot) -> Bool {
        let client = outlet.client(at: slot)
        guard let link = client.pointee.session, !client.pointee.has(.isOneAnswer), client.pointee.encoding != nil,
            client.pointee.isOpen
        else { return false }
        if client.pointee.has(.isTwoWay) {
            // One ping at a time; a client that does not answer it is found dead by its heartbeat.
            guard link.unconfirmed.isEmpty else { return false }
        } else if !link.unconfirmed.isEmpty {
            // A replay may wait behind a full socket, in front of what the log says was sent.
            guard !client.pointee.isBlocked, outlet.isAcknowledged(slot) else { return false }
            finish(slot, link)
        }
        let moved = progress(of: slot, since: link)
        guard !moved.isEmpty else { return false }
        link.begin(moved)
        if client.pointee.has(.isTwoWay) { sendPing(slot, link.checkpointNumber) }
        return true
    }

    private func finish(_ slot: ClientSlot, _ link: SessionLink) {
        let news = link.confirm()
        guard !news.isEmpty else { return }
        metrics.checkpoints.add()
        save(slot, link, news)
    }

    private func sendPing(_ slot: ClientSlot, _ number: UInt32) {
        output.removeAll()
        withUnsafeBytes(of: number.bigEndian) { WebSocketEncoder.appendPing($0, to: &output) }
        write(slot, output.bytes)
    }

    /// A pong: the client has everything that was sent before the ping it answers.
    public func confirm(_ slot: ClientSlot, _ payload: UnsafeRawBufferPointer) {
        guard let link = outlet.client(at: slot).pointee.session, payload.count == 4 else { return }
        guard payload.loadUnaligned(as: UInt32.self).bigEndian == link.checkpointNumber else { return }
        finish(slot, link)
    }

    // MARK: At the end

    /// A last checkpoint, before `bye`.
    func noteFarewell(_ slot: ClientSlot) {
        guard let link = outlet.client(at: slot).pointee.session, link.poll == nil else { return }
        link.begin(progress(of: slot, since: link))
    }

    /// The client answered our end with its own: it has everything that was sent before.
    public func confirmFarewell(_ slot: ClientSlot) {
        guard let link = outlet.client(at: slot).pointee.session else { return }
        finish(slot, link)
    }

    // MARK: Letting go

    /// Lets go of a client's session, which can be resumed for a while.
    public func releaseSession(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        guard let link = client.pointee.session else { return }
        client.pointee.session = nil
        outlet.release(link.id, of: slot)
    }

    /// Another client has the session now, or nobody has.
    public func loseSession(_ id: SessionID, of holder: ClientID, _ taking: SessionTaking = .attach) {
        guard let client = outlet.client(holder), let link = client.pointee.session, link.id == id else { return }
        leaveAll(holder.slot, .taken)
        client.pointee.session = nil
        if let poll = link.poll {
            displace(poll, taking)
        } else {
            sayBye(holder.slot, .takenOver, afterMilliseconds: 0)
        }
    }

    // MARK: Progress

    /// Subscriptions that moved on since they were saved, as far as the connection has taken them. Where something missed is
    /// still being told, that is as far as it was made into frames.
    private func progress(of slot: ClientSlot, since link: SessionLink) -> [SessionPosition] {
        let client = outlet.client(at: slot)
        let replays = client.pointee.outbox?.replays
        var moved = progressOfContinuations(slot, replays)
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feeds[reader.pointee.log] {
                if let told = progress(in: feed, before: replays) {
                    moved += told
                } else {
                    append(progressOf: next, in: feed, to: &moved)
                }
            }
            next = reader.pointee.next
        }
        // Of what was missed by a pattern, the channels are no subscriptions of their own.
        return moved.filter { each in
            !link.saved.contains(each) && link.saved.contains { $0.channel == each.channel }
        }
    }

    /// How far a reader came in the channels of a feed of which something waits in front of the feed's log; `nil` if nothing does.
    private func progress(in feed: Feed, before replays: Deque<Replay>?) -> [SessionPosition]? {
        let first = feed.topics.map { topic in replays?.first { $0.tells(of: topic.name) } }
        guard first.contains(where: { $0 != nil }) else { return nil }
        return zip(feed.topics, first).compactMap { topic, replay in
            replay?.position(in: topic.name).map { SessionPosition(topic.name, $0) }
        }
    }

    private func progressOfContinuations(_ slot: ClientSlot, _ replays: Deque<Replay>?) -> [SessionPosition] {
        joins.continuations(of: outlet.id(of: slot)).flatMap { join in
            let told = replays?.first { $0.continuation === join }
            return join.parts.compactMap { part in
                let position = told?.position(in: part.topic.name) ?? part.since
                return position.map { SessionPosition(part.topic.name, $0) }
            }
        }
    }

    private func append(
        progressOf member: SubscriptionSlot,
        in feed: Feed,
        to positions: inout [SessionPosition]
    ) {
        let reader = subscriptions[member]
        if reader.pointee.flags.contains(.isSkipping) { return }
        if reader.pointee.offset == feed.end {
            if let pacer = feed.patternPacer, !pacer.isEmpty {
                guard !reader.pointee.flags.contains(.isAhead) else { return }
                positions += zip(feed.topics, pacer.standings).map { SessionPosition($0.name, $1) }
                return
            }
            for topic in feed.topics {
                positions.append(SessionPosition(topic.name, standing(of: member, in: topic, feed)))
            }
        } else if feed.topics.count == 1, !feed.topics[0].isPattern {
            let position = feed.position(upTo: reader.pointee.offset)
            positions.append(SessionPosition(feed.topics[0].name, position))
        }
    }
}
