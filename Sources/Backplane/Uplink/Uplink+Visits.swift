internal import Broker
internal import Reactor

/// A visit that waits for the backplane.
struct VisitUnderWay {
    let visit: SessionVisit

    /// The session as it was when the changes were sent; `nil` before.
    var session: HeldSession?
}

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
        visits[visit.ticket] = VisitUnderWay(visit: visit, session: session)
        write(visit.id, session, visit.isLast ? .ended : .held, visit.changes, for: visit.ticket)
    }

    /// What of a visit's changes is new: a subscription that is there stays where it stands, and there are no more than a
    /// connection may have.
    private func news(in visit: SessionVisit, of session: HeldSession) -> [SessionPosition] {
        var positions = session.positions
        return visit.changes.filter { change in
            let isKnown = positions.contains { $0.channel == change.channel }
            if change.position == nil ? !isKnown : isKnown && !visit.restarts { return false }
            return positions.apply(change, within: limits)
        }
    }

    /// Asks the backplane for a session that this node does not have. Whether it is there is no reason to take it from who has
    /// it; to change it is.
    private func seek(_ visit: SessionVisit) {
        visits[visit.ticket] = VisitUnderWay(visit: visit)
        if visit.isQuestion { return backplane.touch(visit.id, secret: visit.secret, for: visit.ticket) }
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
        guard let visit = visits.removeValue(forKey: ticket)?.visit else { return }
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
    func finish(_ ended: VisitUnderWay, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        let visit = ended.visit
        switch outcome {
        case .failure(let failure): answer(visit, .failure(.backplane(failure)))
        case .success(.stale): tryAgain(visit)
        case .success(.gone):
            if visit.isLast { return answer(visit, .success(SessionState())) }
            // What the backplane lost, and is here, it is told before what this writes.
            sessions[visit.id] == nil ? answer(visit, .failure(.unknown)) : tryAgain(visit)
        case .success(.kept): apply(ended)
        }
    }

    private func tryAgain(_ visit: SessionVisit) {
        var again = visit
        again.attempts += 1
        if again.attempts < Self.visitAttemptsMax { return self.visit(again) }
        answer(visit, .failure(.backplane(.overloaded)))
    }

    /// A session that is taken away so often within one request is fought for by others.
    private static let visitAttemptsMax = 4

    /// Whoever took the session over before this was heard has the changes, too: they were written first.
    private func apply(_ ended: VisitUnderWay) {
        let visit = ended.visit
        if visit.isLast {
            lose(visit.id, .end)
            return answer(visit, .success(SessionState()))
        }
        guard var session = ended.session else { return }
        let held = sessions[visit.id].flatMap { $0.fence == session.fence ? $0 : nil }
        if let held { session = held }
        for change in visit.changes { session.positions.apply(change) }
        if held != nil { sessions[visit.id] = session }
        if let holder = held?.holder {
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
                session.positions.apply(change, within: limits)
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
