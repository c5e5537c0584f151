internal import Broker
internal import DequeModule
internal import Reactor

// The poller names ready connections in the order in which they became so, and those that stay ready keep their places: a few
// that send without end would use up every turn's time before it comes to the others. So whoever was not come to in his turn
// waits in a line, and while it is not empty everybody new stands behind it. Reading and writing have a line each: a thousand
// readers that take a byte at a time delay no publisher.
extension EdgeReactor {
    /// Does what the poller says is possible, or notes it for the end of the turn.
    func attend(to key: SlabKey, _ readiness: Readiness) {
        let connection = connections[live: key.index]
        if readiness.contains(.write), !connection.pointee.flags.contains(.isWriteOverdue) {
            if overdueWrites.isEmpty, hasTimeForReady {
                drain(key.index)
            } else {
                connection.pointee.flags.insert(.isWriteOverdue)
                overdueWrites.append(key)
            }
        }
        guard !readiness.isDisjoint(with: [.read, .failed]),
            connection.pointee.flags.isDisjoint(with: [.isClosed, .isReadOverdue])
        else { return }
        if overdueReads.isEmpty, hasTimeForReady {
            hear(key.index, readiness)
        } else {
            connection.pointee.flags.insert(.isReadOverdue)
            overdueReads.append((key, readiness))
        }
    }

    /// Whether this turn has time for more of what clients send or take, right when the poller says so.
    private var hasTimeForReady: Bool {
        Clock.monotonicNanoseconds < reactor.now + limits.inputSliceMicroseconds * 1_000
    }

    private func hear(_ index: UInt32, _ readiness: Readiness) {
        guard readiness.contains(.failed) else {
            _ = readOnce(index)
            return
        }
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isShut), connection.pointee.session != nil { readLastWords(index) }
        fail(index, connection.pointee.socket.connectionError?.code ?? 0)
    }

    /// Comes to those who were not come to, in their order, for one slice of time each for reading and for writing. Says
    /// whether some are left.
    func attendOverdue() -> Bool {
        guard !overdueReads.isEmpty || !overdueWrites.isEmpty else { return false }
        var end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let (key, readiness) = overdueReads.popFirst() {
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.flags.remove(.isReadOverdue)
            let mustNotRead = connection.pointee.flags.contains(.isReadingPaused) && !readiness.contains(.failed)
            if !connection.pointee.flags.contains(.isClosed), !mustNotRead { hear(key.index, readiness) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let key = overdueWrites.popFirst() {
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.flags.remove(.isWriteOverdue)
            if connection.pointee.flags.contains(.isBlocked) { drain(key.index) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !overdueReads.isEmpty || !overdueWrites.isEmpty
    }
}
