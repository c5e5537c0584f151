internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// Heartbeats go to readers that were sent nothing else. Most say only that the node lives, and keep proxies from closing the
// connection; nobody answers them, so they cost half of what a ping and its pong do. That a peer's system is gone is found by the
// kernel, for it acknowledges none of them. That a client is gone behind a system that lives, such as a balancer's, is found
// by the ping that a WebSocket is sent instead now and then.
extension EdgeReactor {
    /// One that is to be sent.
    struct Heartbeat {
        let key: SlabKey
        let bytes: UnsafeRawBufferPointer
    }

    /// A heartbeat is noted only where nothing else was sent; a WebSocket that does not even answer a ping is dead.
    func heartbeatTimerFired(_ slot: Slot, _ tick: Tick) {
        if isStreamOld(slot, tick) { return renewStream(slot) }
        if isStranger(slot) { return turnAway(slot, tick) }
        let connection = connections[live: slot]
        let silence = tick.milliseconds(since: connection.pointee.lastSentTick)
        let quarter = limits.heartbeatMilliseconds / 4
        guard silence + quarter >= limits.heartbeatMilliseconds else {
            // Each at a moment of its own in the last quarter: those who got the same publication are not due together.
            let patience = limits.heartbeatMilliseconds - UInt64.random(in: 0...quarter, using: &spread)
            return timers.schedule(slot, at: reactor.tick(afterMilliseconds: patience - min(silence, patience)))
        }
        guard connection.pointee.client.has(.isTwoWay) else {
            guard let encoding = connection.pointee.client.encoding else { return }
            return note(heartbeats.stream(encoding), for: slot)
        }
        if connection.pointee.traffic.contains(.isPinged) { return timeOut(slot) }
        let asks = mustAsk(connection.pointee, tick)
        if asks { connection.pointee.traffic.insert(.isPinged) }
        note(heartbeats.webSocket(asks: asks), for: slot)
    }

    /// Whether its client would not be heard for longer than the limit if this heartbeat did not ask.
    private func mustAsk(_ connection: borrowing Connection, _ tick: Tick) -> Bool {
        let heartbeatsWithoutAsking = UInt64(max(limits.heartbeatsPerPing, 1) - 1)
        let unheard = tick.milliseconds(since: connection.lastHeardTick)
        return unheard > heartbeatsWithoutAsking * limits.heartbeatMilliseconds || heartbeatsWithoutAsking == 0
    }

    /// What was spread stays spread, so the next one comes when it must, and not before: a sixteenth early, for clients ask of themselves
    /// when they heard nothing for the time that they were promised.
    private func note(_ bytes: UnsafeRawBufferPointer, for slot: Slot) {
        heartbeatsDue.append(Heartbeat(key: connections.key(ofLive: slot), bytes: bytes))
        let patience = limits.heartbeatMilliseconds - limits.heartbeatMilliseconds / 16
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: patience))
    }

    /// Whether those that were noted fill a batch.
    var areHeartbeatsMany: Bool { heartbeatsDue.count >= SendBatch.capacity }

    /// Sends those that were noted, with one system call where there is a ring. Nothing is written between the first that is staged and
    /// the last that is sent: a heartbeat between two parts of a frame would break it.
    func sendHeartbeats() {
        guard !heartbeatsDue.isEmpty else { return }
        var staged: [Heartbeat] = []
        swap(&staged, &heartbeatsDue)
        var single: [Heartbeat] = []
        staged.removeAll { heartbeat in
            guard !stage(heartbeat) else { return false }
            single.append(heartbeat)
            return true
        }
        var next = staged.startIndex
        sends.submit { _, _, transfer in
            finish(staged[next], transfer)
            next += 1
        }
        for heartbeat in single where connections.contains(heartbeat.key) {
            write(heartbeat.key.slot, heartbeat.bytes)
        }
        staged.removeAll(keepingCapacity: true)
        if heartbeatsDue.isEmpty { swap(&staged, &heartbeatsDue) }
    }

    /// Says whether it goes with the others: what is encrypted or compressed here does not, and neither does what must wait.
    private func stage(_ heartbeat: Heartbeat) -> Bool {
        guard let connection = connections.pointer(to: heartbeat.key), connection.pointee.isOpen,
            !connection.pointee.client.isBlocked, !connection.pointee.link.isSealedHere,
            connection.pointee.client.encoding?.hasContentCoding == false
        else { return false }
        let token = SendBatch.Token(number: heartbeat.key.slot.number)
        connection.pointee.link.add(heartbeat.bytes, to: &sends, token: token)
        return true
    }

    private func finish(_ heartbeat: Heartbeat, _ transfer: Socket.Transfer) {
        var sentCount = 0
        switch told(transfer, heartbeat.key.slot.client) {
        case .moved(let count), .filled(let count): sentCount = count
        case .full: break
        case .gone: return
        }
        guard sentCount < heartbeat.bytes.count else { return }
        write(heartbeat.key.slot, UnsafeRawBufferPointer(rebasing: heartbeat.bytes[sentCount...]))
    }
}
