import Backplane
import Broker

// Requests: answered in order, late or not at all.
extension SimulatedBackplane {
    func greet() {
        commands.send { [self] in
            commands.receive { [self] in
                commands.isGreeted = true
                delegate?.linkChanged()
            }
        }
    }

    func failPending() {
        let lost = pending
        pending.removeAll()
        for request in lost { request.fail() }
        delegate?.linkChanged()
    }

    /// Has `execute` happen at Redis and `answer` here; what is not bulk may pass what is. A request that is refused is not executed.
    func ask<Answer>(
        isBulk: Bool = true,
        _ execute: @escaping () -> Answer,
        _ answer: @escaping (Result<Answer, BackplaneFailure>) -> Void
    ) {
        guard commands.isGreeted else { return answer(.failure(.unavailable)) }
        lastRequest += 1
        let number = lastRequest
        pending.append((number, { answer(.failure(.unavailable)) }))
        commands.send(isBulk: isBulk) { [self] in
            let isRefused = simulation.random.once(in: simulation.scenario.requestRefusedOnceIn)
            let outcome: Result<Answer, BackplaneFailure> =
                isRefused ? .failure(.refused("LOADING")) : .success(execute())
            commands.receive { [self] in
                pending.removeAll { $0.number == number }
                answer(outcome)
            }
        }
    }

    func publish(_ request: PublishRequest) {
        let limits = simulation.scenario.limits
        ask(isBulk: false) { [self] in
            simulation.redis.publish(
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
        ask(isBulk: false) { [self] in
            simulation.redis.history(channel, since: since, countMax: countMax, bytesMax: bytesMax)
        } _: { [self] in
            delegate?.read(channel, for: purpose, since: since, $0)
        }
    }

    // MARK: Sessions

    func grant(_ request: SessionRequest) {
        let lifetime = simulation.scenario.limits.heldSessionMilliseconds
        ask { [self] () -> SessionGrant? in
            switch request.kind {
            case .open:
                simulation.redis.open(request.id, secret: request.secret, fence: 1, node: name, lifetime: lifetime)
                    ? SessionGrant(fence: 1, positions: []) : nil
            case .resume: simulation.redis.resume(request, node: name, lifetime: lifetime)
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
        ask { [self] in
            simulation.redis.save(
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

    func find(_ patterns: PatternSet) { find(patterns, among: simulation.channels[...]) }

    /// A part looks at one channel.
    private func find(_ patterns: PatternSet, among channels: ArraySlice<ChannelName>) {
        let (name, rest) = (channels.first!, channels.dropFirst())
        ask { [self] in
            let head = simulation.redis.head(of: name)
            let found = head == .start ? [] : [(name: name, head: head)]
            return FoundChannels(channels: found, milliseconds: simulation.redis.clock, isLast: rest.isEmpty)
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
        ask { [self] () -> SessionWrite in
            simulation.redis.open(session, secret: secret, fence: fence, node: name, lifetime: lifetime)
                ? .kept : .stale
        } _: { [self] in
            delegate?.saved(session, fence: fence, for: nil, $0)
        }
    }
}
