internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor

// The poller names ready connections in the order in which they became so, and those that stay ready keep their places: a few
// that send without end would use up every turn's time before it comes to the others. So whoever was not come to in his turn
// waits in a line, and while it is not empty everybody new stands behind it. There is a line for those who said little when
// they were last heard, one for those who said much, and one for writing: forty clients that send all they can delay nobody
// who sends a request now and then, and neither do a thousand readers that take a byte at a time.
extension EdgeReactor {
    typealias OverdueRead = (key: SlabKey, readiness: Readiness)

    /// Bytes in one read from which on a client is one that says much.
    static let talkativeBytes = 16_384

    /// Does what the poller says is possible, or notes it for when all that it says is known.
    func attend(to key: SlabKey, _ readiness: Readiness) {
        let connection = connections[live: key.slot]
        if readiness.contains(.write), !connection.pointee.traffic.contains(.isWriteOverdue) {
            if overdueWrites.isEmpty, hasTimeForReady {
                drain(key.slot)
            } else {
                connection.pointee.traffic.insert(.isWriteOverdue)
                overdueWrites.append(key)
            }
        }
        guard !readiness.isDisjoint(with: [.read, .failed]),
            !connection.pointee.isClosed, !connection.pointee.traffic.contains(.isReadOverdue)
        else { return }
        if connection.pointee.link.isHandshaking { return putOffHandshake(key, readiness) }
        if overdueReads.isEmpty, overdueTalkers.isEmpty, hasTimeForReady { return hear(key.slot, readiness) }
        connection.pointee.traffic.insert(.isReadOverdue)
        if connection.pointee.traffic.contains(.isTalkative) {
            overdueTalkers.append((key, readiness))
        } else {
            overdueReads.append((key, readiness))
        }
    }

    /// Whether this turn has time for more of what clients send or take, right when the poller says so.
    private var hasTimeForReady: Bool {
        Clock.monotonicNanoseconds < reactor.now + limits.inputSliceMicroseconds * 1_000
    }

    /// Notes how much a client said at once.
    func noteTalk(_ byteCount: Int, _ connection: UnsafeMutablePointer<Connection>) {
        if byteCount >= Self.talkativeBytes {
            connection.pointee.traffic.insert(.isTalkative)
        } else {
            connection.pointee.traffic.remove(.isTalkative)
        }
    }

    func hear(_ slot: Slot, _ readiness: Readiness) {
        guard readiness.contains(.failed) else {
            _ = readOnce(slot)
            return
        }
        let connection = connections[live: slot]
        if connection.pointee.lifeCycle == .shut, connection.pointee.client.session != nil { readLastWords(slot) }
        fail(slot, connection.pointee.link.failureCode)
    }

    /// Comes to those who were not come to, in their order, for one slice of time for each line; for three where each of them says
    /// little. What sixty publishers say in one turn goes out together.
    func attendOverdue() {
        if !overdueReads.isEmpty { hearOverdue(.quiet, slices: 3) }
        if !overdueTalkers.isEmpty { hearOverdue(.talkative, slices: 1) }
        if !overdueWrites.isEmpty { drainOverdue() }
    }

    /// Whether some are left.
    var isSomebodyOverdue: Bool { !overdueReads.isEmpty || !overdueTalkers.isEmpty || !overdueWrites.isEmpty }

    /// Sends what waits for a client: what is encrypted first.
    private func drain(_ slot: Slot) {
        guard connections[live: slot].pointee.link.isSecure else { return hub.drain(slot.client) }
        if flushEncrypted(slot) { hub.drain(slot.client) }
    }

    private enum Line {
        case quiet
        case talkative
    }

    private func nextOverdue(_ line: Line) -> OverdueRead? {
        switch line {
        case .quiet: overdueReads.popFirst()
        case .talkative: overdueTalkers.popFirst()
        }
    }

    private func hearOverdue(_ line: Line, slices: UInt64) {
        let end = Clock.monotonicNanoseconds + slices * limits.inputSliceMicroseconds * 1_000
        while let (key, readiness) = nextOverdue(line) {
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.traffic.remove(.isReadOverdue)
            let mustNotRead = connection.pointee.traffic.contains(.isReadingPaused) && !readiness.contains(.failed)
            if !connection.pointee.isClosed, !mustNotRead { hear(key.slot, readiness) }
            if Clock.monotonicNanoseconds >= end { break }
        }
    }

    private func drainOverdue() {
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let key = overdueWrites.popFirst() {
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.traffic.remove(.isWriteOverdue)
            if connection.pointee.client.isBlocked || connection.pointee.link.hasUnsent { drain(key.slot) }
            if Clock.monotonicNanoseconds >= end { break }
        }
    }
}
