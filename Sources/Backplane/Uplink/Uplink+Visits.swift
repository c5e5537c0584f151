internal import Broker
internal import Reactor

// Sessions whose clients ask for something without holding them, and answers that are sent only once it is kept what they mean for
// where a client stands.
extension Uplink {
    // MARK: Visits

    /// Does what a client asks of its session; in memory where this node has it.
    func visit(_ visit: SessionVisit) {
        guard let session = sessions[visit.id], session.secret == visit.secret else { return seek(visit) }
        keep(visit.id, session)
        var visit = visit
        visit.changes = news(in: visit, of: session)
        if visit.isQuestion { return answer(visit, .success(session.state)) }
        visits[visit.ticket] = visit
        write(visit.id, session, visit.isLast ? .ended : .held, visit.changes, for: visit.ticket)
    }

    /// What of a visit's changes is new: a subscription that is there stays where it stands, and there are no more than a
    /// connection may have.
    private func news(in visit: SessionVisit, of session: HeldSession) -> [SessionPosition] {
        var positions = session.positions
        return visit.changes.filter { change in
            let isKnown = positions.contains { $0.channel == change.channel }
            if change.position == nil ? !isKnown : isKnown && !visit.restarts { return false }
            return positions.apply(change, countMax: limits.channelsPerConnectionMax)
        }
    }

    /// Asks the backplane for a session that this node does not have. Whether it is there is no reason to take it from who has
    /// it; to change it is.
    private func seek(_ visit: SessionVisit) {
        if visit.isQuestion {
            visits[visit.ticket] = visit
            return backplane.touch(visit.id, secret: visit.secret, for: visit.ticket)
        }
        visits[visit.ticket] = visit
        resumes[visit.id, default: ResumesUnderWay()].count += 1
        backplane.grant(
            SessionRequest(
                .resume,
                ticket: visit.ticket,
                id: visit.id,
                secret: visit.secret,
                holder: nil,
                isPoll: true,
                taking: visit.isLast ? .end : .visit
            )
        )
    }

    public func touched(_ ticket: Ticket, _ outcome: Result<[UInt8]?, BackplaneFailure>) {
        guard let visit = visits.removeValue(forKey: ticket) else { return }
        switch outcome {
        case .success(let notes?): answer(visit, .success(SessionState(notes: notes)))
        case .success(nil): answer(visit, .failure(.unknown))
        case .failure(let failure): answer(visit, .failure(.backplane(failure)))
        }
    }

    /// Goes on with a visit whose session was asked for.
    func goOn(_ visit: SessionVisit, _ outcome: Result<SessionGrant, SessionFailure>) {
        switch outcome {
        case .success: self.visit(visit)
        case .failure(let failure): answer(visit, .failure(failure))
        }
    }

    /// Ends a visit that was written; if another node has the session by then, it is tried once more there.
    func finish(_ visit: SessionVisit, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        switch outcome {
        case .failure(let failure): answer(visit, .failure(.backplane(failure)))
        case .success(.stale):
            var again = visit
            again.attempts += 1
            if again.attempts < Self.visitAttemptsMax {
                seek(again)
            } else {
                answer(visit, .failure(.backplane(.overloaded)))
            }
        case .success(.gone): answer(visit, visit.isLast ? .success(SessionState()) : .failure(.unknown))
        case .success(.kept): apply(visit)
        }
    }

    /// A session that is taken away so often within one request is fought for by others.
    private static let visitAttemptsMax = 4

    private func apply(_ visit: SessionVisit) {
        guard var session = sessions[visit.id] else { return answer(visit, .success(SessionState())) }
        if visit.isLast {
            lose(visit.id, .end)
            return answer(visit, .success(SessionState()))
        }
        for change in visit.changes { session.positions.apply(change) }
        sessions[visit.id] = session
        if let holder = session.holder {
            post(.sessionChanged(visit.id, holder, visit.changes), to: 1 << holder.reactor)
        }
        answer(visit, .success(session.state))
    }

    /// A client that says something is there: its time to come back begins anew.
    private func keep(_ id: SessionID, _ session: HeldSession) {
        var session = session
        let tick = seat.tick(afterMilliseconds: limits.resumeMilliseconds)
        if session.holder == nil, session.idleUntilTick.isReached(by: tick) { session.idleUntilTick = tick }
        sessions[id] = session
    }

    private func answer(_ visit: SessionVisit, _ outcome: Result<SessionState, SessionFailure>) {
        post(.visited(visit.ticket, outcome), to: 1 << visit.ticket.reactor)
    }

    // MARK: Settlements

    /// Writes where a client stands once it has what waits for this to be written.
    func settle(_ settlement: SessionSettlement) {
        guard var session = sessions[settlement.id], session.holder == settlement.holder else {
            return post(.settled(settlement.ticket, .success(.stale)), to: 1 << settlement.ticket.reactor)
        }
        settlements[settlement.ticket] = session.state
        if session.isPoll {
            for change in settlement.changes {
                session.positions.apply(change, countMax: limits.channelsPerConnectionMax)
            }
        }
        if let notes = settlement.notes { session.notes = notes }
        if settlement.isRelease {
            session.holder = nil
            let away = limits.resumeMilliseconds + settlement.awayMilliseconds
            session.idleUntilTick = seat.tick(afterMilliseconds: away)
        }
        sessions[settlement.id] = session
        write(settlement.id, session, .held, settlement.changes, notes: settlement.notes, for: settlement.ticket)
    }

    /// What an answer means was written, or was not: then it is not sent, and its client stands where it stood.
    func finishSettlement(
        _ ticket: Ticket,
        _ before: SessionState,
        of id: SessionID,
        fence: UInt64,
        _ outcome: Result<SessionWrite, BackplaneFailure>
    ) {
        if case .failure = outcome, var session = sessions[id], session.fence == fence {
            if session.isPoll { session.positions = before.positions }
            session.notes = before.notes
            sessions[id] = session
        }
        post(.settled(ticket, outcome), to: 1 << ticket.reactor)
    }
}
