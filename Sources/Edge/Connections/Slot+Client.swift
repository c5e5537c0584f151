internal import Broker
internal import Reactor

// An HTTP/1.1 connection is one client, in the slot of the same number.

extension Slot {
    /// Its client's.
    var client: ClientSlot { ClientSlot(number: number) }

    init(_ client: ClientSlot) { self.init(number: client.number) }
}

extension SlabKey {
    /// Its client.
    var client: ClientID { ClientID(slot: slot.client, generation: generation) }

    init(_ client: ClientID) { self.init(slot: Slot(client.slot), generation: client.generation) }
}
