internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// A node that goes away lets its clients go a few at a time, and tells each how long to wait before it comes back.
extension EdgeReactor {
    /// Connections let go in one tick while draining: as many as it takes to be through after three quarters of the
    /// time, so that the nodes that take them over are not flooded and each still has a moment to leave by itself.
    private func drainShare(_ tick: Tick, deadline: Tick) -> Int {
        let stepsLeft = max(deadline.steps(since: tick) - Tick.steps(in: limits.drainMilliseconds / 4), 1)
        return max((connections.count + stepsLeft - 1) / stepsLeft, 64)
    }

    /// Stops accepting and begins to let clients go.
    func beginDraining() {
        guard drainDeadlineTick == nil else { return }
        node.isDraining = true
        // Who is silent from here on is known to have left.
        if number == 0 { sayFacts() }
        listener.close()
        secureListener?.close()
        isListening = false
        let deadline = reactor.tick(afterMilliseconds: limits.drainMilliseconds)
        drainDeadlineTick = deadline
        goOnDraining(reactor.currentTick, deadline: deadline)
    }

    /// Lets go of a batch, and ends when nobody is left or the time is up.
    func goOnDraining(_ tick: Tick, deadline: Tick) {
        var batch = drainShare(tick, deadline: deadline)
        for slot in connections.slots where batch > 0 && connections.isLive(slot) {
            let connection = connections[live: slot]
            if hub.holdsPoll(of: slot.client) {
                batch -= 1
                connection.pointee.answer.insert(.isLast)
                hub.answerHeldPoll(of: slot.client)
                continue
            }
            guard connection.pointee.isOpen, !connection.pointee.answer.contains(.isAwaited) else { continue }
            batch -= 1
            if let body = connection.pointee.input?.lines {
                connection.pointee.answer.insert(.isLast)
                end(body, slot, status: 503, "the node is going away")
                continue
            }
            let after = UInt64.random(in: 0...limits.drainMilliseconds / 4, using: &spread)
            hub.sayBye(slot.client, .drain, afterMilliseconds: after)
        }
        let isOver = deadline.isReached(by: tick)
        if isOver { closeAll() }
        let isEmpty = connections.count == graveyard.count
        if isOver || isEmpty { finish() }
    }

    /// Ends the connections of those who did not leave in time; a process that goes on must not keep them.
    private func closeAll() {
        for slot in connections.slots where connections.isLive(slot) { close(slot) }
    }

    // MARK: Coming back

    /// How many clients a second come back, at most, when all of a node's are sent away or lose it at once.
    private static let reconnectsPerSecond = 2_000

    /// How long a client waits before it comes back: spread, the wider the more there are.
    var reconnectMilliseconds: ClosedRange<UInt64> {
        let count = connections.count * configuration.reactorCount
        return 250...UInt64(1_000 + count * 1_000 / Self.reconnectsPerSecond)
    }
}
