internal import Broker

/// The sessions of a single node, as Redis has those of a cluster: the same fences, the same ends.
///
/// Thread: owned by the uplink, inside its backplane. In parts, as `SessionTable`: none of them grows or is looked through
/// for so long that what is published waits.
struct MemorySessions {
    private struct Record {
        let secret: SecretHash
        var fence: UInt64
        var millisecondsEnd: UInt64
        var state: SessionState
    }

    /// What is written to a session.
    struct Change {
        let standing: SessionStanding
        let positions: [SessionPosition]
        let notes: [UInt8]?
    }

    /// Parts that are looked through at a time: all of them in 16 s, for a lapsed record only takes room.
    private static let sweptCount = 16

    private let records = SessionTable<Record>()
    private var nextSwept = 0

    /// Those that were not forgotten yet.
    var count: Int { records.count }

    mutating func grant(_ request: SessionRequest, now: UInt64, lifetime: UInt64) -> Result<
        SessionGrant, SessionFailure
    > {
        let end = now + lifetime
        switch request.kind {
        case .open:
            records[request.id] = Record(
                secret: request.secret,
                fence: 1,
                millisecondsEnd: end,
                state: SessionState(notes: request.notes)
            )
            return .success(SessionGrant(fence: 1, positions: [], notes: request.notes))
        case .resume:
            guard var record = record(request.id, now: now), record.secret == request.secret else {
                return .failure(.unknown)
            }
            record.fence += 1
            record.millisecondsEnd = end
            records[request.id] = record
            return .success(
                SessionGrant(fence: record.fence, positions: record.state.positions, notes: record.state.notes)
            )
        }
    }

    mutating func save(
        _ session: SessionID,
        fence: UInt64,
        _ change: Change,
        now: UInt64,
        lifetime: UInt64
    ) -> SessionWrite {
        guard var record = record(session, now: now) else { return .gone }
        guard record.fence <= fence else { return .stale }
        guard change.standing != .ended else {
            records[session] = nil
            return .kept
        }
        record.fence = fence
        record.millisecondsEnd = now + lifetime
        record.state.apply(change.positions)
        if let notes = change.notes { record.state.notes = notes }
        records[session] = record
        return .kept
    }

    /// Keeps a session for a while; its notes, or `nil` if there is no such session.
    mutating func touch(_ session: SessionID, secret: SecretHash, now: UInt64, lifetime: UInt64) -> [UInt8]? {
        guard var record = record(session, now: now), record.secret == secret else { return nil }
        record.millisecondsEnd = max(record.millisecondsEnd, now + lifetime)
        records[session] = record
        return record.state.notes
    }

    mutating func restore(_ session: SessionID, secret: SecretHash, fence: UInt64, millisecondsEnd: UInt64) {
        records[session] = Record(
            secret: secret,
            fence: fence,
            millisecondsEnd: millisecondsEnd,
            state: SessionState()
        )
    }

    // MARK: For whoever runs the node

    /// Sessions of the parts that follow one, whole parts until there are enough; and the part that is next.
    func list(after: String, countMax: Int, now: UInt64) -> (ids: [SessionID], next: String?) {
        var part = Int(after) ?? 0
        var ids: [SessionID] = []
        while part >= 0, part < SessionTable<Record>.partCount, ids.count < countMax {
            ids += records.all(inPart: part) { $0.millisecondsEnd > now }.map(\.id)
            part += 1
        }
        return (ids, part >= 0 && part < SessionTable<Record>.partCount ? String(part) : nil)
    }

    /// Subscriptions of a session; `nil` if there is no such session.
    func positions(of id: SessionID, now: UInt64) -> [SessionPosition]? { record(id, now: now)?.state.positions }

    /// Ends a session; its fence, or `nil` if there is no such session.
    mutating func end(_ id: SessionID, now: UInt64) -> UInt64? {
        guard let record = record(id, now: now) else { return nil }
        records[id] = nil
        return record.fence
    }

    private func record(_ id: SessionID, now: UInt64) -> Record? {
        records[id].flatMap { $0.millisecondsEnd > now ? $0 : nil }
    }

    /// Forgets those that lapsed, in the parts whose turn it is.
    mutating func sweep(now: UInt64) {
        for _ in 0..<Self.sweptCount {
            let lapsed = records.all(inPart: nextSwept) { $0.millisecondsEnd <= now }
            for (id, _) in lapsed { records[id] = nil }
            nextSwept = (nextSwept + 1) % SessionTable<Record>.partCount
        }
    }
}
