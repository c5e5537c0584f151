/// What becomes of a client's connection.
public enum ConnectionState: Sendable, Hashable {
    /// It is being made.
    case connecting
    /// It is there.
    case open(transport: Transport, node: String?, address: String, session: String?)
    /// There is none, for a reason that the way to an address or the node there gave; the next one is tried after so many milliseconds.
    case waiting(PerseidError, address: String, milliseconds: UInt64)
    /// It is there, and the node objects to something.
    case complaint(PerseidError)
}
