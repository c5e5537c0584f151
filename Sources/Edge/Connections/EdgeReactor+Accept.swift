internal import Backplane
internal import Broker
internal import Logging
internal import Reactor

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

    private func noteRefusal(_ reason: String) {
        metrics.refused.add()
        guard let heldBack = refusalLog.pass(now: reactor.now) else { return }
        logger.warning("connections refused", metadata: ["reason": "\(reason)", "unmentioned": "\(heldBack)"])
    }

    private func admit(_ link: Link, from peer: PeerAddress) {
        var link = link
        let fromAddress = connectionsByAddress[peer.network, default: 0]
        let share = max(limits.connectionsMax / configuration.reactorCount, 1)
        guard connections.count < share, fromAddress < limits.connectionsPerAddressMax else {
            noteRefusal(
                connections.count < share ? "connections-per-address-max" : "connections-max, or its descriptors"
            )
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
        connectionsByAddress[peer.network] = fromAddress + 1
        timers.schedule(key.slot, at: reactor.tick(afterMilliseconds: limits.requestMilliseconds))
        metrics.accepted.add()
        metrics.httpConnections.add()
    }
}
