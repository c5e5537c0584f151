internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// The connect that a client always has with the server: it waits for what is published, and the session is its connection's
// meanwhile. By a WebSocket what is published comes without it, unless it is acknowledged; there it is a sign of life.
extension EdgeReactor {
    /// Comes to the connect of a batch, or to its end if there is none.
    func connect(_ batch: BayeuxBatch) {
        guard let place = batch.connect, case .connect(let connect) = batch.messages[place].request else {
            return finish(batch)
        }
        guard let clientID = batch.messages[place].clientID else {
            return refuseConnect(batch, place, .missing("clientId"))
        }
        guard let token = batch.token, clientID == token.text else {
            return refuseConnect(batch, place, .unknownClient(clientID))
        }
        if let known = batch.notes.identity, !isGood(known), credentials(of: batch).identity == nil {
            return refuseConnect(batch, place, .expired)
        }
        if let socket = batch.socket { return hold(batch, place, token, connect, by: socket) }
        // What is published comes by the event stream.
        if connect.type == "eventsource" { return answerHeartbeat(batch, place) }
        let holder = SessionHolder(reactor: number, connection: batch.connection.token)
        ask(.attach(batch, place)) {
            .session(
                SessionRequest(
                    .resume,
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    holder: holder,
                    isPoll: true,
                    isAffine: batch.isAffine
                )
            )
        }
    }

    /// A session that is gone: its client begins anew.
    private func refuseConnect(_ batch: BayeuxBatch, _ place: Int, _ fault: BayeuxFault) {
        var reply = BayeuxReply(to: batch.messages[place], fault: fault)
        reply.advice = advice(.handshake)
        batch.reply(place, reply)
        finish(batch)
    }

    /// The session is this connection's now.
    func answerAttach(_ batch: BayeuxBatch, _ place: Int, _ outcome: Result<SessionState, SessionFailure>) {
        guard let token = batch.token, case .connect(let connect) = batch.messages[place].request else { return }
        guard isWaitedFor(batch), case .exchange(let exchange) = batch.peer else {
            if case .success = outcome { release(token, of: batch) }
            return
        }
        let state: SessionState
        switch outcome {
        case .success(let known): state = known
        case .failure(.unknown): return refuseConnect(batch, place, .unknownClient(token.text))
        case .failure(.backplane): return refuse(batch)
        }
        guard SessionOwner.allows(batch.credentials.identity, state.notes) else {
            release(token, of: batch)
            return refuseConnect(batch, place, .unknownClient(token.text))
        }
        var notes = BayeuxNotes(state.notes)
        let known = notes
        if let identity = batch.credentials.identity { notes.identity = identity }
        batch.notes = notes
        if let identity = notes.identity, !isGood(identity) {
            release(token, of: batch)
            return refuseConnect(batch, place, .expired)
        }
        let link = SessionLink(token.id, saved: state.positions)
        let hold = makeHold(batch, place, token, connect, notes, link)
        if notes != known { hold.areNotesNew = true }
        let poll = makePoll(hold, connect, exchange.connection, isAlone: batch.messages.count == 1)
        link.poll = poll
        connections[live: exchange.slot].pointee.client.session = link
        connections[live: exchange.slot].pointee.client.encoding = poll.encoding
        pollAskers[poll.client] = .hold(hold)
        join(exchange.slot, link.saved, hold, poll, credentials(of: batch))
    }

    /// Lets go of a session that the connection of a batch was given and does not hold.
    func release(_ token: SessionToken, of batch: BayeuxBatch) {
        uplink.post(
            .releaseSession(token.id, SessionHolder(reactor: number, connection: batch.connection.token))
        )
    }

    /// Takes what a connect acknowledges.
    private func makeHold(
        _ batch: BayeuxBatch,
        _ place: Int,
        _ token: SessionToken,
        _ connect: BayeuxConnect,
        _ notes: BayeuxNotes,
        _ link: SessionLink
    ) -> BayeuxHold {
        var notes = notes
        let known = notes
        let acknowledged = link.note(notes.acknowledge(connect.ext.ack, link.saved))
        return BayeuxHold(
            batch,
            token,
            connect,
            id: batch.messages[place].id,
            notes: notes,
            areNotesNew: notes != known,
            acknowledged: acknowledged
        )
    }

    /// The first connect of a client is never held, nor is one that came with other messages: clients wait for both.
    private func makePoll(
        _ hold: BayeuxHold,
        _ connect: BayeuxConnect,
        _ key: SlabKey,
        isAlone: Bool
    ) -> Poll {
        let isHeld = hold.notes.isConnected && isAlone && drainDeadlineTick == nil
        if !hold.notes.isConnected {
            hold.notes.isConnected = true
            hold.areNotesNew = true
        }
        let wished = min(connect.timeoutMilliseconds ?? limits.pollMilliseconds, limits.pollMilliseconds)
        return Poll(
            client: key.client,
            encoding: Encoding(.poll, hold.notes.dialect, isChunked: false),
            hasSession: true,
            hasCursor: true,
            holdMilliseconds: isHeld ? wished : 0,
            bytesMax: limits.pollBytesMax,
            releasesSession: false
        )
    }

    /// The connect of a client that reads an event stream is answered at once, and comes again after a while.
    private func answerHeartbeat(_ batch: BayeuxBatch, _ place: Int) {
        guard batch.hasOthers else {
            // Nobody has asked yet whether there is such a session.
            guard let token = batch.token else { return }
            return ask(.heartbeat(batch, place)) {
                .visitSession(SessionVisit(ticket: $0, id: token.id, secret: token.secret))
            }
        }
        finishHeartbeat(batch, place)
    }

    func answerHeartbeat(_ batch: BayeuxBatch, _ place: Int, _ outcome: Result<SessionState, SessionFailure>) {
        guard isWaitedFor(batch) else { return }
        switch outcome {
        case .success(let state) where !SessionOwner.allows(batch.credentials.identity, state.notes):
            refuseConnect(batch, place, .unknownClient(batch.token?.text ?? ""))
        case .success(let state):
            if let known = BayeuxNotes(state.notes).identity, !isGood(known), batch.credentials.identity == nil {
                return refuseConnect(batch, place, .expired)
            }
            finishHeartbeat(batch, place)
        case .failure(.unknown): refuseConnect(batch, place, .unknownClient(batch.token?.text ?? ""))
        case .failure(.backplane): refuse(batch)
        }
    }

    private func finishHeartbeat(_ batch: BayeuxBatch, _ place: Int) {
        var reply = BayeuxReply(to: batch.messages[place])
        reply.clientID = batch.token?.text
        var advice = advice(.retry)
        advice.intervalMilliseconds = advice.timeoutMilliseconds
        advice.timeoutMilliseconds = 0
        reply.advice = advice
        batch.reply(place, reply)
        finish(batch)
    }

    // MARK: Held

    /// A connect is held by its WebSocket; what came with it is answered without it.
    private func hold(
        _ batch: BayeuxBatch,
        _ place: Int,
        _ token: SessionToken,
        _ connect: BayeuxConnect,
        by socket: BayeuxSocket
    ) {
        let slot = socket.connection.slot
        guard let link = connections[live: slot].pointee.client.session else {
            return refuseConnect(batch, place, .unknownClient(batch.token?.text ?? ""))
        }
        let isAlone = batch.messages.count == 1
        finish(batch)
        guard let connection = connections.pointer(to: socket.connection), connection.pointee.isOpen else { return }
        dropHold(of: socket)
        let empty = BayeuxBatch(
            [batch.messages[place]],
            from: batch.peer,
            credentials: batch.credentials,
            isAffine: false,
            receivedMilliseconds: batch.receivedMilliseconds
        )
        let hold = makeHold(empty, 0, token, connect, socket.notes, link)
        let poll = makePoll(hold, connect, socket.connection, isAlone: isAlone)
        socket.hold = hold
        pollAskers[poll.client] = .hold(hold)
        join(slot, hold.notes.hasAck ? link.saved : [], hold, poll, credentials(of: slot))
    }

    /// What its client may no longer have is left out.
    private func join(
        _ slot: Slot,
        _ positions: [SessionPosition],
        _ hold: BayeuxHold,
        _ poll: Poll,
        _ credentials: Credentials
    ) {
        let channels = positions.map { (name: $0.channel, since: $0.position) }
            .filter { mayKeep($0.name, credentials) }
            .sorted { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
        let pace = connections[live: slot].pointee.client.pace.slower(hold.notes.pace)
        hub.join(slot.client, channels, entries: hold.notes.members.positions, pace: pace, poll: poll)
    }

    /// The newer of two connects wins; the older is never answered.
    func dropHold(of socket: BayeuxSocket) {
        guard socket.hold != nil else { return }
        socket.hold = nil
        pollAskers[socket.connection.client] = nil
        hub.dropPoll(of: socket.connection.slot.client)
    }

    /// A visit changed the session that a connection holds.
    func takeChanges(of id: SessionID, _ key: SlabKey, _ changes: [SessionPosition]) {
        guard let connection = connections.pointer(to: key), connection.pointee.isOpen,
            let link = connection.pointee.client.session, link.id == id
        else { return }
        _ = link.note(changes)
        let slot = key.slot
        if case .hold(let hold)? = pollAskers[key.client], hold.socket == nil || hold.notes.hasAck {
            if hub.holdsPoll(of: slot.client) { apply(changes, toPollOf: slot) } else { hold.wait(for: changes) }
        } else if connection.pointee.client.has(.isStream) {
            // Its channels are those that it began with. Its client comes back, and is told what it missed.
            hub.sayBye(slot.client, .renewed, afterMilliseconds: 0)
        } else if let socket = bayeuxSockets[key], !socket.notes.hasAck {
            apply(changes, toChannelsOf: slot)
        }
    }

    private func apply(_ changes: [SessionPosition], toPollOf slot: Slot) {
        for change in changes where change.position == nil { hub.shortenPoll(of: slot.client, by: change.channel) }
        _ = hub.extendPoll(of: slot.client, with: changes.filter { $0.position != nil })
    }

    private func apply(_ changes: [SessionPosition], toChannelsOf slot: Slot) {
        // A pattern leaves to a channel that is read by its name what was published in it meanwhile; the other way round both would tell it.
        for change in changes.filter({ !$0.channel.isPattern }) + changes.filter(\.channel.isPattern) {
            guard connections[live: slot].pointee.isOpen else { return }
            if let position = change.position {
                guard !hub.isSubscribed(slot.client, to: change.channel) else { continue }
                countChannelChange(slot)
                let isTold = hub.isReadByPattern(slot.client, change.channel)
                hub.join(slot.client, [(change.channel, isTold ? nil : position)])
            } else {
                _ = hub.unsubscribe(slot.client, from: change.channel)
            }
        }
    }

    /// A connect is held from now on: what came for it before that is its, too.
    func didHold(_ hold: BayeuxHold) {
        let changes = hold.takeWaitingChanges()
        if !changes.isEmpty { apply(changes, toPollOf: hold.connection.slot) }
    }
}
