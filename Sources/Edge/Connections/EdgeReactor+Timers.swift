internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    func tick(_ tick: Tick) {
        fired.removeAll(keepingCapacity: true)
        timers.advance(to: tick, into: &fired)
        for slot in fired where connections.isLive(slot) { due.append(connections.key(ofLive: slot)) }
        writeCheckpoints(tick)
        resumeAccepting()
        if let drainDeadlineTick { goOnDraining(tick, deadline: drainDeadlineTick) }
        if tick.number % Self.stepsPerSecond == 0 { tendEachSecond(tick) }
    }

    private static let stepsPerSecond = UInt32(1_000 / Tick.milliseconds)

    private func tendEachSecond(_ tick: Tick) {
        metrics.turns.set(reactor.turns)
        metrics.longestTurnMicroseconds.set(Int(clamping: reactor.takeLongestTurn() / 1_000))
        lookForOverload()
        renewLongStreams()
        renewBudgets()
        endIdentities()
        revocations.forget(before: wallMilliseconds)
        if UInt64(tick.number / Self.stepsPerSecond) % max(limits.resumeMilliseconds / 1_000, 1) == 0 {
            knownTokens.turn()
        }
        metrics.heldInputBytes.set(heldInputBytes)
        hub.weighAll()
        metrics.hub.heldOutputBytes.set(heldOutputBytes)
        turnTicketKeys()
        tellFacts()
    }

    /// Acts on the timers that came due, for one slice of time: a thousand polls may be over in the same tick. Says whether
    /// some are left.
    func workDueTimers() -> Bool {
        guard !due.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let key = due.popFirst() {
            // One that was set since is in the place of the one that came due: a connection that ends now has all of its time to end.
            if connections.contains(key), !timers.isSet(key.slot) { timerFired(key.slot, reactor.currentTick) }
            if areHeartbeatsMany { sendHeartbeats() }
            if Clock.monotonicNanoseconds >= end { break }
        }
        sendHeartbeats()
        return !due.isEmpty
    }

    /// One timer per connection serves every deadline: what it is for follows from the connection's state. Each of these ends
    /// the connection or says when it is looked at again, so no connection is ever without a timer.
    private func timerFired(_ slot: Slot, _ tick: Tick) {
        let connection = connections[live: slot]
        if connection.pointee.isClosed { return }
        if !connection.pointee.isOpen { return closeTimerFired(slot, tick) }
        // Before the node has nothing to say for so long that only its silence would tell.
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.heartbeatMilliseconds))
        if isDead(connection.pointee) { return timeOut(slot) }
        if connection.pointee.client.isBlocked { return stallTimerFired(slot, tick) }
        if connection.pointee.client.has(.isOneAnswer) { return pollTimerFired(slot) }
        if connection.pointee.client.encoding == nil {
            requestTimerFired(slot, tick)
        } else {
            heartbeatTimerFired(slot, tick)
        }
        if hub.holdsPoll(of: slot.client), let left = hub.answerPollIfDue(of: slot.client) {
            let next = min(left, limits.heartbeatMilliseconds / 4)
            timers.schedule(slot, at: reactor.tick(afterMilliseconds: next))
        }
    }

    /// Whether the peer's system has acknowledged nothing for so long that it would be longer than the limit on stalls when the
    /// next timer says so. A living one acknowledges what it is sent, and the kernel's probes where that is nothing. Of who has
    /// heartbeats it is enough to know that the last was acknowledged, which costs a third of a question for times.
    private func isDead(_ connection: borrowing Connection) -> Bool {
        if connection.hasHeartbeats, connection.link.isAcknowledged { return false }
        guard let silence = connection.link.silenceMilliseconds else { return false }
        let bound = limits.stallMilliseconds - min(limits.stallMilliseconds, limits.heartbeatMilliseconds)
        // Between two heartbeats nothing is acknowledged.
        return silence > max(bound, limits.heartbeatMilliseconds * 3 / 2, Self.silenceMillisecondsMin)
    }

    /// The kernel probes once a second at most, and a probe or two may be lost.
    private static let silenceMillisecondsMin: UInt64 = 5_000

    /// A peer that takes next to nothing is as good as dead. What counts is what its system has acknowledged: the kernel may
    /// take megabytes from us at once, and then nothing for a minute although the peer reads on.
    private func stallTimerFired(_ slot: Slot, _ tick: Tick) {
        let acknowledged = acknowledgedBytes(of: slot).number
        if let stall = stalls[slot], acknowledged &- stall.acknowledgedBytes < UInt32(clamping: limits.stallBytesMin) {
            if tick.milliseconds(since: stall.sinceTick) >= limits.stallMilliseconds { return timeOut(slot) }
        } else {
            // Measured from its last look, or from the block that set this timer.
            let look = limits.stallMilliseconds / Stall.looksPerLimit
            let isFirst = stalls[slot] == nil
            let since = isFirst ? tick.earlier(byMilliseconds: look) : tick
            stalls[slot] = Stall(sinceTick: since, acknowledgedBytes: acknowledged)
        }
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds / Stall.looksPerLimit))
    }

    /// Of a client that is to have its last bytes. One whose road is narrow goes on taking them; one that took next to nothing since the
    /// last look is not waited for, and neither is one that has them all and does not end its direction.
    private func closeTimerFired(_ slot: Slot, _ tick: Tick) {
        let (acknowledged, areAll) = acknowledgedBytes(of: slot)
        let taken = stalls[slot].map { acknowledged &- $0.acknowledgedBytes } ?? .max
        guard !areAll, taken >= UInt32(clamping: max(limits.stallBytesMin, 1)) else {
            connections[live: slot].pointee.link.makeCloseAbortive()
            debug(slot, "closed: the last bytes were not taken in time")
            return close(slot)
        }
        stalls[slot] = Stall(sinceTick: tick, acknowledgedBytes: acknowledged)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.closeMilliseconds))
    }

    /// How many of the bytes that were sent a peer's system has acknowledged, modulo 2^32, and whether that is all of them.
    private func acknowledgedBytes(of slot: Slot) -> (number: UInt32, areAll: Bool) {
        let connection = connections[live: slot]
        let unacknowledged = UInt32(clamping: connection.pointee.link.unacknowledgedBytes)
        return (connection.pointee.sentBytes &- unacknowledged, unacknowledged == 0)
    }

    private func requestTimerFired(_ slot: Slot, _ tick: Tick) {
        let connection = connections[live: slot]
        if let body = connection.pointee.input?.lines { return keepAlive(body, slot, tick) }
        // One that is blocked has another timer.
        if !connection.pointee.isIdle || connection.pointee.client.joinCount > 0 { return }
        let waited = tick.milliseconds(since: connection.pointee.lastHeardTick)
        let isHandshaking = connection.pointee.link.isHandshaking
        let isMidRequest = connection.pointee.input != nil || isHandshaking
        let allowed = isMidRequest ? limits.requestMilliseconds : limits.keepAliveMilliseconds
        guard waited >= allowed else {
            let left = min(allowed - waited, limits.heartbeatMilliseconds)
            return timers.schedule(slot, at: reactor.tick(afterMilliseconds: left))
        }
        metrics.timeouts.add()
        debug(slot, isMidRequest ? "closed: the request took too long" : "closed: no request came")
        guard isMidRequest, !isHandshaking else { return close(slot) }
        output.removeAll()
        output.append(rejection: HTTPRejection(status: 408, field: "head", reason: "the request took too long")) {
            appendDate(to: &$0)
        }
        write(slot, output.bytes)
        closeWhenSent(slot)
    }

    /// Whether a WebSocket may do nothing before it shows who it is.
    func isStranger(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        return access.takesTokens && access.rules.areForKnownOnly && !connection.pointee.isSomebody
            && connection.pointee.client.has(.isTwoWay) && connection.pointee.client.subscriptionCount == 0
    }

    /// Lets go of one that has had its time; it was looked at as it began.
    func turnAway(_ slot: Slot, _ tick: Tick) {
        let waited = tick.milliseconds(since: connections[live: slot].pointee.streamTick)
        guard waited < limits.authenticateMilliseconds else {
            metrics.timeouts.add()
            return hub.sayBye(slot.client, .unauthorized, afterMilliseconds: 0)
        }
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.authenticateMilliseconds - waited))
    }

    func timeOut(_ slot: Slot) {
        debug(slot, "closed: nothing was read, or no ping answered, in time")
        metrics.timeouts.add()
        connections[live: slot].pointee.link.makeCloseAbortive()
        close(slot)
    }
}
