internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// That somebody is gone is told to the backend, once for each connection that read channels and had a name or a session. Who comes back
// in time goes on with the session: the backend hears `connect` again then.
extension EdgeReactor {
    /// Notes why a reader is sent away.
    func noteFarewell(_ slot: Slot, _ code: ByeCode) {
        guard access.hooks.contains(.disconnect) else { return }
        farewells[connections.key(ofLive: slot)] = code
    }

    /// A connection is about to be closed.
    func tellOfEnd(of slot: Slot) {
        guard access.hooks.contains(.disconnect) else { return }
        let connection = connections[live: slot]
        let why = farewells.removeValue(forKey: connections.key(ofLive: slot))
        let isReader = connection.pointee.client.encoding != nil && !connection.pointee.client.has(.isOneAnswer)
        let who = credentials(of: slot)
        guard isReader, who.key == nil, who.identity != nil || connection.pointee.client.session != nil else { return }
        var body = makeBody(.disconnect, slot, who)
        body.add("reason", why.map { "\($0.reason)" } ?? "closed")
        hooks.post(.tell(.disconnect, body.finish()))
    }

    /// A client of Bayeux that has no connection of its own ended its session.
    func tellOfEnd(of batch: BayeuxBatch) {
        guard access.hooks.contains(.disconnect), batch.socket == nil, let token = batch.token else { return }
        var body = HookBody(.disconnect, node: configuration.nodeID)
        body.add("transport", "bayeux")
        body.add("address", "\(address(of: batch.connection.slot))")
        body.add("user", credentials(of: batch).identity?.user)
        body.add("session", "\(token.id)")
        body.add("reason", "disconnected")
        hooks.post(.tell(.disconnect, body.finish()))
    }
}
