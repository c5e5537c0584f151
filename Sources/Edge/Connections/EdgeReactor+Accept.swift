internal import Backplane
internal import Broker
internal import Logging
internal import Reactor
internal import Text

extension EdgeReactor {
    /// Accepts as many connections as one turn may; the rest waits in the backlog, and the level-triggered poller says
    /// so again.
    func accept() {
        for _ in 0..<limits.acceptsPerTurnMax {
            switch listener.accept() {
            case .accepted(let socket, let peer): admit(Link(socket), from: peer)
            case .none: return
            case .refused(let error):
                noteRefusal("\(error)")
                return pauseAccepting()
            }
        }
    }

    /// The same for those who come with TLS; but none while as many handshakes wait as may.
    func acceptSecure() {
        for _ in 0..<limits.acceptsPerTurnMax where overdueHandshakes.count < limits.handshakesWaitingMax {
            guard let security, let outcome = secureListener?.accept() else { return }
            switch outcome {
            case .accepted(let socket, let peer):
                admit(Link(socket, security.context, security.records), from: peer)
            case .none: return
            case .refused(let error):
                noteRefusal("\(error)")
                return pauseAccepting()
            }
        }
    }

    /// The system has no descriptor or memory left. Who waits in the backlog would be told of again and again, to no avail.
    private func pauseAccepting() {
        guard acceptsAgainAtTick == nil, isListening else { return }
        acceptsAgainAtTick = reactor.tick(afterMilliseconds: limits.acceptPauseMilliseconds)
        listener.detach(from: reactor.poller)
        secureListener?.detach(from: reactor.poller)
    }

    func resumeAccepting() {
        guard let tick = acceptsAgainAtTick, isDue(tick) else { return }
        acceptsAgainAtTick = nil
        guard isListening else { return }
        do {
            try listener.attach(to: reactor.poller, token: Self.listenerToken)
            try secureListener?.attach(to: reactor.poller, token: Self.secureListenerToken)
        } catch {
            noteRefusal("\(error)")
            acceptsAgainAtTick = reactor.tick(afterMilliseconds: limits.acceptPauseMilliseconds)
        }
    }

    /// Why a connection is not taken; `nil` if it is. A proxy's is not its own: what it carries is counted as that becomes known.
    private func reasonToRefuse(_ peer: PeerAddress, isProxied: Bool) -> String? {
        if connections.count >= max(limits.connectionsMax / configuration.reactorCount, 1) {
            return "connections-max, or its descriptors"
        }
        return isProxied ? nil : reasonToRefuse(peer)
    }

    /// Why another connection of an address is not taken.
    func reasonToRefuse(_ address: PeerAddress) -> String? {
        if node.connectionsByAddress.count(of: address.network) >= limits.connectionsPerAddressMax {
            return "connections-per-address-max"
        }
        return wait(for: .connect, by: address) == nil ? nil : "address-connects-per-second-max"
    }

    func noteRefusal(_ reason: String) {
        metrics.refused.add()
        guard let heldBack = refusalLog.pass(now: reactor.now) else { return }
        logger.warning("connections refused", metadata: ["reason": "\(reason)", "unmentioned": "\(heldBack)"])
    }

    private func admit(_ link: Link, from peer: PeerAddress) {
        var link = link
        let isProxied = isTrusted(peer)
        if let reason = reasonToRefuse(peer, isProxied: isProxied) {
            noteRefusal(reason)
            return link.close()
        }
        let key = connections.insert(Connection(link: link, peer: peer, tick: reactor.currentTick))
        do {
            try reactor.poller.add(link.descriptor, token: key.token, for: .read)
        } catch {
            connections.remove(key)
            noteRefusal("\(error)")
            return link.close()
        }
        if isProxied {
            connections[live: key.slot].pointee.traffic.insert(.isProxied)
            if configuration.proxyProtocol { connections[live: key.slot].pointee.traffic.insert(.awaitsProxyHeader) }
        } else {
            node.connectionsByAddress.add(peer.network)
        }
        if node.overload != nil { connections[live: key.slot].pointee.traffic.insert(.isLate) }
        timers.schedule(key.slot, at: reactor.tick(afterMilliseconds: limits.requestMilliseconds))
        metrics.accepted.add()
        metrics.httpConnections.add()
    }
}
