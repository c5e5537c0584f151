internal import Broker

/// Where a message stands in its channel. Later ones are greater, on whichever node.
///
/// Its text, `<milliseconds>-<number>`, may be kept anywhere and read again. Size: 16 bytes.
public struct Position: Sendable, Hashable, Comparable, LosslessStringConvertible {
    let place: Broker.Position

    init(_ place: Broker.Position) { self.place = place }

    /// Reads a position as a node tells it; `nil` where it is none.
    public init?(_ text: String) {
        guard let place = Broker.Position(text) else { return nil }
        self.place = place
    }

    /// The text form, at most 41 bytes.
    public var description: String { place.description }

    /// Earlier in the channel.
    public static func < (left: Position, right: Position) -> Bool { left.place < right.place }
}
