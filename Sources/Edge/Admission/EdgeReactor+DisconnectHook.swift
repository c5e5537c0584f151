internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// That somebody is gone is told to the backend, once for each connection that read channels and had a name or a session. Who comes back
// in time goes on with the session: the backend hears `connect` again then. Should the node die, others tell it by the node's will.
extension EdgeReactor {
    /// Notes why a reader is sent away.
    func noteFarewell(_ slot: Slot, _ code: ByeCode) {
        guard access.hooks.contains(.disconnect) else { return }
        farewells[connections.key(ofLive: slot)] = code
    }

    /// A connection reads channels, or is somebody else than before: should this node die, another one tells the backend.
    func bequeath(_ slot: Slot) {
        guard access.hooks.contains(.disconnect), connections[live: slot].pointee.isOpen, isToldOf(slot) else { return }
        let entry = WillEntry(
            node: configuration.nodeID,
            transport: transport(of: slot),
            address: "\(address(of: slot))",
            user: credentials(of: slot).identity?.user,
            session: connections[live: slot].pointee.client.session?.id
        )
        uplink.post(.bequeath(holder(slot), entry))
    }

    private func isReader(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        return connection.pointee.client.encoding != nil && !connection.pointee.client.has(.isOneAnswer)
    }

    /// Whether the backend hears of the end of a connection.
    private func isToldOf(_ slot: Slot) -> Bool {
        let who = credentials(of: slot)
        guard isReader(slot), who.key == nil else { return false }
        return who.identity != nil || connections[live: slot].pointee.client.session != nil
    }

    /// A connection is about to be closed.
    func tellOfEnd(of slot: Slot) {
        // Also where the hook is there no more, but was when the goodbye was said.
        let why = farewells.removeValue(forKey: connections.key(ofLive: slot))
        guard access.hooks.contains(.disconnect), isReader(slot) else { return }
        guard isToldOf(slot) else { return uplink.post(.forgetReader(holder(slot))) }
        var body = makeBody(.disconnect, slot, credentials(of: slot))
        body.add("reason", why.map { "\($0.reason)" } ?? "closed")
        hooks.post(.tell(body.finish(), .reader(holder(slot))))
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
        hooks.post(.tell(body.finish(), .nobody))
    }

    /// A node died, and this was one of its readers.
    func tellOfEnd(of entry: WillEntry, in will: WillID, _ text: [UInt8]) {
        guard access.hooks.contains(.disconnect) else { return uplink.post(.told(will, text, isDone: false)) }
        var body = HookBody(.disconnect, node: entry.node)
        body.add("transport", entry.transport)
        body.add("address", entry.address)
        body.add("user", entry.user)
        body.add("session", entry.session.map { "\($0)" })
        body.add("reason", "the node is gone")
        hooks.post(.tell(body.finish(), .will(will, text)))
    }
}
