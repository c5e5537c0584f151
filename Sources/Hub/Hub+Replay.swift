internal import Broker
internal import DequeModule
internal import Wire

// What a client missed: told as fast as its connection takes it, and by parts where it is much.
extension Hub {
    /// Sends what `output` holds, and behind it what the client of a join missed: as much as its connection takes now, the
    /// rest as it reads on.
    func write(_ slot: ClientSlot, replaying join: Join) {
        let client = outlet.client(at: slot)
        guard let encoding = client.pointee.encoding else { return }
        var replay = Replay(
            join,
            continuation: join.leavesRest ? continuation(of: join) : nil,
            hasCursors: encoding.hasCursors
        )
        if !client.pointee.isBlocked { append(&replay, as: encoding, to: &output) }
        writeInTurn(slot, output.bytes, of: Few(join.topics))
        guard !client.pointee.isClosed else { return }
        if replay.isFinished {
            guard replay.continuation != nil else { return }
            if !client.pointee.isBlocked { return goOn(behind: replay) }
        }
        let outbox = client.pointee.outbox ?? Outbox(held)
        outbox.append(replay)
        client.pointee.outbox = outbox
        block(slot)
    }

    /// Makes the next frames of a client's replays once all before them was sent.
    func refillOutbox(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        guard let outbox = client.pointee.outbox, let encoding = client.pointee.encoding else { return }
        while outbox.isEmpty, let next = outbox.replays.first {
            // It goes on where the client certainly gets all of it: what was sent is behind it.
            if !next.made.isEmpty {
                outbox.dropFirstReplay()
                next.made.withUnsafeBytes { keepOwn($0, in: outbox, of: slot) }
                continue
            }
            if next.isFinished {
                outbox.dropFirstReplay()
                goOn(behind: next)
                continue
            }
            frame.removeAll()
            outbox.withFirstReplay { append(&$0, as: encoding, to: &frame) }
            keepOwn(frame.bytes, in: outbox, of: slot)
        }
    }

    private func append(_ replay: inout Replay, as encoding: Encoding, to buffer: inout ByteBuffer) {
        let end = buffer.count + limits.replayAheadBytesMax
        while buffer.count < end, let (publication, topic, isSnapshot) = replay.next() {
            encoder.append(
                publication.payload,
                position: publication.position,
                channel: topic.name,
                cursor: replay.cursorText?.text,
                isSnapshot: isSnapshot,
                as: encoding,
                to: &buffer
            )
            metrics.deliveries.add()
        }
    }

    // MARK: More than is told at once

    /// What goes on for the client of a join that leaves a rest. It stands where the join stood, so the channels stay open.
    private func continuation(of join: Join) -> Join {
        metrics.replaysDivided.add()
        let next = Join(continuing: join)
        for part in next.parts { part.topic.telling[next.client] = part }
        outlet.client(at: next.client.slot).pointee.joinCount += 1
        joins.list(next)
        return next
    }

    /// Asks for the rest, once a client was told what there was before.
    private func goOn(behind replay: Replay) {
        guard let next = replay.continuation, !next.isDone else { return }
        for (place, part) in next.parts.enumerated() {
            part.topic.joins[next.client] = part.topic.telling.removeValue(forKey: next.client)
            // Channels that a pattern brought meanwhile come behind those that were told.
            let position = place < replay.standings.count ? replay.standings[place].position : nil
            part.begin(since: position, isNamed: replay.cursorText?.names(place) ?? true)
        }
        for part in next.parts where part.topic.isOpen { advance(part) }
        // In turn, for this may be the middle of a send.
        if next.isReady { joins.becomeReady(next) }
    }

    /// Lets go of what a client that ends was yet to be told, and of what follows that.
    func abandonContinuations(_ slot: ClientSlot) {
        for join in joins.ofClient(outlet.id(of: slot)) where join.isContinuation || join.isFollowing {
            _ = abandon(join)
        }
    }

    /// Payload that a join may still be given of what its client missed. A client that has nothing yet gets one publication at
    /// least.
    func replayRoom(of join: Join) -> Int {
        let waiting = outlet.client(join.client)?.pointee.outbox?.replayBytes ?? 0
        let room = limits.replayBytesMax - join.replayBytes - waiting
        return join.replayBytes + waiting == 0 ? max(room, 1) : room
    }

    /// Tells a client that was subscribed what is gone of the rest, and the next part of it.
    func tellRest(_ slot: ClientSlot, _ join: Join) {
        guard let encoding = outlet.client(at: slot).pointee.encoding else { return }
        var cursor = CursorText(join.parts, at: \.toldSince)
        output.removeAll()
        for (number, part) in join.parts.enumerated() {
            if let position = part.toldPosition { cursor.move(number, to: position) }
            guard part.isRecovered == false, let since = part.since, encoding.hasControlMessages else { continue }
            let text = encoding.hasCursors ? cursor.text : nil
            appendGap(part.topic, from: since, to: part.position, cursor: text, as: encoding, to: &output)
        }
        write(slot, replaying: join)
    }
}
