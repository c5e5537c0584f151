internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// Messages that came together: whose they are, each in its turn, then what they change, and a connect behind all of them.
extension EdgeReactor {
    /// Begins with a batch, once it is known who shows a token in it.
    func begin(_ batch: BayeuxBatch) {
        guard let token = batch.messages.lazy.compactMap(\.token).first else { return beginIdentified(batch) }
        if let key = key(shownAs: token) {
            batch.credentials.key = key
            batch.socket?.credentials.key = key
        } else if access.takesTokens {
            return identify(batch, token)
        }
        beginIdentified(batch)
    }

    func beginIdentified(_ batch: BayeuxBatch) {
        if let place = batch.handshake { return shakeHands(batch, place) }
        if let socket = batch.socket { return begin(batch, of: socket) }
        batch.token = batch.clientID.flatMap { SessionToken(clientID: $0) }
        guard let token = batch.token else { return goOn(batch) }
        guard batch.hasOthers else { return connect(batch) }
        ask(.visit(batch)) { .visitSession(SessionVisit(ticket: $0, id: token.id, secret: token.secret)) }
    }

    /// The uplink knows of a batch's session, or has written what the batch changes of it.
    func answerVisit(_ ticket: Ticket, _ outcome: Result<SessionState, SessionFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .visit(let batch)?:
            guard isWaitedFor(batch) else { return }
            switch outcome {
            case .success(let state): batch.notes = BayeuxNotes(state.notes)
            case .failure(.unknown): batch.token = nil
            case .failure(.backplane): return refuse(batch)
            }
            goOn(batch)
        case .change(let batch)?:
            guard isWaitedFor(batch) else { return }
            finishChanges(batch, outcome)
        case .heartbeat(let batch, let place)?: answerHeartbeat(batch, place, outcome)
        default: break
        }
    }

    /// Does what is left of a batch, up to a message that has to wait, or to its end.
    func goOn(_ batch: BayeuxBatch) {
        while batch.next < batch.messages.count {
            let place = batch.next
            batch.next += 1
            take(batch.messages[place], place, of: batch)
            if batch.isSubscribing { return }
        }
        if batch.underWay == 0 { gather(batch) }
    }

    private func take(_ message: BayeuxMessage, _ place: Int, of batch: BayeuxBatch) {
        if case .faulty(let fault) = message.request { return refuse(message, place, of: batch, fault) }
        if case .connect = message.request { return }
        guard let fault = stranger(message, batch) else { return act(on: message, place, of: batch) }
        // Who leaves twice has left.
        if case .disconnect = message.request { return batch.reply(place) }
        batch.reply(place, fault: fault)
    }

    /// Why a message is not of the batch's session; `nil` if it is.
    private func stranger(_ message: BayeuxMessage, _ batch: BayeuxBatch) -> BayeuxFault? {
        guard let clientID = message.clientID else {
            if case .publish = message.request { return .unknownClient("") }
            return .missing("clientId")
        }
        return clientID == batch.token?.text ? nil : .unknownClient(clientID)
    }

    private func refuse(_ message: BayeuxMessage, _ place: Int, of batch: BayeuxBatch, _ fault: BayeuxFault) {
        metrics.rejections.add()
        var reply = BayeuxReply(to: message, fault: fault)
        // Only there: elsewhere clients take it for what they are to do next.
        if message.channel == BayeuxChannel.Meta.connect.rawValue { reply.advice = advice(.none) }
        batch.reply(place, reply)
    }

    private func act(on message: BayeuxMessage, _ place: Int, of batch: BayeuxBatch) {
        switch message.request {
        case .subscribe(let subscriptions): subscribe(to: subscriptions, place, of: batch)
        case .unsubscribe(let subscriptions):
            guard batch.changes.count + subscriptions.count <= Self.changesPerBatchMax else {
                return batch.reply(place, fault: .tooMany(batch.messages[place].channel ?? ""))
            }
            batch.changes += subscriptions.compactMap { ChannelName($0.name) }.map { SessionPosition($0, nil) }
            batch.reply(place)
        case .disconnect:
            batch.isLast = true
            batch.reply(place)
        case .publish(let channel, let data): publish(data, to: channel, message, place, of: batch)
        case .service: batch.reply(place, fault: .unknownChannel(message.channel ?? ""))
        case .handshake, .connect, .faulty: break
        }
    }

    // MARK: Publish

    private func publish(
        _ data: [UInt8],
        to name: String,
        _ message: BayeuxMessage,
        _ place: Int,
        of batch: BayeuxBatch
    ) {
        guard let channel = ChannelName(name) else {
            return batch.reply(place, fault: .invalidChannel(message.channel ?? ""))
        }
        guard !channel.isSystem, isAllowed(.publish, channel, credentials(of: batch)) else {
            return batch.reply(place, fault: .forbidden(message.channel ?? ""))
        }
        batch.reply(place)
        batch.published.insert(channel)
        batch.underWay += 1
        metrics.publishes.add()
        ask(.publish(.bayeux(batch, place), channel)) {
            let payload = Payload(kind: .json, bytes: data)
            return .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: nil))
        }
    }

    /// The backplane took a publication of a batch, or did not.
    func answerPublish(_ batch: BayeuxBatch, _ place: Int, isDone: Bool) {
        batch.underWay -= 1
        if !isDone { batch.fail(place, .publishFailed(batch.messages[place].channel ?? "")) }
        if batch.underWay == 0, batch.next == batch.messages.count { gather(batch) }
    }

    // MARK: Subscribe

    /// Notes where a client stands in channels that it has from now on: only then is what follows in the batch looked at, for
    /// what that publishes is to reach it.
    private func subscribe(to subscriptions: [BayeuxMessage.Subscription], _ place: Int, of batch: BayeuxBatch) {
        guard batch.changes.count + subscriptions.count <= Self.changesPerBatchMax else {
            return batch.reply(place, fault: .tooMany(batch.messages[place].channel ?? ""))
        }
        batch.reply(place)
        var heads: [ChannelName] = []
        for each in subscriptions {
            guard let channel = ChannelName(each.name) else {
                return batch.fail(place, .invalidChannel(batch.messages[place].channel ?? ""))
            }
            guard isAllowed(.subscribe, channel, credentials(of: batch)) else {
                return batch.fail(place, .forbidden(batch.messages[place].channel ?? ""))
            }
            switch each.replay {
            case .all: restart(channel, at: .start, batch)
            case .after(let position):
                restart(channel, at: Position(milliseconds: position.milliseconds, sequence: position.sequence), batch)
            case .new, nil: heads.append(channel)
            }
        }
        for channel in heads {
            // A pattern stands where the backplane's clock does.
            if !channel.isPattern, let head = hub.head(of: channel) {
                batch.changes.append(SessionPosition(channel, head))
                continue
            }
            batch.underWay += 1
            batch.headsUnderWay += 1
            ask(.head(batch, place, channel)) { .history($0, channel, since: nil, limit: 0) }
        }
    }

    /// Subscriptions that one batch begins or ends: each is looked for among those that there are.
    private static let changesPerBatchMax = 1_024

    private func restart(_ channel: ChannelName, at position: Position, _ batch: BayeuxBatch) {
        batch.restarts = true
        batch.changes.append(SessionPosition(channel, position))
    }

    /// Where a channel stands that a client is to have from now on.
    func answerHead(
        _ batch: BayeuxBatch,
        _ place: Int,
        _ channel: ChannelName,
        _ outcome: Result<HistoryPage, BackplaneFailure>
    ) {
        batch.underWay -= 1
        batch.headsUnderWay -= 1
        guard isWaitedFor(batch) else { return }
        switch outcome {
        case .success(let page): batch.changes.append(SessionPosition(channel, page.head))
        case .failure: batch.fail(place, .unavailable)
        }
        if !batch.isSubscribing { goOn(batch) }
    }

    // MARK: What came meanwhile

    /// A batch that subscribes and publishes is told in its own answer what came of it, unless its client acknowledges what it
    /// is told, which it does with connects.
    private func gather(_ batch: BayeuxBatch) {
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
        poll.appendElements(to: &batch.deliveries)
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

    private func finishChanges(_ batch: BayeuxBatch, _ outcome: Result<SessionState, SessionFailure>) {
        switch outcome {
        case .success(let state):
            if !batch.isLast { checkSubscriptions(of: batch, state) }
        case .failure(.unknown):
            failSubscriptions(of: batch, .unknownClient(batch.token?.text ?? ""))
            batch.token = nil
        case .failure(.backplane): return refuse(batch)
        }
        if batch.isLast { batch.token = nil }
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

extension BayeuxBatch {
    /// Whether it is asked where channels stand; what follows waits for that.
    var isSubscribing: Bool { headsUnderWay > 0 }
}

extension BayeuxNotes {
    /// What its client is told deliveries in.
    var dialect: DialectID { hasReplay ? .bayeuxReplay : .bayeux }
}
