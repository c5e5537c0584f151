internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// How a client of Bayeux becomes known. What came with a handshake is not looked at, as Bayeux 1.0 §5.1 has it.
extension EdgeReactor {
    func shakeHands(_ batch: BayeuxBatch, _ place: Int) {
        guard case .handshake(let handshake) = batch.messages[place].request else {
            guard case .faulty(let fault) = batch.messages[place].request else { return }
            metrics.rejections.add()
            batch.reply(place, failedHandshake(batch, place, fault, .none))
            return finish(batch)
        }
        if let fault = batch.tokenFault {
            // Another handshake would show the same one, which may be looked at by then.
            batch.reply(place, failedHandshake(batch, place, fault, fault == .unauthorized ? .none : .handshake))
            return finish(batch)
        }
        let pace = handshake.ext.maxRate.map { MaxRate($0).map { Pace($0) } }
        if case .some(nil) = pace {
            batch.reply(place, failedHandshake(batch, place, .wrongType("max-rate"), .none))
            return finish(batch)
        }
        batch.notes.pace = (pace ?? nil) ?? .any
        if node.overload != nil {
            metrics.shed.add()
            batch.reply(place, failedHandshake(batch, place, .unavailable, .handshake))
            return finish(batch)
        }
        guard countSession(of: batch.connection.slot, credentials(of: batch)) else {
            batch.reply(place, failedHandshake(batch, place, .tooOften, .handshake))
            return finish(batch)
        }
        guard let fields = batch.connectFields else { return openSession(batch, place, handshake) }
        askToConnect(batch, fields: fields) { edge, outcome in
            switch outcome {
            case .allowed:
                if let fault = batch.tokenFault {
                    batch.reply(place, edge.failedHandshake(batch, place, fault, .handshake))
                    return edge.finish(batch)
                }
                edge.openSession(batch, place, handshake)
            case .refused:
                edge.metrics.forbidden.add()
                batch.reply(place, edge.failedHandshake(batch, place, .forbidden(""), .none))
                edge.finish(batch)
            case .failed:
                batch.reply(place, edge.failedHandshake(batch, place, .unavailable, .handshake))
                edge.finish(batch)
            }
        }
    }

    private func openSession(_ batch: BayeuxBatch, _ place: Int, _ handshake: BayeuxHandshake) {
        batch.notes.hasAck = handshake.ext.wantsAck
        batch.notes.hasReplay = handshake.ext.wantsReplay
        batch.notes.identity = batch.credentials.identity
        let token = SessionToken(using: &secrets, isBayeux: true)
        batch.token = token
        leaveSession(of: batch)
        // On a WebSocket it is the connection's from now on; else nobody holds it until the first connect.
        let holder = batch.socket.map { SessionHolder(reactor: number, connection: $0.connection.token) }
        ask(.handshake(batch, place)) {
            .session(
                SessionRequest(
                    .open,
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    holder: holder,
                    isPoll: holder == nil,
                    notes: batch.notes.text
                )
            )
        }
    }

    /// A client that shakes hands anew on its WebSocket has another session from then on.
    private func leaveSession(of batch: BayeuxBatch) {
        guard let socket = batch.socket, socket.token != nil else { return }
        let slot = socket.connection.slot
        dropHold(of: socket)
        let channels = connections[live: slot].pointee.client.session?.saved ?? []
        hub.releaseSession(slot.client)
        for each in channels { _ = hub.unsubscribe(slot.client, from: each.channel) }
        socket.token = nil
    }

    func answerHandshake(_ batch: BayeuxBatch, _ place: Int, _ outcome: Result<SessionState, SessionFailure>) {
        guard let token = batch.token else { return }
        guard isWaitedFor(batch) else {
            // Nobody was told of it; what a connection would have held is let go of.
            if case .success = outcome, batch.socket != nil { release(token, of: batch) }
            return
        }
        switch outcome {
        case .success: break
        case .failure(.backplane(.overloaded)):
            batch.reply(place, failedHandshake(batch, place, .tooOften, .handshake))
            return finish(batch)
        case .failure: return refuse(batch)
        }
        if let socket = batch.socket { bind(socket, to: token, batch.notes, SessionState()) }
        var reply = BayeuxReply(to: batch.messages[place])
        reply.clientID = token.text
        reply.connectionTypes = BayeuxHandshake.connectionTypes.filter {
            configuration.answersScripts || "\($0)" != "callback-polling"
        }
        reply.advice = advice(.retry)
        reply.ack = batch.notes.hasAck ? .granted : nil
        reply.grantsReplay = batch.notes.hasReplay
        if case .handshake(let handshake) = batch.messages[place].request, let clock = handshake.ext.clock {
            reply.clock = (clock, batch.receivedMilliseconds, wallMilliseconds)
        }
        batch.reply(place, reply)
        let given = batch.credentials.identity?.given ?? []
        guard !given.isEmpty else { return finish(batch) }
        // What came with a handshake is not looked at; the channels that its client has from the beginning are the session's.
        batch.next = batch.messages.count
        noteHeads(of: given, place, batch)
        if !batch.isHeld { goOn(batch) }
    }

    private func failedHandshake(
        _ batch: BayeuxBatch,
        _ place: Int,
        _ fault: BayeuxFault,
        _ reconnect: BayeuxAdvice.Reconnect
    ) -> BayeuxReply {
        var reply = BayeuxReply(to: batch.messages[place], fault: fault)
        reply.advice = advice(reconnect)
        return reply
    }

    /// What clients are told of how they go on.
    func advice(_ reconnect: BayeuxAdvice.Reconnect) -> BayeuxAdvice {
        BayeuxAdvice(
            reconnect,
            timeoutMilliseconds: limits.pollMilliseconds,
            awayMilliseconds: limits.resumeMilliseconds
        )
    }
}
