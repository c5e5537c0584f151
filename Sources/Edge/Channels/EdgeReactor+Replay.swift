internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Sends what `output` holds, and behind it what the client of a join missed: as much as its socket takes now, the
    /// rest as it reads on.
    func write(_ slot: Slot, replaying join: Join) {
        let connection = connections[live: slot]
        guard let encoding = connection.pointee.client.encoding else { return }
        var replay = Replay(
            join,
            continuation: join.leavesRest ? continuation(of: join) : nil,
            hasCursors: encoding.hasCursors
        )
        if !connection.pointee.traffic.contains(.isBlocked) { append(&replay, as: encoding, to: &output) }
        write(slot, output.bytes)
        guard !connection.pointee.isClosed else { return }
        if replay.isFinished {
            guard replay.continuation != nil else { return }
            if !connection.pointee.traffic.contains(.isBlocked) { return goOn(behind: replay) }
        }
        let outbox = connection.pointee.client.outbox ?? Outbox(held)
        outbox.append(replay)
        connection.pointee.client.outbox = outbox
        block(slot)
    }

    /// Makes the next frames of a connection's replays once all before them was sent.
    func refillOutbox(_ slot: Slot) {
        let connection = connections[live: slot]
        guard let outbox = connection.pointee.client.outbox, let encoding = connection.pointee.client.encoding else {
            return
        }
        while outbox.isEmpty, let next = outbox.replays.first {
            // It goes on where the client certainly gets all of it: what was sent is behind it.
            if next.isFinished {
                outbox.dropFirstReplay()
                goOn(behind: next)
                continue
            }
            frame.removeAll()
            outbox.withFirstReplay { append(&$0, as: encoding, to: &frame) }
            outbox.append(frame.bytes)
        }
    }

    // MARK: More than is told at once

    /// What goes on for the client of a join that leaves a rest. It stands where the join stood, so the channels stay open.
    private func continuation(of join: Join) -> Join {
        metrics.replaysDivided.add()
        let next = Join(continuing: join)
        for part in next.parts { part.topic.telling[next.client] = part }
        connections[live: Slot(next.client.slot)].pointee.client.joinCount += 1
        continuations[next.client, default: []].append(next)
        return next
    }

    /// Asks for the rest, once a client was told what there was before.
    private func goOn(behind replay: Replay) {
        guard let next = replay.continuation, !next.isDone else { return }
        for part in next.parts {
            part.topic.joins[next.client] = part.topic.telling.removeValue(forKey: next.client)
            part.begin(since: replay.position(in: part.topic.name))
        }
        for part in next.parts where part.topic.isOpen { advance(part) }
        guard next.isReady else { return }
        // In turn, for this may be the middle of a send.
        next.isQueued = true
        readyJoins.append(next)
    }

    /// Forgets a continuation that is done, or never will be.
    func endContinuation(_ join: Join) {
        guard join.isContinuation, var left = continuations[join.client] else { return }
        left.removeAll { $0 === join }
        continuations[join.client] = left.isEmpty ? nil : left
    }

    /// Lets go of what a connection that ends was yet to be told.
    func abandonContinuations(_ slot: Slot) {
        for join in continuations[client(slot)] ?? [] { _ = abandon(join) }
    }

    /// Payload that a join may still be given of what was missed. Who has nothing yet gets one publication at least.
    func replayRoom(of join: Join) -> Int {
        let waiting = connection(of: join.client)?.pointee.client.outbox?.replayBytes ?? 0
        let room = limits.replayBytesMax - join.replayBytes - waiting
        return join.replayBytes + waiting == 0 ? max(room, 1) : room
    }

    /// Tells a client that was subscribed what is gone of the rest, and the next part of it.
    func tellRest(_ slot: Slot, _ join: Join) {
        guard let encoding = connections[live: slot].pointee.client.encoding else { return }
        var cursor = CursorText(join.parts.lazy.map { (topic: $0.topic, position: $0.since) })
        output.removeAll()
        for (number, part) in join.parts.enumerated() {
            cursor.move(number, to: part.position)
            guard part.isRecovered == false, let since = part.since, encoding.hasControlMessages else { continue }
            let text = encoding.hasCursors ? cursor.text : nil
            appendGap(part.topic, from: since, to: part.position, cursor: text, as: encoding, to: &output)
        }
        write(slot, replaying: join)
    }

    private func append(_ replay: inout Replay, as encoding: Encoding, to buffer: inout ByteBuffer) {
        let end = buffer.count + Replay.aheadBytesMax
        while buffer.count < end, let (publication, topic) = replay.next() {
            encoder.append(
                publication.payload,
                position: publication.position,
                channel: topic.name,
                cursor: replay.cursorText?.text,
                as: encoding,
                to: &buffer
            )
            metrics.deliveries.add()
        }
    }
}
