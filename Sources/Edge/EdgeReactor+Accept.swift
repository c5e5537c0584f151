internal import Broker
internal import Logging
internal import Reactor

extension EdgeReactor {
    /// Accepts as many connections as one turn may; the rest waits in the backlog, and the level-triggered poller says
    /// so again.
    func accept() {
        for _ in 0..<limits.acceptsPerTurnMax {
            switch listener.accept() {
            case .accepted(let socket, let peer): admit(socket, from: peer)
            case .none: return
            case .refused:
                metrics.refused.add()
                logger.warning("no descriptor left, connection refused")
                return
            }
        }
    }

    private func admit(_ socket: Socket, from peer: PeerAddress) {
        let fromAddress = connectionsByAddress[peer, default: 0]
        let share = max(limits.connectionsMax / configuration.reactorCount, 1)
        guard connections.count < share, fromAddress < limits.connectionsPerAddressMax else {
            metrics.refused.add()
            return socket.close()
        }
        let key = connections.insert(Connection(socket: socket, peer: peer, tick: reactor.currentTick))
        do {
            try reactor.poller.add(socket.descriptor, token: key.token, for: .read)
        } catch {
            connections.remove(key)
            metrics.refused.add()
            return socket.close()
        }
        connectionsByAddress[peer] = fromAddress + 1
        timers.schedule(key.index, at: reactor.tick(afterMilliseconds: limits.requestMilliseconds))
        metrics.accepted.add()
        metrics.httpConnections.add()
    }
}
