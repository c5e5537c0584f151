/// Who waits for an answer: a reactor, and the number it gave its question.
public struct Ticket: Hashable, Sendable {
    /// Which reactor of the node.
    public let reactor: Int

    /// The reactor's own number for the question.
    public let number: UInt64

    /// Makes a ticket.
    public init(reactor: Int, number: UInt64) {
        self.reactor = reactor
        self.number = number
    }
}
