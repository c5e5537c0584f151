internal import Broker

/// The sessions of a single node, as Redis has those of a cluster: the same fences, the same ends.
///
/// Thread: owned by the uplink, inside its backplane.
struct MemorySessions {
    private struct Record {
        let secret: SecretHash
        var fence: UInt64
        var millisecondsEnd: UInt64
        var positions: [SessionPosition]
    }

    private var records: [SessionID: Record] = [:]

    mutating func grant(_ request: SessionRequest, now: UInt64, lifetime: UInt64) -> Result<
        SessionGrant, SessionFailure
    > {
        let end = now + lifetime
        switch request.kind {
        case .open:
            records[request.id] = Record(secret: request.secret, fence: 1, millisecondsEnd: end, positions: [])
            return .success(SessionGrant(fence: 1, positions: []))
        case .resume:
            guard var record = records[request.id], record.millisecondsEnd > now, record.secret == request.secret else {
                return .failure(.unknown)
            }
            record.fence += 1
            record.millisecondsEnd = end
            records[request.id] = record
            return .success(SessionGrant(fence: record.fence, positions: record.positions))
        }
    }

    mutating func save(
        _ session: SessionID,
        fence: UInt64,
        _ standing: SessionStanding,
        _ positions: [SessionPosition],
        millisecondsEnd: UInt64
    ) -> SessionWrite {
        guard var record = records[session] else { return .gone }
        guard record.fence <= fence else { return .stale }
        guard standing != .ended else {
            records[session] = nil
            return .kept
        }
        record.fence = fence
        record.millisecondsEnd = millisecondsEnd
        for change in positions { record.positions.apply(change) }
        records[session] = record
        return .kept
    }

    mutating func restore(_ session: SessionID, secret: SecretHash, fence: UInt64, millisecondsEnd: UInt64) {
        records[session] = Record(secret: secret, fence: fence, millisecondsEnd: millisecondsEnd, positions: [])
    }

    /// Forgets those that lapsed.
    mutating func sweep(now: UInt64) {
        let lapsed = records.filter { $0.value.millisecondsEnd <= now }
        for id in lapsed.keys { records[id] = nil }
    }
}
