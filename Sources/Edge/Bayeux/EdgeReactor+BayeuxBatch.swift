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
            becomeKnown(batch)
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
    func refuse(_ batch: BayeuxBatch, _ fault: BayeuxFault) {
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

    // MARK: Backends

    /// What follows in a batch waits for a backend.
    func hold(_ batch: BayeuxBatch) {
        batch.isAsking = true
        batch.underWay += 1
    }

    /// It said what it thinks.
    func goOn(behind batch: BayeuxBatch, _ act: () -> Void) {
        batch.isAsking = false
        batch.underWay -= 1
        guard isWaitedFor(batch) else { return }
        act()
        if !batch.isHeld { goOn(batch) }
    }
}

extension BayeuxBatch {
    /// Whether it is asked where channels stand, or what a backend thinks; what follows waits for that.
    var isHeld: Bool { headsUnderWay > 0 || isAsking }
}
