import Backplane
import Broker

/// A session as Redis has it.
struct SessionRecord {
    let secret: SecretHash
    var fence: UInt64
    /// `nil` while no connection holds it.
    var node: String?
    var millisecondsEnd: UInt64
    var positions: [SessionPosition] = []
    /// The newest fence that was granted, whatever was written since.
    var newestFence: UInt64
}

extension SessionRecord {
    /// Whether a write with this fence is refused: someone drew a later one, or another node drew the same.
    fileprivate func isStale(_ fence: UInt64, of writer: String) -> Bool {
        self.fence > fence || self.fence == fence && node != writer
    }
}

extension SimulatedRedis {
    private var now: UInt64 { simulation.schedule.now }

    private func record(_ id: SessionID) -> SessionRecord? {
        if let known = keys.sessions[id], known.millisecondsEnd <= now { keys.sessions[id] = nil }
        return keys.sessions[id]
    }

    /// `perseid_session_open`.
    func open(_ id: SessionID, secret: SecretHash, fence: UInt64, node: String, lifetime: UInt64) -> Bool {
        let known = record(id)
        if let known, known.isStale(fence, of: node) { return false }
        var record = SessionRecord(
            secret: secret,
            fence: fence,
            node: node,
            millisecondsEnd: now + lifetime,
            newestFence: max(fence, known?.newestFence ?? 0)
        )
        record.positions = known?.positions ?? []
        keys.sessions[id] = record
        checkFence(fence, record)
        return true
    }

    /// `perseid_session_resume`.
    func resume(_ request: SessionRequest, node: String, lifetime: UInt64) -> SessionGrant? {
        guard var record = record(request.id) else { return nil }
        guard record.secret == request.secret || simulation.sabotage == .ignoresSecrets else { return nil }
        let holder = record.node
        // The clock, as far as it can be trusted: what a lost take-over drew is not drawn again.
        record.fence = max(record.fence + 1, clock * 1_000)
        record.newestFence = max(record.newestFence, record.fence)
        record.node = node
        record.millisecondsEnd = now + lifetime
        keys.sessions[request.id] = record
        simulation.verifier.grant(request.id, secret: request.secret)
        if let holder {
            for listener in hearers where listener.backplane.name == holder {
                listener.passTaken(request.id, record.fence)
            }
        }
        return SessionGrant(fence: record.fence, positions: record.positions)
    }

    /// `perseid_session_save`.
    func save(
        _ id: SessionID,
        fence: UInt64,
        node: String,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        limits: Limits
    ) -> SessionWrite {
        guard var record = record(id) else { return .gone }
        if record.isStale(fence, of: node), simulation.sabotage != .acceptsStaleFences { return .stale }
        checkFence(fence, record)
        guard standing != .ended else {
            keys.sessions[id] = nil
            return .kept
        }
        let lifetime = standing == .held ? limits.heldSessionMilliseconds : limits.resumeMilliseconds
        record.fence = fence
        record.newestFence = max(record.newestFence, fence)
        record.node = standing == .held ? node : nil
        record.millisecondsEnd = now + lifetime
        for change in positions { record.positions.apply(change) }
        keys.sessions[id] = record
        return .kept
    }

    /// I9: a write that is accepted carries the newest fence.
    private func checkFence(_ fence: UInt64, _ record: SessionRecord) {
        simulation.verifier.expect(
            fence >= record.newestFence,
            .ownership,
            "a write with fence \(fence) was accepted after \(record.newestFence) was granted"
        )
    }
}
