public import Broker
internal import Reactor

// The sessions of this node. The backplane decides who owns one; what is here says which connection has it.
extension Uplink {
    // MARK: Asking

    /// Grants a poll the session that this node has in memory; asks the backplane for any other.
    func ask(for request: SessionRequest) {
        if grantFromMemory(request) { return }
        if request.kind == .open {
            guard hasRoom else { return refuseOpening(request) }
            openingSessions += 1
        }
        // What is known here must be known there before it is asked for.
        if movedSessions.contains(request.id) { saveAgain(request.id) }
        if request.kind == .resume { resumes[request.id, default: ResumesUnderWay()].count += 1 }
        backplane.grant(request)
    }

    /// Whether this node may open one more: each stays in the backplane for as long as it can be resumed, also of a client
    /// that opens one after the other and never comes back.
    private var hasRoom: Bool {
        sessions.count + openingSessions + detachedSessions.count < limits.sessionsMax
    }

    private func refuseOpening(_ request: SessionRequest) {
        metrics.sessionsUnopened.add()
        post(.session(request.ticket, .failure(.backplane(.overloaded))), to: 1 << request.ticket.reactor)
    }

    /// Affinity: a client that polls the same node again costs the backplane nothing. If another node owns the session
    /// since, against what the client says, the next write is refused and says so.
    private func grantFromMemory(_ request: SessionRequest) -> Bool {
        guard request.isPoll, request.isAffine, request.kind == .resume, var session = sessions[request.id],
            session.isPoll,
            session.secret == request.secret
        else { return false }
        displace(session.holder, of: request.id, by: request.holder, .attach)
        session.holder = request.holder
        sessions[request.id] = session
        metrics.sessionsFound.add()
        post(.session(request.ticket, .success(session.state)), to: 1 << request.ticket.reactor)
        return true
    }

    public func granted(_ request: SessionRequest, _ outcome: Result<SessionGrant, SessionFailure>) {
        if request.kind == .open { openingSessions -= 1 }
        switch outcome {
        case .success(let grant):
            if request.kind == .open {
                metrics.sessionsOpened.add()
            } else {
                metrics.sessionsResumed.add()
                if sessions[request.id] == nil { detachedSessions.resume() }
            }
            hold(request, grant)
        case .failure: break
        }
        if let visit = visits.removeValue(forKey: request.ticket) {
            goOn(visit.visit, outcome)
        } else {
            post(.session(request.ticket, outcome.map(\.state)), to: 1 << request.ticket.reactor)
        }
        if request.kind == .resume { endResume(request.id) }
    }

    /// Lets go at once of what was taken over before this node knew that it had it.
    private func endResume(_ id: SessionID) {
        guard var resume = resumes[id] else { return }
        resume.count -= 1
        resumes[id] = resume.count > 0 ? resume : nil
        if let held = sessions[id], held.fence < resume.takenFence { lose(id, resume.taking) }
    }

    private func hold(_ request: SessionRequest, _ grant: SessionGrant) {
        displace(sessions[request.id]?.holder, of: request.id, by: request.holder, request.taking)
        sessions[request.id] = HeldSession(
            secret: request.secret,
            fence: grant.fence,
            positions: request.isPoll || !grant.state.notes.isEmpty ? grant.state.positions : [],
            notes: grant.state.notes,
            holder: request.holder,
            isPoll: request.isPoll,
            idleUntilTick: seat.tick(afterMilliseconds: limits.resumeMilliseconds)
        )
        movedSessions.remove(request.id)
        unsavedSessions.remove(request.id)
        metrics.sessions.set(sessions.count)
    }

    /// Tells a connection that the session it has is another's now, or nobody's.
    private func displace(
        _ holder: SessionHolder?,
        of id: SessionID,
        by other: SessionHolder?,
        _ taking: SessionTaking
    ) {
        guard let holder, holder != other else { return }
        metrics.sessionsTaken.add()
        post(.sessionTaken(id, holder, taking), to: 1 << holder.reactor)
    }

    // MARK: Writing

    /// Takes changes from the connection that holds a session; one that no longer does is not listened to.
    func save(_ id: SessionID, _ holder: SessionHolder, _ changes: [SessionPosition]) {
        guard let session = sessions[id], session.holder == holder else { return }
        guard session.isPoll else { return write(id, session, .held, changes) }
        var positions = session.positions
        // Each poll may name other channels: together they are no more than one connection may have.
        let taken = changes.filter { positions.apply($0, within: limits) }
        sessions[id]?.positions = positions
        if positions.map(\.channel) != session.positions.map(\.channel) {
            write(id, session, .held, taken)
        } else if positions != session.positions {
            movedSessions.insert(id)
        }
    }

    /// A connection lets go of its session, which can be resumed for a while; after a poll it stays here for the next.
    func release(_ id: SessionID, _ holder: SessionHolder) {
        guard let session = sessions[id], session.holder == holder else { return }
        if session.isPoll {
            sessions[id]?.holder = nil
            sessions[id]?.idleUntilTick = seat.tick(afterMilliseconds: limits.resumeMilliseconds)
        } else {
            detachedSessions.add()
            write(id, session, .detached, [])
            forget(id)
        }
    }

    func write(
        _ id: SessionID,
        _ session: HeldSession,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        notes: [UInt8]? = nil,
        for ticket: Ticket? = nil
    ) {
        metrics.sessionWrites.add()
        movedSessions.remove(id)
        backplane.save(id, fence: session.fence, standing, positions, notes: notes, for: ticket)
    }

    public func saved(
        _ id: SessionID,
        fence: UInt64,
        for ticket: Ticket?,
        _ outcome: Result<SessionWrite, BackplaneFailure>
    ) {
        note(outcome, of: id, fence: fence)
        guard let ticket else { return }
        if let visit = visits.removeValue(forKey: ticket) { finish(visit, outcome) }
        if let before = settlements.removeValue(forKey: ticket) {
            finishSettlement(ticket, before, of: id, fence: fence, outcome)
        }
    }

    private func note(_ outcome: Result<SessionWrite, BackplaneFailure>, of id: SessionID, fence: UInt64) {
        guard let session = sessions[id], session.fence == fence else { return }
        switch outcome {
        case .success(.kept): break
        case .success(.stale): lose(id, .attach)
        case .success(.gone):
            metrics.sessionsRestored.add()
            unsavedSessions.insert(id)
            backplane.restore(id, secret: session.secret, fence: session.fence)
        case .failure:
            metrics.sessionWritesFailed.add()
            unsavedSessions.insert(id)
        }
    }

    public func taken(_ id: SessionID, fence: UInt64, _ taking: SessionTaking) {
        if let heard = resumes[id], heard.takenFence < fence {
            resumes[id]?.takenFence = fence
            resumes[id]?.taking = taking
        }
        guard let held = sessions[id], held.fence < fence else { return }
        lose(id, taking)
    }

    /// Another node owns a session: whoever had it here lets go.
    func lose(_ id: SessionID, _ taking: SessionTaking) {
        guard let session = sessions[id] else { return }
        forget(id)
        if session.holder == nil { metrics.sessionsTaken.add() }
        displace(session.holder, of: id, by: nil, taking)
    }

    func forget(_ id: SessionID) {
        sessions[id] = nil
        unsavedSessions.remove(id)
        movedSessions.remove(id)
        metrics.sessions.set(sessions.count)
    }

    // MARK: Time

    /// Begins to repeat what did not get through, to write the checkpoints of polls, and to give up clients that poll no more.
    func tendSessions(_ tick: Tick) {
        guard backplane.isUp else { return }
        if sessionsToTend.isEmpty {
            sessionsToTend = Array(unsavedSessions)
            if nextCheckpointTick.isReached(by: tick) {
                nextCheckpointTick = seat.tick(afterMilliseconds: limits.checkpointMilliseconds)
                sessionsToTend += sessions.all { $0.isIdle(tick) }.map(\.id) + movedSessions
            }
        }
        goOnTendingSessions()
    }

    func goOnTendingSessions() {
        for _ in 0..<Self.slice {
            guard backplane.isUp, backplane.hasRoom, let id = sessionsToTend.popLast() else { break }
            tend(id)
        }
        // An array that was emptied would keep its memory.
        if sessionsToTend.isEmpty { sessionsToTend = [] }
    }

    /// What is known of it by now decides, not why it was to be tended to.
    private func tend(_ id: SessionID) {
        guard let session = sessions[id] else { return }
        if session.isIdle(lastTellTick) {
            write(id, session, .ended, [])
            forget(id)
        } else if unsavedSessions.remove(id) != nil || movedSessions.contains(id) {
            saveAgain(id)
        }
    }

    private func saveAgain(_ id: SessionID) {
        guard let session = sessions[id] else { return }
        if session.isPoll { return write(id, session, .held, session.writtenPositions, notes: session.writtenNotes) }
        if let notes = session.writtenNotes { write(id, session, .held, [], notes: notes) }
        guard let holder = session.holder else { return }
        post(.sessionForgotten(id, holder), to: 1 << holder.reactor)
    }

    /// Tells the backplane of every session twice within its lease: at worst two rounds lie between two turns of one.
    func renewSessions(_ tick: Tick) {
        guard backplane.isUp else { return }
        let due = sessionRenewals.next(tick, within: limits.sessionLeaseMilliseconds / 2, seat: seat) { sessions.keys }
        for id in due {
            if let session = sessions[id] {
                write(id, session, .held, session.writtenPositions, notes: session.writtenNotes)
            }
        }
    }

    /// The node ends: whoever comes back finds the sessions of polls, too, with all that is known of them.
    func leaveSessions(until deadlineNanoseconds: UInt64) {
        for (id, session) in sessions.all() {
            if !backplane.hasRoom { backplane.makeRoom(until: deadlineNanoseconds) }
            write(id, session, .detached, session.writtenPositions, notes: session.writtenNotes)
        }
    }
}
