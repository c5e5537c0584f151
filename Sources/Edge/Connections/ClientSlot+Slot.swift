internal import Broker
internal import Reactor

// An HTTP/1.1 connection is one client, in the slot of the same number.

extension ClientSlot {
    init(_ slot: Slot) { self.init(number: slot.number) }
}

extension Slot {
    init(_ client: ClientSlot) { self.init(number: client.number) }
}
