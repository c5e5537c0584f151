internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// How messages of Bayeux are answered: always with an array in JSON and 200, unless it is no answer of Bayeux at all. Where a client
// stands once it has an answer is written before that is sent: the next node that it comes to knows it.
extension EdgeReactor {
    /// Whether a batch is still waited for.
    func isWaitedFor(_ batch: BayeuxBatch) -> Bool { isOpen(batch.connection) }

    func isOpen(_ key: SlabKey) -> Bool {
        guard let connection = connections.pointer(to: key) else { return false }
        return connection.pointee.isOpen
    }

    /// Answers all of a batch.
    func finish(_ batch: BayeuxBatch) {
        guard isWaitedFor(batch) else { return }
        switch batch.peer {
        case .exchange(let exchange):
            content.removeAll()
            batch.append(to: &content)
            answer(bayeux: exchange)
        case .socket(let socket):
            if !batch.isEmpty {
                content.removeAll()
                batch.append(to: &content)
                send(content.bytes, by: socket)
            }
            goOn(behind: socket)
        }
    }

    /// A WebSocket's next message may be looked at.
    private func goOn(behind socket: BayeuxSocket) {
        let slot = socket.connection.slot
        guard isOpen(socket.connection) else { return }
        connections[live: slot].pointee.answer.remove(.isAwaited)
        if connections[live: slot].pointee.input != nil { goOn(slot) }
    }

    private func send(_ json: UnsafeRawBufferPointer, by socket: BayeuxSocket) {
        output.removeAll()
        WebSocketEncoder.appendText(json, to: &output)
        write(socket.connection.slot, output.bytes)
    }

    /// Sends what `content` holds.
    private func answer(bayeux exchange: Exchange) {
        answer(exchange, contentType: "application/json;charset=UTF-8", content.bytes) {
            $0.append(field: "Cache-Control", "no-store, no-cache")
            $0.append(field: "X-Content-Type-Options", "nosniff")
            // Faye's client for Ruby ends when it sees `SameSite`. Browsers take `Lax` where it is missing, as it would be said.
            if exchange.form.contains(.offersNode) { appendNodeCookie("Path=/; HttpOnly", to: &$0) }
        }
    }

    /// The backplane is away: what is not known cannot be denied, either. The client keeps what it has and comes again.
    func refuse(_ batch: BayeuxBatch) {
        guard isWaitedFor(batch) else { return }
        refusePeer(batch.peer)
    }

    private func refusePeer(_ peer: BayeuxBatch.Peer) {
        switch peer {
        case .exchange(let exchange): fail(exchange, status: 503, "the backplane is away\n")
        case .socket(let socket):
            hub.sayBye(socket.connection.slot.client, .unavailable, afterMilliseconds: drawReconnectMilliseconds())
        }
    }

    /// Answers what is no answer of Bayeux, and not in JSON: Faye's client takes any for a reply to something else, and waits for
    /// its own until that is over.
    private func fail(_ exchange: Exchange, status: Int, _ text: StaticString) {
        metrics.rejections.add()
        var exchange = exchange
        exchange.callback = nil
        answer(exchange, status: status, contentType: "text/plain; charset=utf-8", literal(text)) {
            $0.append(field: "Cache-Control", "no-store")
            if status == 503 { $0.append(field: "Retry-After", 1) }
        }
    }

    // MARK: Connects

    /// A held connect is over: with what was published, or because it was held for long enough.
    func answer(_ poll: Poll, of hold: BayeuxHold) {
        guard isOpen(hold.connection) else { return }
        let slot = hold.connection.slot
        guard let link = connections[live: slot].pointee.client.session else { return }
        // Without acknowledgements it would count as told.
        if poll.hasNews, !hold.notes.hasAck, hold.socket == nil, connections[live: slot].pointee.link.isEnded {
            return close(slot)
        }
        var changes = hold.acknowledged
        let told = link.saved.isEmpty ? [] : poll.standings.filter { !link.saved.contains($0) }
        let members = poll.memberStandings
        if hold.notes.hasAck {
            if poll.hasNews {
                hold.notes.begin(told + members)
                hold.areNotesNew = true
            }
        } else if hold.socket == nil {
            // What a WebSocket is pushed is confirmed by its pongs.
            changes += link.note(told)
            let known = hold.notes.members
            hold.notes.stand(members)
            if hold.notes.members != known { hold.areNotesNew = true }
        }
        hold.answer = poll
        hold.socket?.notes = hold.notes
        guard !changes.isEmpty || hold.areNotesNew || hold.awayMilliseconds > 0 else {
            letGo(of: link, hold)
            return finish(hold)
        }
        ask(.settle(hold)) {
            .settleSession(
                SessionSettlement(
                    ticket: $0,
                    id: link.id,
                    holder: SessionHolder(reactor: number, connection: hold.connection.token),
                    changes: changes,
                    notes: hold.areNotesNew ? hold.notes.text : nil,
                    isRelease: hold.socket == nil,
                    awayMilliseconds: min(hold.awayMilliseconds, Self.awayMillisecondsMax)
                )
            )
        }
        if hold.socket == nil { connections[live: slot].pointee.client.session = nil }
    }

    /// How much longer than others a client may stay away that says so: ten minutes.
    private static let awayMillisecondsMax: UInt64 = 600_000

    private func letGo(of link: SessionLink, _ hold: BayeuxHold) {
        guard hold.socket == nil else { return }
        link.poll = nil
        hub.releaseSession(hold.connection.slot.client)
    }

    /// What a connect's answer means is written, or cannot be.
    func answerSettlement(_ ticket: Ticket, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        guard case .settle(let hold)? = waiting.removeValue(forKey: ticket.number), isOpen(hold.connection) else {
            return
        }
        switch outcome {
        case .success(.kept), .success(.gone): finish(hold)
        case .success(.stale):
            // Somebody else has the session by now, most likely a visit of its client: what was not written is told by the next
            // connect, wherever that comes.
            hold.answer = nil
            refuse(hold, .released)
        // It was not told, so it is not lost.
        case .failure: refusePeer(hold.peer)
        }
    }

    /// Answers a connect with what it has.
    private func finish(_ hold: BayeuxHold, _ reconnect: BayeuxAdvice.Reconnect = .retry) {
        content.removeAll()
        var reply = connectReply(hold)
        reply.advice = advice(reconnect)
        let batch = hold.batch
        let first = batch?.deliveries.isEmpty ?? true
        content.append("[")
        if let batch { content.append(batch.deliveries.bytes) }
        var elements = ByteBuffer()
        hold.answer?.appendElements(to: &elements)
        if !first, !elements.isEmpty { content.append(",") }
        content.append(elements.bytes)
        var isFirst = first && elements.isEmpty
        for each in (batch?.replies ?? []).compactMap({ $0 }) + [reply] {
            if !isFirst { content.append(",") }
            isFirst = false
            each.append(to: &content)
        }
        content.append("]")
        hold.answer = nil
        answer(hold)
    }

    /// Sends what `content` holds to who waits for a connect.
    private func answer(_ hold: BayeuxHold) {
        switch hold.peer {
        case .exchange(let exchange): answer(bayeux: exchange)
        case .socket(let socket):
            if socket.hold === hold {
                socket.hold = nil
                pollAskers[socket.connection.client] = nil
            }
            send(content.bytes, by: socket)
        }
    }

    private func connectReply(_ hold: BayeuxHold) -> BayeuxReply {
        var reply = BayeuxReply(connect: hold.id.map { Array($0.utf8) }, clientID: hold.clientID)
        if hold.notes.hasAck { reply.ack = .number(hold.notes.batch) }
        if let clock = hold.clock { reply.clock = (clock.ofClient, clock.receivedMilliseconds, wallMilliseconds) }
        reply.gaps =
            hold.answer?.gaps.filter { $0.from != .start }
            .map { (channel: $0.topic.name.text, from: $0.from.numbers, to: $0.to.numbers) } ?? []
        return reply
    }

    /// Answers a connect that gets nothing.
    func refuse(_ hold: BayeuxHold, _ why: PollRefusal) {
        guard isOpen(hold.connection) else { return }
        switch (why, hold.peer) {
        case (.unavailable, _): refusePeer(hold.peer)
        // The channels changed, or the session is over: its client goes on from that.
        case (.released, _): finish(hold)
        case (.ended, _), (.dismissed, _): finish(hold, .none)
        case (.forbidden, _):
            content.removeAll()
            var reply = connectReply(hold)
            reply.fault = .forbidden("")
            reply.advice = advice(.none)
            content.append("[")
            reply.append(to: &content)
            content.append("]")
            answer(hold)
        // Its client has another connect: a reply to this one would be taken for that one's, and a 408 sent again.
        case (.displaced, .exchange(let exchange)):
            connections[live: exchange.slot].pointee.answer.insert(.isLast)
            fail(exchange, status: 500, "another connect of this client took its place\n")
        case (.displaced, .socket): break
        }
    }
}
