internal import Broker
internal import Reactor

// An HTTP/1.1 connection is one client, in the slot of the same number.

extension ClientSlot {
    init(_ slot: Slot) { self.init(number: slot.number) }
}

extension Slot {
    init(_ client: ClientSlot) { self.init(number: client.number) }
}

extension ClientID {
    init(_ key: SlabKey) { self.init(slot: ClientSlot(key.slot), generation: key.generation) }
}

extension SlabKey {
    init(_ client: ClientID) { self.init(slot: Slot(client.slot), generation: client.generation) }
}

extension EdgeReactor {
    /// Names the client of a connection.
    func client(_ slot: Slot) -> ClientID { ClientID(connections.key(ofLive: slot)) }

    /// The connection of a client, or `nil` if it is gone.
    func connection(of client: ClientID) -> UnsafeMutablePointer<Connection>? {
        connections.pointer(to: SlabKey(client))
    }

    /// Milliseconds of a clock that never jumps, as of this turn.
    var nowMilliseconds: UInt64 { reactor.now / 1_000_000 }
}
