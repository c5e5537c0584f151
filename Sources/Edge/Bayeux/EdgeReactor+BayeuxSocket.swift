internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// WebSockets of Bayeux: each is bound to a session, by a handshake or by the first message that names one.
extension EdgeReactor {
    /// Begins with messages of a WebSocket.
    func begin(_ batch: BayeuxBatch, of socket: BayeuxSocket) {
        batch.notes = socket.notes
        let named = batch.clientID.flatMap { SessionToken(clientID: $0) }
        if let token = socket.token {
            batch.token = token
            return goOn(batch)
        }
        guard let token = named else { return goOn(batch) }
        batch.token = token
        let holder = SessionHolder(reactor: number, connection: socket.connection.token)
        ask(.adopt(batch)) {
            .session(SessionRequest(.resume, ticket: $0, id: token.id, secret: token.secret, holder: holder))
        }
    }

    /// A WebSocket goes on with a session that was opened elsewhere.
    func answerAdoption(_ batch: BayeuxBatch, _ outcome: Result<SessionState, SessionFailure>) {
        guard isWaitedFor(batch), let socket = batch.socket, let token = batch.token else {
            if case .success = outcome, let token = batch.token { release(token, of: batch) }
            return
        }
        switch outcome {
        case .success(let state):
            take(state, for: batch)
            guard batch.token != nil else {
                release(token, of: batch)
                break
            }
            guard becomeOwner(of: batch.notes, socket) else {
                release(token, of: batch)
                return refuse(batch, .tooOften)
            }
            bind(socket, to: token, batch.notes, state)
        case .failure(.unknown): batch.token = nil
        case .failure(.backplane): return refuse(batch)
        }
        goOn(batch)
    }

    /// A WebSocket that showed nothing is that of its session's user; says no if those are as many as the user may have without it.
    private func becomeOwner(of notes: BayeuxNotes, _ socket: BayeuxSocket) -> Bool {
        let shown = credentials(of: socket.connection.slot)
        guard shown.identity == nil, let identity = notes.identity, isGood(identity) else { return true }
        return become(Credentials(identity: identity, key: shown.key), socket)
    }

    /// Binds a WebSocket to a session, and has its channels told on it, unless its client acknowledges them with its connects.
    func bind(_ socket: BayeuxSocket, to token: SessionToken, _ notes: BayeuxNotes, _ state: SessionState) {
        let slot = socket.connection.slot
        socket.token = token
        socket.notes = notes
        connections[live: slot].pointee.client.session = SessionLink(token.id, saved: state.positions)
        let pace = socket.pace ?? connections[live: slot].pointee.client.pace
        socket.pace = pace
        connections[live: slot].pointee.client.pace = pace.slower(notes.pace)
        let form = connections[live: slot].pointee.client.encoding?.form ?? .plain(isChunked: false)
        connections[live: slot].pointee.client.encoding = Encoding(.webSocket, notes.dialect, form)
        bequeath(slot)
        let who = credentials(of: slot)
        let channels = state.positions.filter { mayKeep($0.channel, who) }
        guard !notes.hasAck, !channels.isEmpty else { return }
        hub.join(slot.client, channels.map { ($0.channel, $0.position) }, entries: notes.members.positions)
    }

    /// The session of a WebSocket is over: its client is told so by the connect that it waits for, and closes by itself. Says
    /// whether the connection is such a one.
    func endBayeuxSession(_ id: SessionID, _ key: SlabKey) -> Bool {
        guard let socket = bayeuxSockets[key], let connection = connections.pointer(to: key), connection.pointee.isOpen,
            let link = connection.pointee.client.session, link.id == id
        else { return false }
        let slot = key.slot
        hub.leaveAll(slot.client, .clean)
        connection.pointee.client.session = nil
        socket.token = nil
        for each in link.saved { _ = hub.unsubscribe(slot.client, from: each.channel) }
        if let hold = socket.hold {
            hub.dropPoll(of: slot.client)
            refuse(hold, .ended)
        }
        return true
    }
}
