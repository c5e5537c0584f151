internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// What a batch changes of its session: written once all of its messages are done, and with what came of them meanwhile.
extension EdgeReactor {
    // MARK: What came meanwhile

    /// A batch that subscribes and publishes is told in its own answer what came of it, unless its client acknowledges what it
    /// is told, which it does with connects.
    func gather(_ batch: BayeuxBatch) {
        guard isWaitedFor(batch) else { return }
        let channels = batch.changes.filter { $0.position != nil && batch.published.contains($0.channel) }
        guard case .exchange(let exchange) = batch.peer, !channels.isEmpty, !batch.notes.hasAck, batch.connect == nil
        else { return change(batch) }
        let slot = exchange.slot
        let encoding = Encoding(.poll, batch.notes.dialect, isChunked: false)
        let poll = Poll(
            client: exchange.connection.client,
            encoding: encoding,
            hasSession: false,
            hasCursor: true,
            holdMilliseconds: 0,
            bytesMax: limits.pollBytesMax
        )
        connections[live: slot].pointee.client.encoding = encoding
        pollAskers[poll.client] = .batch(batch)
        hub.join(slot.client, channels.map { ($0.channel, $0.position) }, poll: poll)
    }

    /// Takes what a batch is told in its own answer.
    func answer(_ poll: Poll, of batch: BayeuxBatch) {
        stopPolling(poll)
        var elements = ByteBuffer()
        poll.appendElements(to: &elements)
        if !elements.isEmpty, !batch.deliveries.isEmpty { batch.deliveries.append(",") }
        batch.deliveries.append(elements.bytes)
        for standing in poll.standings {
            for place in batch.changes.indices where batch.changes[place].channel == standing.channel {
                batch.changes[place].position = standing.position
            }
        }
        change(batch)
    }

    /// A connection whose poll was answered without an answer of HTTP waits for that as before.
    func stopPolling(_ poll: Poll) {
        pollAskers[poll.client] = nil
        connections[live: Slot(poll.client.slot)].pointee.client.encoding = nil
    }

    // MARK: Changes

    /// Writes what a batch changes of its session.
    func change(_ batch: BayeuxBatch) {
        guard let token = batch.token, batch.isLast || !batch.changes.isEmpty else { return connect(batch) }
        ask(.change(batch)) {
            .visitSession(
                SessionVisit(
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    changes: batch.changes,
                    restarts: batch.restarts,
                    isLast: batch.isLast
                )
            )
        }
    }

    func finishChanges(_ batch: BayeuxBatch, _ outcome: Result<SessionState, SessionFailure>) {
        switch outcome {
        case .success(let state):
            if !batch.isLast { checkSubscriptions(of: batch, state) }
        case .failure(.unknown):
            failSubscriptions(of: batch, .unknownClient(batch.token?.text ?? ""))
            batch.token = nil
        case .failure(.backplane): return refuse(batch)
        }
        if batch.isLast {
            tellOfEnd(of: batch)
            batch.token = nil
        }
        connect(batch)
    }

    /// A session has no more channels than a connection may have.
    private func checkSubscriptions(of batch: BayeuxBatch, _ state: SessionState) {
        for (place, message) in batch.messages.enumerated() where batch.isDone(place) {
            guard case .subscribe(let subscriptions) = message.request else { continue }
            let isKept = subscriptions.allSatisfy { each in
                state.positions.contains { $0.channel.text == each.name }
                    || batch.changes.contains { $0.channel.text == each.name && $0.position == nil }
            }
            if !isKept { batch.fail(place, .tooMany(message.channel ?? "")) }
        }
    }

    private func failSubscriptions(of batch: BayeuxBatch, _ fault: BayeuxFault) {
        for (place, message) in batch.messages.enumerated() where batch.isDone(place) {
            switch message.request {
            case .subscribe, .unsubscribe: batch.fail(place, fault)
            default: break
            }
        }
    }
}

extension BayeuxNotes {
    /// What its client is told deliveries in.
    var dialect: DialectID { hasReplay ? .bayeuxReplay : .bayeux }
}
