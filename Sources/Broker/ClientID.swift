/// The place of a client in its reactor's table.
///
/// Size: 4 bytes.
@frozen
public struct ClientSlot: Hashable, Sendable {
    /// Its number, from 0.
    public let number: UInt32

    /// Makes a slot from its number.
    @inlinable
    public init(number: UInt32) { self.number = number }
}

/// Names one client for as long as it is there: its slot, and which tenant of that it is.
///
/// Size: 8 bytes.
@frozen
public struct ClientID: Hashable, Sendable {
    /// Where it is.
    public let slot: ClientSlot

    /// Which tenant of the slot it is.
    public let generation: UInt32

    /// Names a client.
    @inlinable
    public init(slot: ClientSlot, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// The same as one number.
    @inlinable
    public var token: UInt64 { UInt64(generation) << 32 | UInt64(slot.number) }
}
