internal import Broker
internal import Hub
internal import Reactor
internal import TLS
internal import Text
internal import Wire

extension EdgeReactor {
    /// Closes a connection now. Its slot is freed at the end of the turn, so whoever holds it in this turn still can.
    func close(_ slot: Slot) {
        let connection = connections[live: slot]
        guard !connection.pointee.isClosed else { return }
        tellOfEnd(of: slot)
        connection.pointee.client.lifeCycle.advance(to: .closed)
        hub.remove(slot.client)
        pollAskers[connections.key(ofLive: slot).client] = nil
        bayeuxSockets[connections.key(ofLive: slot)] = nil
        timers.cancel(slot)
        stalls[slot] = nil
        budgets[connections.key(ofLive: slot)] = nil
        if connection.pointee.isSomebody { keep(nil, of: connections.key(ofLive: slot)) }
        metrics.connections(of: connection.pointee.client.encoding?.carrier).add(-1)
        if connection.pointee.traffic.contains(.isProxied) {
            forgetForwarded(slot)
        } else {
            node.connectionsByAddress.remove(connection.pointee.peer.network)
        }
        connection.pointee.link.close()
        connection.pointee.input = nil
        releaseFragments(slot)
        graveyard.append(connections.key(ofLive: slot))
    }

    /// Closes a connection that broke. One whose peer acknowledged nothing for too long was ended by the kernel, by our limit.
    func fail(_ slot: Slot, _ code: Int32) {
        // bounded: an `errno`
        let error = SystemError(call: "socket", result: -Int(code))
        let fault = security?.records.takeFault().map { "; \($0)" } ?? ""
        debug(slot, "closed: the connection broke", ["error": "\(error)\(fault)"])
        if error.isTimeout { metrics.timeouts.add() }
        close(slot)
    }

    /// Frees the slots of what was closed in this turn.
    func bury() {
        for key in graveyard { connections.remove(key) }
        graveyard.removeAll(keepingCapacity: true)
    }

    /// Ends a connection once what waits for it is sent.
    func closeWhenSent(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen else { return }
        hub.beginEnd(of: slot.client)
        if connection.pointee.isClosed { return }
        connection.pointee.client.lifeCycle.advance(to: .closing)
        connection.pointee.input = nil
        hub.unsubscribeAll(slot.client)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.closeMilliseconds))
        if connection.pointee.client.outbox == nil, !connection.pointee.link.hasUnsent { shut(slot) }
    }

    /// Ends our direction and waits for the peer to end its own: closing at once would reset the connection under an
    /// answer the peer has not read (RFC 9112 §9.6).
    func shut(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.lifeCycle == .closing else { return }
        connection.pointee.client.lifeCycle.advance(to: .shut)
        connection.pointee.link.shutdownWriting()
        if connection.pointee.traffic.contains(.isReadingPaused) {
            connection.pointee.traffic.remove(.isReadingPaused)
            watch(slot)
        }
    }

}
