/// What a backplane remembers of a channel after some position.
public struct HistoryPage: Sendable, Equatable {
    /// The position that was asked about; `nil` asks for all that is remembered.
    public let since: Position?

    /// What followed it, oldest first.
    public let publications: [Publication]

    /// The channel's newest position.
    public let head: Position

    /// Makes a page.
    public init(since: Position?, publications: [Publication], head: Position) {
        self.since = since
        self.publications = publications
        self.head = head
    }

    /// Whether nothing is missing between the position that was asked about and the newest.
    ///
    /// No counter and no epoch is needed: either the first publication names that position as its predecessor, or
    /// nothing followed and it still is the head.
    public var isComplete: Bool {
        guard let since else { return false }
        return isComplete(after: since)
    }

    /// The same for a later position that the page also covers.
    public func isComplete(after position: Position) -> Bool {
        let rest = publications.drop { $0.position <= position }
        guard let first = rest.first else { return head == position }
        return first.previous == position
    }
}
