import Backplane
import Broker

// Requests go to the master that has what they are about.
extension SimulatedBackplane {
    func publish(_ request: PublishRequest) {
        let limits = simulation.scenario.limits
        way(to: request.channel).ask(isBulk: false) {
            $0.publish(
                request.payload,
                to: request.channel,
                key: request.idempotencyKey,
                historyCount: limits.historyCountMax
            )
        } _: { [self] in
            delegate?.published(request.ticket, $0)
        }
    }

    func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        way(to: channel).ask(isBulk: false) {
            $0.history(channel, since: since, countMax: countMax, bytesMax: bytesMax)
        } _: { [self] in
            delegate?.read(channel, for: purpose, since: since, $0)
        }
    }

    // MARK: Sessions

    func grant(_ request: SessionRequest) {
        let lifetime = simulation.scenario.limits.heldSessionMilliseconds
        way(to: request.id).ask { [self] redis -> SessionGrant? in
            switch request.kind {
            case .open:
                redis.open(request.id, secret: request.secret, fence: 1, node: name, lifetime: lifetime)
                    ? SessionGrant(fence: 1, positions: []) : nil
            case .resume: redis.resume(request, node: name, lifetime: lifetime)
            }
        } _: { [self] outcome in
            switch outcome {
            case .success(let grant?): delegate?.granted(request, .success(grant))
            case .success(nil): delegate?.granted(request, .failure(.unknown))
            case .failure(let failure): delegate?.granted(request, .failure(.backplane(failure)))
            }
        }
    }

    func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]?,
        for ticket: Ticket?
    ) {
        way(to: session).ask { [self] in
            $0.save(
                session,
                fence: fence,
                node: name,
                standing,
                positions,
                limits: simulation.scenario.limits
            )
        } _: { [self] outcome in
            delegate?.saved(session, fence: fence, for: ticket, outcome)
            if case .success(.stale) = outcome { checkLetGo(of: session, below: fence + 1) }
        }
    }

    /// One master is looked through after the other.
    func find(_ patterns: PatternSet) {
        let masters = simulation.masters
        find(
            patterns,
            among: masters.flatMap { master in simulation.channels.filter { simulation.master(of: $0) === master } }[
                ...
            ]
        )
    }

    /// A part looks at one channel.
    private func find(_ patterns: PatternSet, among channels: ArraySlice<ChannelName>) {
        let (name, rest) = (channels.first!, channels.dropFirst())
        way(to: name).ask {
            let head = $0.head(of: name)
            let found = head == .start ? [] : [(name: name, head: head)]
            return FoundChannels(channels: found, milliseconds: $0.clock, isLast: rest.isEmpty)
        } _: { [self] outcome in
            guard case .success(let part) = outcome else { delegate?.found(nil); return }
            if !part.isLast { find(patterns, among: rest) }
            delegate?.found(part)
        }
    }

    /// Clients of the simulation do not visit their sessions.
    func touch(_ session: SessionID, secret: SecretHash, for ticket: Ticket) {}

    func restore(_ session: SessionID, secret: SecretHash, fence: UInt64) {
        let lifetime = simulation.scenario.limits.heldSessionMilliseconds
        way(to: session).ask { [self] redis -> SessionWrite in
            redis.open(session, secret: secret, fence: fence, node: name, lifetime: lifetime)
                ? .kept : .stale
        } _: { [self] in
            delegate?.saved(session, fence: fence, for: nil, $0)
        }
    }
}
