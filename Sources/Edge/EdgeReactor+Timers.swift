internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    func tick(_ tick: UInt32) {
        due.removeAll(keepingCapacity: true)
        timers.advance(to: tick, into: &due)
        for index in due where connections.isLive(index) { timerFired(index, tick) }
        giveUpJoins(tick)
        writeCheckpoints(tick)
        if let drainDeadlineTick { goOnDraining(tick, deadline: drainDeadlineTick) }
        // Once a second.
        if tick % 4 == 0 {
            metrics.longestTurnMicroseconds.set(Int(reactor.takeLongestTurn() / 1_000))
            renewLongStreams()
            refusedTokens.removeAll()
            metrics.logBytes.set(feeds.values.reduce(0) { $0 + $1.log.retainedBytes })
        }
    }

    /// One timer per connection serves every deadline: what it is for follows from the connection's state.
    private func timerFired(_ index: UInt32, _ tick: UInt32) {
        let connection = connections[live: index]
        let flags = connection.pointee.flags
        if flags.contains(.isClosed) { return }
        if flags.contains(.isClosing) {
            connection.pointee.socket.makeCloseAbortive()
            return close(index)
        }
        let silence = milliseconds(from: connection.pointee.lastSentTick, to: tick)
        if flags.contains(.isBlocked) {
            if silence >= limits.stallMilliseconds { return timeOut(index) }
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds - silence))
        }
        switch connection.pointee.transport {
        case .http: requestTimerFired(index, tick)
        case .webSocket, .eventStream, .jsonStream: heartbeatTimerFired(index, tick, silence: silence)
        }
    }

    private func requestTimerFired(_ index: UInt32, _ tick: UInt32) {
        let connection = connections[live: index]
        if let poll = polls[connections.key(ofLive: index)] { return pollTimerFired(poll, tick) }
        if connection.pointee.flags.contains(.isAnswering) || connection.pointee.joinCount > 0 {
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.keepAliveMilliseconds))
        }
        let waited = milliseconds(from: connection.pointee.lastHeardTick, to: tick)
        let isMidRequest = connection.pointee.input != nil
        let allowed = isMidRequest ? limits.requestMilliseconds : limits.keepAliveMilliseconds
        guard waited >= allowed else {
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: allowed - waited))
        }
        metrics.timeouts.add()
        guard isMidRequest else { return close(index) }
        output.removeAll()
        output.append(rejection: HTTPRejection(status: 408, field: "head", reason: "the request took too long"))
        write(index, output.bytes)
        closeWhenSent(index)
    }

    /// A heartbeat is sent only where nothing else was; a WebSocket that does not even answer that is dead.
    private func heartbeatTimerFired(_ index: UInt32, _ tick: UInt32, silence: UInt64) {
        if isStreamOld(index, tick) { return renewStream(index) }
        // Each at a moment of its own in the last quarter: those who got the same publication are not due together.
        let quarter = limits.heartbeatMilliseconds / 4
        let patience = limits.heartbeatMilliseconds - UInt64.random(in: 0...quarter, using: &spread)
        guard silence + quarter >= limits.heartbeatMilliseconds else {
            return timers.schedule(index, at: reactor.tick(afterMilliseconds: patience - silence))
        }
        let connection = connections[live: index]
        output.removeAll()
        if connection.pointee.transport == .webSocket {
            if connection.pointee.flags.contains(.isPinged) { return timeOut(index) }
            connection.pointee.flags.insert(.isPinged)
            WebSocketEncoder.appendPing(UnsafeRawBufferPointer(start: nil, count: 0), to: &output)
        } else if connection.pointee.transport == .jsonStream {
            output.append(Self.jsonStreamHeartbeat)
        } else {
            output.append(EventStreamEncoder.heartbeat)
        }
        write(index, output.bytes)
        if connection.pointee.flags.contains(.isClosed) { return }
        timers.schedule(index, at: reactor.tick(afterMilliseconds: patience))
    }

    private func timeOut(_ index: UInt32) {
        metrics.timeouts.add()
        connections[live: index].pointee.socket.makeCloseAbortive()
        close(index)
    }

    func milliseconds(from earlier: UInt32, to later: UInt32) -> UInt64 {
        UInt64(later &- earlier) * CoarseClock.tickMilliseconds
    }
}
