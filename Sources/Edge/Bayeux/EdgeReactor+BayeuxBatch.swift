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
        if let fault = batch.tokenFault { return refuse(batch, fault) }
        if let socket = batch.socket { return begin(batch, of: socket) }
        batch.token = batch.clientID.flatMap { SessionToken(clientID: $0) }
        guard let token = batch.token else { return goOn(batch) }
        guard batch.hasOthers else { return connect(batch) }
        ask(.visit(batch)) { .visitSession(SessionVisit(ticket: $0, id: token.id, secret: token.secret)) }
    }

    /// Does nothing of a batch that shows a token that is not taken, whatever its session is allowed. Its client shakes hands anew, with
    /// another token.
    private func refuse(_ batch: BayeuxBatch, _ fault: BayeuxFault) {
        metrics.rejections.add()
        for (place, message) in batch.messages.enumerated() {
            var reply = BayeuxReply(to: message, fault: fault)
            if place == batch.connect { reply.advice = advice(.handshake) }
            batch.reply(place, reply)
        }
        finish(batch)
    }

    /// The uplink knows of a batch's session, or has written what the batch changes of it.
    func answerVisit(_ ticket: Ticket, _ outcome: Result<SessionState, SessionFailure>) {
        switch waiting.removeValue(forKey: ticket.number) {
        case .visit(let batch)?:
            guard isWaitedFor(batch) else { return }
            switch outcome {
            case .success(let state): take(state, for: batch)
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

    /// Takes what is known of a batch's session; another user's is none that there is.
    func take(_ state: SessionState, for batch: BayeuxBatch) {
        if SessionOwner.allows(batch.credentials.identity, state.notes) {
            batch.notes = BayeuxNotes(state.notes)
        } else {
            batch.token = nil
        }
    }

    /// Does what is left of a batch, up to a message that has to wait, or to its end.
    func goOn(_ batch: BayeuxBatch) {
        while batch.next < batch.messages.count {
            let place = batch.next
            batch.next += 1
            take(batch.messages[place], place, of: batch)
            if batch.isHeld { return }
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
        case .service(let channel, let data): call(channel, data, message, place, of: batch)
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
        let who = credentials(of: batch)
        let decision = judge(.publish, channel, who)
        guard !channel.isSystem, decision != .refused else {
            return batch.reply(place, fault: .forbidden(message.channel ?? ""))
        }
        guard waitToPublish(data.count, batch.connection.slot, who) == nil else {
            return batch.reply(place, fault: .tooOften)
        }
        let payload = Payload(kind: .json, bytes: data)
        guard decision == .hook else { return publish(payload, to: channel, place, of: batch) }
        hold(batch)
        askToPublish(payload, to: channel, batch.connection.slot, who, transport: "bayeux") { edge, outcome in
            edge.goOn(behind: batch) {
                switch outcome {
                case .allowed(let answer): edge.publish(answer.data ?? payload, to: channel, place, of: batch)
                case .refused:
                    edge.metrics.forbidden.add()
                    batch.reply(place, fault: .forbidden(message.channel ?? ""))
                case .failed: batch.reply(place, fault: .unavailable)
                }
            }
        }
    }

    /// What follows in a batch waits for a backend.
    private func hold(_ batch: BayeuxBatch) {
        batch.isAsking = true
        batch.underWay += 1
    }

    /// It said what it thinks.
    private func goOn(behind batch: BayeuxBatch, _ act: () -> Void) {
        batch.isAsking = false
        batch.underWay -= 1
        guard isWaitedFor(batch) else { return }
        act()
        if !batch.isHeld { goOn(batch) }
    }

    private func publish(_ payload: Payload, to channel: ChannelName, _ place: Int, of batch: BayeuxBatch) {
        batch.reply(place)
        batch.published.insert(channel)
        batch.underWay += 1
        metrics.publishes.add()
        ask(.publish(.bayeux(batch, place), channel)) {
            .publish(PublishRequest(ticket: $0, channel: channel, payload: payload, idempotencyKey: nil))
        }
    }

    /// The backplane took a publication of a batch, or did not.
    func answerPublish(_ batch: BayeuxBatch, _ place: Int, isDone: Bool) {
        batch.underWay -= 1
        if !isDone { batch.fail(place, .publishFailed(batch.messages[place].channel ?? "")) }
        if batch.underWay == 0, batch.next == batch.messages.count { gather(batch) }
    }

    // MARK: Calls

    /// Asks a service, whose answer is delivered in its channel to who asked.
    private func call(_ name: String, _ data: [UInt8]?, _ message: BayeuxMessage, _ place: Int, of batch: BayeuxBatch) {
        let who = credentials(of: batch)
        guard access.hooks.contains(.call), let channel = ChannelName(name) else {
            return batch.reply(place, fault: .unknownChannel(message.channel ?? ""))
        }
        guard judge(.call, channel, who) != .refused else {
            return batch.reply(place, fault: .forbidden(message.channel ?? ""))
        }
        guard wait(for: .call, batch.connection.slot, who) == nil else { return batch.reply(place, fault: .tooOften) }
        let payload = data.map { Payload(kind: .json, bytes: $0) }
        batch.underWay += 1
        let body = makeCall(channel, payload, batch.connection.slot, who, transport: "bayeux")
        ask(.call, body) { edge, outcome in
            batch.underWay -= 1
            guard edge.isWaitedFor(batch) else { return }
            switch outcome {
            case .allowed(let answer):
                batch.reply(place)
                batch.deliver(answer.json, inAnswerTo: message)
            case .refused(let refusal): batch.reply(place, fault: BayeuxFault(refusal.code, refusal.message))
            case .failed: batch.reply(place, fault: .unavailable)
            }
            if batch.underWay == 0, batch.next == batch.messages.count { edge.goOn(batch) }
        }
    }

    // MARK: Subscribe

    /// Notes where a client stands in channels that it has from now on: only then is what follows in the batch looked at, for
    /// what that publishes is to reach it.
    private func subscribe(to subscriptions: [BayeuxMessage.Subscription], _ place: Int, of batch: BayeuxBatch) {
        guard batch.changes.count + subscriptions.count <= Self.changesPerBatchMax else {
            return batch.reply(place, fault: .tooMany(batch.messages[place].channel ?? ""))
        }
        guard waitToSubscribe(subscriptions.count, batch.connection.slot, credentials(of: batch)) == nil else {
            return batch.reply(place, fault: .tooOften)
        }
        batch.reply(place)
        let who = credentials(of: batch)
        var asked: [ChannelName] = []
        for each in subscriptions {
            guard let channel = ChannelName(each.name) else {
                return batch.fail(place, .invalidChannel(batch.messages[place].channel ?? ""))
            }
            switch judge(.subscribe, channel, who) {
            case .allowed: break
            case .refused: return batch.fail(place, .forbidden(batch.messages[place].channel ?? ""))
            case .hook: asked.append(channel)
            }
        }
        guard !asked.isEmpty else { return subscribeAllowed(to: subscriptions, place, of: batch) }
        hold(batch)
        askAbout(asked, .subscribe, batch.connection.slot, who, transport: "bayeux") { edge, refused in
            edge.goOn(behind: batch) {
                if refused.isEmpty { return edge.subscribeAllowed(to: subscriptions, place, of: batch) }
                let isRefused = refused.values.contains(403)
                batch.fail(place, isRefused ? .forbidden(batch.messages[place].channel ?? "") : .unavailable)
            }
        }
    }

    private func subscribeAllowed(to subscriptions: [BayeuxMessage.Subscription], _ place: Int, of batch: BayeuxBatch) {
        var heads: [ChannelName] = []
        for each in subscriptions {
            guard let channel = ChannelName(each.name) else { continue }
            switch each.replay {
            case .all: restart(channel, at: .start, batch)
            case .after(let position):
                restart(channel, at: Position(milliseconds: position.milliseconds, sequence: position.sequence), batch)
            case .new, nil: heads.append(channel)
            }
        }
        noteHeads(of: heads, place, batch)
    }

    /// Asks where channels stand that a client has from now on.
    func noteHeads(of heads: [ChannelName], _ place: Int, _ batch: BayeuxBatch) {
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
        if !batch.isHeld { goOn(batch) }
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

    private func finishChanges(_ batch: BayeuxBatch, _ outcome: Result<SessionState, SessionFailure>) {
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

extension BayeuxBatch {
    /// Whether it is asked where channels stand, or what a backend thinks; what follows waits for that.
    var isHeld: Bool { headsUnderWay > 0 || isAsking }

    /// Delivers what a service answers, with the id of the message that asked: some clients look for that.
    func deliver(_ json: [UInt8], inAnswerTo message: BayeuxMessage) {
        if !deliveries.isEmpty { deliveries.append(",") }
        deliveries.append("{\"channel\":")
        deliveries.appendJSONString(message.channel ?? "")
        if let id = message.id {
            deliveries.append(",\"id\":")
            deliveries.append(id)
        }
        deliveries.append(",\"data\":")
        deliveries.append(json)
        deliveries.append("}")
    }
}

extension BayeuxNotes {
    /// What its client is told deliveries in.
    var dialect: DialectID { hasReplay ? .bayeuxReplay : .bayeux }
}
