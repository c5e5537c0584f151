import Backplane
import Broker
import Hub
import Reactor

extension SimulatedEdge {
    // MARK: Opening

    /// A client connects.
    func accept() -> SimulatedConnection {
        let connection = SimulatedConnection(simulation, self, slot: UInt32(connections.count))
        connections.append(connection)
        return connection
    }

    func open(_ connection: SimulatedConnection, _ opening: SimulatedOpening) {
        guard !connection.isClosed, !isDead else { return }
        guard let token = opening.token else { return begin(connection, opening, token: nil, []) }
        let kind: SessionRequest.Kind = if case .known = opening.session { .resume } else { .open }
        ask(.session(slot: connection.slot, opening)) {
            .session(
                SessionRequest(
                    kind,
                    ticket: $0,
                    id: token.id,
                    secret: token.secret,
                    holder: holder(connection),
                    isPoll: opening.isPoll,
                    isAffine: opening.isAffine
                )
            )
        }
    }

    func holder(_ connection: SimulatedConnection) -> SessionHolder {
        SessionHolder(reactor: index, connection: UInt64(connection.slot))
    }

    func answerSession(_ ticket: Ticket, _ outcome: Result<[SessionPosition], SessionFailure>) {
        guard case .session(let slot, let opening)? = takeWaiting(ticket), let token = opening.token else { return }
        let connection = connections[Int(slot)]
        note("session \(token.number) for \(slot): \(outcome)")
        if connection.isClosed {
            if case .success = outcome { node.post(.releaseSession(token.id, holder(connection))) }
            return
        }
        switch outcome {
        case .success(let positions):
            connection.session = SessionLink(token.id, saved: positions)
            begin(connection, opening, token: token, positions)
        case .failure(.unknown): sayBye(connection, 4_003)
        case .failure(.backplane):
            if case .known = opening.session { return sayBye(connection, 4_002) }
            begin(connection, opening, token: nil, [])
        }
    }

    private func begin(
        _ connection: SimulatedConnection,
        _ opening: SimulatedOpening,
        token: SimulatedToken?,
        _ known: [SessionPosition]
    ) {
        let channels = opening.channels(with: known)
        if opening.isPoll, let channel = channels.first { return beginPoll(connection, channel, token: token) }
        write(connection, .welcome(token: token?.number ?? 0))
        if !channels.isEmpty { join(connection, channels, isCommand: false) }
    }

    // MARK: Letting go

    func releaseSession(_ connection: SimulatedConnection) {
        guard let link = connection.session else { return }
        connection.session = nil
        node.post(.releaseSession(link.id, holder(connection)))
    }

    func loseSession(_ id: SessionID, _ holder: SessionHolder) {
        let connection = connections[Int(holder.connection)]
        guard !connection.isClosed, let link = connection.session, link.id == id else { return }
        connection.session = nil
        if let poll = connection.poll { displace(poll) } else { sayBye(connection, 4_001) }
    }

    // MARK: Checkpoints

    func remember(_ connection: SimulatedConnection, _ positions: [SessionPosition]) {
        guard let link = connection.session else { return }
        save(connection, link, link.note(positions))
    }

    func forgetSubscription(_ connection: SimulatedConnection, to channel: ChannelName) {
        guard let link = connection.session, link.saved.contains(where: { $0.channel == channel }) else { return }
        save(connection, link, link.note([SessionPosition(channel, nil)]))
    }

    func saveSessionAgain(_ id: SessionID, _ holder: SessionHolder) {
        let connection = connections[Int(holder.connection)]
        guard !connection.isClosed, let link = connection.session, link.id == id else { return }
        save(connection, link, link.saved)
    }

    private func save(
        _ connection: SimulatedConnection,
        _ link: SessionLink,
        _ changes: [SessionPosition]
    ) {
        if !changes.isEmpty { node.post(.saveSession(link.id, holder(connection), changes)) }
    }

    func writeCheckpoints() {
        guard !connections.isEmpty else { return }
        for _ in 0...connections.count / 3 {
            nextCheckpoint = (nextCheckpoint + 1) % connections.count
            checkpoint(connections[nextCheckpoint])
        }
    }

    private func checkpoint(_ connection: SimulatedConnection) {
        guard !connection.isClosed, !connection.isClosing, connection.poll == nil,
            let link = connection.session, link.unconfirmed.isEmpty
        else { return }
        let moved = progress(of: connection, since: link)
        guard !moved.isEmpty else { return }
        link.begin(moved)
        write(connection, .ping(number: link.checkpointNumber))
    }

    private func finish(_ connection: SimulatedConnection, _ link: SessionLink) {
        save(connection, link, link.confirm())
    }

    /// A client's pong.
    func confirm(_ connection: SimulatedConnection, _ number: UInt32) {
        guard !connection.isClosed, let link = connection.session, number == link.checkpointNumber else { return }
        finish(connection, link)
    }

    func noteFarewell(_ connection: SimulatedConnection) {
        guard let link = connection.session else { return }
        link.begin(progress(of: connection, since: link))
    }

    /// The client's answer to our end.
    func confirmFarewell(_ connection: SimulatedConnection) {
        guard !connection.isClosed, !isDead else { return }
        if let link = connection.session { finish(connection, link) }
    }

    private func progress(of connection: SimulatedConnection, since link: SessionLink) -> [SessionPosition] {
        var moved: [SessionPosition] = []
        var next = connection.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next].pointee
            if let topic = topic(of: reader.log), !reader.flags.contains(.isSkipping) {
                let isCurrent = reader.offset == reader.log.end
                moved.append(
                    SessionPosition(topic.name, isCurrent ? topic.last : reader.log.position(upTo: reader.offset))
                )
            }
            next = reader.next
        }
        for join in continuations where join.slot == connection.slot && !join.isDone {
            if let since = join.since { moved.append(SessionPosition(join.topic.name, since)) }
        }
        return moved.filter { !link.saved.contains($0) }
    }
}
