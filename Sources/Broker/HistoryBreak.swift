/// Where another Redis began to write a keyed channel. Nothing of the channel lies between the two positions: whoever stands there was
/// told what is lost.
public struct HistoryBreak: Sendable, Equatable {
    /// Where the channel stood for the Redis that began.
    public let previous: Position

    /// The first that it wrote.
    public let position: Position

    /// Makes a break.
    public init(previous: Position, position: Position) {
        self.previous = previous
        self.position = position
    }

    /// Whether a position lies there.
    public func contains(_ other: Position) -> Bool { previous < other && other < position }
}
