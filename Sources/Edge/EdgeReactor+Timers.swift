internal import Broker
internal import DequeModule
internal import Reactor
internal import Wire

extension EdgeReactor {
    func tick(_ tick: UInt32) {
        fired.removeAll(keepingCapacity: true)
        timers.advance(to: tick, into: &fired)
        for index in fired where connections.isLive(index) { due.append(connections.key(ofLive: index)) }
        writeCheckpoints(tick)
        resumeAccepting()
        if let drainDeadlineTick { goOnDraining(tick, deadline: drainDeadlineTick) }
        if tick % Self.ticksPerSecond == 0 { tendEachSecond(tick) }
    }

    private static let ticksPerSecond = UInt32(1_000 / CoarseClock.tickMilliseconds)

    private func tendEachSecond(_ tick: UInt32) {
        metrics.turns.set(reactor.turns)
        metrics.longestTurnMicroseconds.set(Int(clamping: reactor.takeLongestTurn() / 1_000))
        renewLongStreams()
        renewBudgets()
        if UInt64(tick / Self.ticksPerSecond) % max(limits.resumeMilliseconds / 1_000, 1) == 0 {
            sessionsByAddress.turn()
        }
        metrics.heldInputBytes.set(held.inputBytes)
        metrics.heldOutputBytes.set(held.outputBytes)
        weighLogs()
        metrics.heldReplayBytes.set(held.replayBytes)
        metrics.logBytes.set(held.logBytes)
    }

    /// Acts on the timers that came due, for one slice of time: a thousand polls may be over in the same tick. Says whether
    /// some are left.
    func workDueTimers() -> Bool {
        guard !due.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let key = due.popFirst() {
            if connections.contains(key) { timerFired(key.index, reactor.currentTick) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !due.isEmpty
    }

    /// One timer per connection serves every deadline: what it is for follows from the connection's state. Each of these ends
    /// the connection or says when it is looked at again, so no connection is ever without a timer.
    private func timerFired(_ index: UInt32, _ tick: UInt32) {
        let connection = connections[live: index]
        let flags = connection.pointee.flags
        if flags.contains(.isClosed) { return }
        if flags.contains(.isClosing) {
            connection.pointee.socket.makeCloseAbortive()
            debug(index, "closed: the last bytes were not taken in time")
            return close(index)
        }
        // Before the node has nothing to say for so long that only its silence would tell.
        timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.heartbeatMilliseconds))
        if isDead(connection.pointee.socket) { return timeOut(index) }
        if flags.contains(.isBlocked) { return stallTimerFired(index, tick) }
        switch connection.pointee.transport {
        case .http: requestTimerFired(index, tick)
        case .webSocket, .eventStream, .jsonStream: heartbeatTimerFired(index, tick)
        }
    }

    /// Whether the peer's system has acknowledged nothing for so long that it would be longer than the limit on stalls when the
    /// next timer says so. A living one acknowledges what it is sent, and the kernel's probes where that is nothing.
    private func isDead(_ socket: Socket) -> Bool {
        guard let silence = socket.silenceMilliseconds else { return false }
        let bound = limits.stallMilliseconds - min(limits.stallMilliseconds, limits.heartbeatMilliseconds)
        return silence > max(bound, limits.heartbeatMilliseconds, Self.silenceMillisecondsMin)
    }

    /// The kernel probes once a second at most, and a probe or two may be lost.
    private static let silenceMillisecondsMin: UInt64 = 5_000

    /// A peer that takes next to nothing is as good as dead. What counts is what its system has acknowledged: the kernel may
    /// take megabytes from us at once, and then nothing for a minute although the peer reads on.
    private func stallTimerFired(_ index: UInt32, _ tick: UInt32) {
        let connection = connections[live: index]
        let unacknowledged = UInt32(clamping: connection.pointee.socket.unacknowledgedBytes)
        let acknowledged = connection.pointee.sentBytes &- unacknowledged
        if let stall = stalls[index], acknowledged &- stall.acknowledgedBytes < UInt32(clamping: limits.stallBytesMin) {
            if milliseconds(from: stall.sinceTick, to: tick) >= limits.stallMilliseconds { return timeOut(index) }
        } else {
            // Measured from its last look, or from the block that set this timer.
            let look = limits.stallMilliseconds / Stall.looksPerLimit
            let isFirst = stalls[index] == nil
            let since = isFirst ? tick &- UInt32(clamping: look / CoarseClock.tickMilliseconds) : tick
            stalls[index] = Stall(sinceTick: since, acknowledgedBytes: acknowledged)
        }
        timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds / Stall.looksPerLimit))
    }

    private func requestTimerFired(_ index: UInt32, _ tick: UInt32) {
        let connection = connections[live: index]
        if let poll = polls[connections.key(ofLive: index)] { return pollTimerFired(poll, tick) }
        let waits: Connection.Flags = [.isAnswering, .isDeferred, .isWaiting]
        if !connection.pointee.flags.isDisjoint(with: waits) || connection.pointee.joinCount > 0 { return }
        let waited = milliseconds(from: connection.pointee.lastHeardTick, to: tick)
        let isMidRequest = connection.pointee.input != nil
        let allowed = isMidRequest ? limits.requestMilliseconds : limits.keepAliveMilliseconds
        guard waited >= allowed else {
            let left = min(allowed - waited, limits.heartbeatMilliseconds)
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: left))
        }
        metrics.timeouts.add()
        debug(index, isMidRequest ? "closed: the request took too long" : "closed: no request came")
        guard isMidRequest else { return close(index) }
        output.removeAll()
        output.append(rejection: HTTPRejection(status: 408, field: "head", reason: "the request took too long"))
        write(index, output.bytes)
        closeWhenSent(index)
    }

    /// A heartbeat is sent only where nothing else was; a WebSocket that does not even answer that is dead.
    private func heartbeatTimerFired(_ index: UInt32, _ tick: UInt32) {
        if isStreamOld(index, tick) { return renewStream(index) }
        let connection = connections[live: index]
        let silence = milliseconds(from: connection.pointee.lastSentTick, to: tick)
        // Each at a moment of its own in the last quarter: those who got the same publication are not due together.
        let quarter = limits.heartbeatMilliseconds / 4
        let patience = limits.heartbeatMilliseconds - UInt64.random(in: 0...quarter, using: &spread)
        guard silence + quarter >= limits.heartbeatMilliseconds else {
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: patience - min(silence, patience)))
        }
        output.removeAll()
        if connection.pointee.transport == .webSocket {
            if connection.pointee.flags.contains(.isPinged) { return timeOut(index) }
            connection.pointee.flags.insert(.isPinged)
            WebSocketEncoder.appendPing(UnsafeRawBufferPointer(start: nil, count: 0), to: &output)
        } else {
            connection.pointee.encoding.appendHeartbeat(to: &output)
        }
        write(index, output.bytes)
        if connection.pointee.flags.contains(.isClosed) { return }
        timers.schedule(index, at: reactor.tick(afterMilliseconds: patience))
    }

    private func timeOut(_ index: UInt32) {
        debug(index, "closed: nothing was read, or no ping answered, in time")
        metrics.timeouts.add()
        connections[live: index].pointee.socket.makeCloseAbortive()
        close(index)
    }

    func milliseconds(from earlier: UInt32, to later: UInt32) -> UInt64 {
        UInt64(later &- earlier) * CoarseClock.tickMilliseconds
    }
}
