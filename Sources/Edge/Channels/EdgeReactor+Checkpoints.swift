internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

// What is written of a session is what its client certainly has. A WebSocket says so itself: a checkpoint is a ping behind
// everything that was sent, and counts once its pong is there. A stream has no way back; there it counts once the peer's
// system has acknowledged it, looked at one checkpoint later, so that a proxy in between has had time to pass it on.
extension EdgeReactor {
    /// Notes subscriptions of a connection that begin, with where its client certainly stands.
    func remember(_ slot: Slot, _ positions: [SessionPosition]) {
        guard let link = connections[live: slot].pointee.client.session else { return }
        save(slot, link, link.note(positions))
    }

    func forgetSubscription(_ slot: Slot, to channel: ChannelName) {
        guard let link = connections[live: slot].pointee.client.session else { return }
        let isKnown = link.saved.contains { $0.channel == channel }
        if isKnown { save(slot, link, link.note([SessionPosition(channel, nil)])) }
    }

    private func save(_ slot: Slot, _ link: SessionLink, _ changes: [SessionPosition]) {
        guard !changes.isEmpty else { return }
        let holder = SessionHolder(reactor: number, connection: connections.key(ofLive: slot).token)
        uplink.post(.saveSession(link.id, holder, changes))
    }

    /// The backplane lost what it had.
    func saveSessionAgain(_ id: SessionID, _ holder: SessionHolder) {
        let key = SlabKey(token: holder.connection)
        guard let link = connections.pointer(to: key)?.pointee.client.session, link.id == id else { return }
        save(key.slot, link, link.saved)
    }

    // MARK: In turn

    /// Looks at each connection once in an interval, at an equal share of them in each tick. A share that is too much for
    /// one tick is gone on with in the next.
    func writeCheckpoints(_ tick: Tick) {
        let slots = UInt32(clamping: connections.slotCount)
        let steps = UInt32(clamping: Tick.steps(in: limits.checkpointMilliseconds))
        if tick.number / steps != checkpointRound {
            checkpointRound = tick.number / steps
            if nextCheckpointSlot >= slots { nextCheckpointSlot = 0 }
        }
        let end = UInt32(clamping: UInt64(slots) * UInt64(tick.number % steps + 1) / UInt64(steps))
        var left = limits.checkpointsPerTickMax
        let sliceEnd = Clock.monotonicNanoseconds + Self.sliceMicroseconds * 1_000
        while nextCheckpointSlot < end, left > 0, Clock.monotonicNanoseconds < sliceEnd {
            let slot = Slot(number: nextCheckpointSlot)
            if connections.isLive(slot), checkpoint(slot) { left -= 1 }
            nextCheckpointSlot += 1
        }
    }

    /// Time for checkpoints in one tick: some five hundred pings.
    private static let sliceMicroseconds: UInt64 = 4_000

    /// Says whether there was anything to do.
    private func checkpoint(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        guard let link = connection.pointee.client.session, !connection.pointee.client.has(.isOneAnswer),
            connection.pointee.client.encoding != nil,
            connection.pointee.isOpen
        else { return false }
        if connection.pointee.client.has(.isTwoWay) {
            // One at a time; whoever does not answer is found dead by its heartbeat.
            guard link.unconfirmed.isEmpty else { return false }
        } else if !link.unconfirmed.isEmpty {
            // A replay may wait behind a full socket, in front of what the log says was sent.
            guard !connection.pointee.traffic.contains(.isBlocked), connection.pointee.link.isAcknowledged else {
                return false
            }
            finish(slot, link)
        }
        let moved = progress(of: slot, since: link)
        guard !moved.isEmpty else { return false }
        link.begin(moved)
        if connection.pointee.client.has(.isTwoWay) { sendPing(slot, link.checkpointNumber) }
        return true
    }

    private func finish(_ slot: Slot, _ link: SessionLink) {
        let news = link.confirm()
        guard !news.isEmpty else { return }
        metrics.checkpoints.add()
        save(slot, link, news)
    }

    private func sendPing(_ slot: Slot, _ number: UInt32) {
        output.removeAll()
        withUnsafeBytes(of: number.bigEndian) { WebSocketEncoder.appendPing($0, to: &output) }
        write(slot, output.bytes)
    }

    /// A pong: the client has everything that was sent before the ping it answers.
    func confirm(_ slot: Slot, _ payload: UnsafeRawBufferPointer) {
        guard let link = connections[live: slot].pointee.client.session, payload.count == 4 else { return }
        guard payload.loadUnaligned(as: UInt32.self).bigEndian == link.checkpointNumber else { return }
        finish(slot, link)
    }

    // MARK: At the end

    /// A last checkpoint, before `bye`.
    func noteFarewell(_ slot: Slot) {
        guard let link = connections[live: slot].pointee.client.session, link.poll == nil else { return }
        link.begin(progress(of: slot, since: link))
    }

    /// The client answered our end with its own: it has everything that was sent before.
    func confirmFarewell(_ slot: Slot) {
        guard let link = connections[live: slot].pointee.client.session else { return }
        finish(slot, link)
    }

    /// All that still matters of a WebSocket that was said goodbye to is its answer to that.
    func lookForClose(_ bytes: UnsafeMutableRawBufferPointer, _ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.client.has(.isTwoWay), connection.pointee.client.session != nil else { return }
        var consumed = 0
        while true {
            switch connection.pointee.decoder.next(in: bytes, consumed: &consumed) {
            case .needMore, .failure: return
            case .close: return confirmFarewell(slot)
            default: break
            }
        }
    }

    /// Both directions are ended. Whether in order, and with what last words, is seen by reading on.
    func readLastWords(_ slot: Slot) {
        while !connections[live: slot].pointee.isClosed {
            guard case .moved = readOnce(slot) else { return }
        }
    }

    // MARK: Progress

    /// Subscriptions that moved on since they were saved, as far as the socket has taken them. Where something missed is
    /// still being told, that is as far as it was made into frames.
    private func progress(of slot: Slot, since link: SessionLink) -> [SessionPosition] {
        let replays = connections[live: slot].pointee.client.outbox?.replays
        var moved = progressOfContinuations(slot, replays)
        var next = connections[live: slot].pointee.client.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if let feed = feed(of: reader.pointee.log) {
                let name = feed.topics[0].name
                if let replay = replays?.first(where: { $0.position(in: name) != nil }) {
                    moved += replay.standings
                } else {
                    append(progressOf: reader, in: feed, to: &moved)
                }
            }
            next = reader.pointee.next
        }
        return moved.filter { !link.saved.contains($0) }
    }

    private func progressOfContinuations(_ slot: Slot, _ replays: Deque<Replay>?) -> [SessionPosition] {
        guard let joins = continuations[client(slot)] else { return [] }
        return joins.flatMap { join in
            let told = replays?.first { $0.continuation === join }
            return join.parts.compactMap { part in
                let position = told?.position(in: part.topic.name) ?? part.since
                return position.map { SessionPosition(part.topic.name, $0) }
            }
        }
    }

    private func append(
        progressOf reader: UnsafeMutablePointer<Subscription>,
        in feed: Feed,
        to positions: inout [SessionPosition]
    ) {
        if reader.pointee.flags.contains(.isSkipping) { return }
        if reader.pointee.offset == feed.log.end {
            for topic in feed.topics { positions.append(SessionPosition(topic.name, topic.last)) }
        } else if feed.topics.count == 1 {
            let position = feed.log.position(upTo: reader.pointee.offset)
            positions.append(SessionPosition(feed.topics[0].name, position))
        }
    }
}
