import Backplane
import Broker
import Hub
import Wire

extension SimulatedEdge {
    // MARK: Opening

    /// A client connects.
    func accept() -> SimulatedConnection {
        let connection = SimulatedConnection(simulation, self, number: connections.count)
        connections.append(connection)
        return connection
    }

    func open(_ connection: SimulatedConnection, _ opening: SimulatedOpening) {
        guard !connection.isClosed, !isDead else { return }
        guard let token = opening.token else { return begin(connection, opening, token: nil, []) }
        let kind: SessionRequest.Kind = if case .known = opening.session { .resume } else { .open }
        ask(.session(connection, opening)) {
            .session(
                SessionRequest(
                    kind,
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    holder: holder(connection),
                    isPoll: opening.carrier == .poll,
                    isAffine: opening.isAffine
                )
            )
        }
    }

    func answerSession(_ ticket: Ticket, _ outcome: Result<[SessionPosition], SessionFailure>) {
        guard case .session(let connection, let opening)? = takeWaiting(ticket), let token = opening.token else {
            return
        }
        note("session \(token.number) for \(connection.slot.number): \(outcome)")
        if connection.isClosed {
            if case .success = outcome { node.post(.releaseSession(token.id, holder(connection))) }
            return
        }
        switch outcome {
        case .success(let positions):
            connection.client.pointee.session = SessionLink(token.id, saved: positions)
            begin(connection, opening, token: token, positions)
        case .failure(.unknown): refuse(connection, opening, .unknownSession, status: 401)
        case .failure(.backplane):
            if case .known = opening.session { return refuse(connection, opening, .unavailable, status: 503) }
            begin(connection, opening, token: nil, [])
        }
    }

    /// A poll and a stream are told in their head; a stream that is told nothing comes again.
    private func refuse(_ connection: SimulatedConnection, _ opening: SimulatedOpening, _ code: ByeCode, status: Int) {
        if opening.carrier == .poll { return refusePoll(connection, status: status) }
        connection.client.pointee.encoding =
            opening.encoding.hasContentCoding ? opening.plainEncoding : opening.encoding
        hub.sayBye(connection.slot, code, afterMilliseconds: 0)
    }

    private func begin(
        _ connection: SimulatedConnection,
        _ opening: SimulatedOpening,
        token: SimulatedToken?,
        _ known: [SessionPosition]
    ) {
        let channels = opening.channels(with: known)
        connection.client.pointee.pace = opening.pace
        connection.beginsAnew = Set(channels.filter { $0.since == nil }.map(\.name))
        // The whole of a stream is compressed or nothing of it; its client sees by its first bytes which.
        let isCompressed = !channels.isEmpty && channels.allSatisfy { compression(of: $0.name) != .off }
        let isPlain = opening.encoding.hasContentCoding && !isCompressed
        connection.client.pointee.encoding = isPlain ? opening.plainEncoding : opening.encoding
        if opening.carrier == .poll { return beginPoll(connection, opening, token: token, channels) }
        let welcome = ControlMessage.welcome(
            session: token.map { "\($0.number)" },
            node: nodeName,
            heartbeatSeconds: 25
        )
        hub.cork(connection.slot) {
            if opening.encoding.hasContentCoding, !isPlain { hub.beginCodedBody(connection.slot) }
            hub.send(welcome, to: connection.slot)
            if !channels.isEmpty { hub.join(connection.slot, channels) }
        }
    }

    private func beginPoll(
        _ connection: SimulatedConnection,
        _ opening: SimulatedOpening,
        token: SimulatedToken?,
        _ channels: [(name: ChannelName, since: Position?)]
    ) {
        let poll = Poll(
            client: connection.id,
            encoding: opening.encoding,
            hasSession: token != nil,
            hasCursor: channels.contains { $0.since != nil },
            holdMilliseconds: simulation.scenario.limits.pollMilliseconds,
            bytesMax: simulation.scenario.limits.pollBytesMax
        )
        connection.client.pointee.session?.poll = poll
        connection.poll = opening.with(token)
        hub.join(connection.slot, channels, poll: poll)
    }

    // MARK: Commands

    func subscribe(_ connection: SimulatedConnection, to channel: ChannelName, since: Position?) {
        guard connection.isOpen else { return }
        let id = Array("\(simulation.number(of: channel))".utf8)
        guard !hub.isSubscribed(connection.slot, to: channel) else {
            return refuse(connection.slot, channel, commandID: id, code: 409, "channel: already subscribed")
        }
        if since == nil { connection.beginsAnew.insert(channel) }
        hub.join(connection.slot, [(channel, since)], commandID: id)
    }

    func unsubscribe(_ connection: SimulatedConnection, from channel: ChannelName) {
        guard connection.isOpen else { return }
        let id = Array("\(simulation.number(of: channel))".utf8)
        guard hub.unsubscribe(connection.slot, from: channel) else {
            return refuse(connection.slot, channel, commandID: id, code: 404, "channel: not subscribed")
        }
        hub.send(.unsubscribed(id: id, channel: channel.text), to: connection.slot)
    }

    /// A client's pong.
    func confirm(_ connection: SimulatedConnection, _ payload: [UInt8]) {
        guard connection.isOpen else { return }
        payload.withUnsafeBytes { hub.confirm(connection.slot, $0) }
    }

    /// The client's answer to our end.
    func confirmFarewell(_ connection: SimulatedConnection) {
        guard !connection.isClosed, !isDead else { return }
        hub.confirmFarewell(connection.slot)
    }
}
