import Broker

/// One channel in a simulated Redis: what is kept of it, and where it stands. Of a keyed one the newest publication of each key is kept.
struct SimulatedStream {
    var head = Position.start
    private(set) var entries: [Publication] = []

    /// Positions by idempotency key.
    var once: [String: Position] = [:]

    /// Of a keyed channel: between which positions another Redis began to write, and the one that wrote last.
    private(set) var breaks: [HistoryBreak] = []
    private var writer: Int?

    /// Of a keyed channel: the position behind which nothing is gone but what was replaced.
    private var lastForgotten: Position?

    /// The same, as a reader is told it.
    var floor: Position? { entries.isEmpty && lastForgotten != nil ? head : lastForgotten }

    /// Appends one of which so many are kept; returns those that are forgotten.
    mutating func append(_ publication: Publication, countMax: Int) -> ArraySlice<Publication> {
        head = publication.position
        entries.append(publication)
        return forget(entries.count - countMax)
    }

    /// Whether a position is none of this keyed channel: what was told up to there is lost.
    func isUnknown(_ position: Position) -> Bool {
        position > head || breaks.contains { $0.contains(position) }
    }

    /// Appends one that takes the place of the newest of its key; with `ignoresKeys` of just any one. Returns those that are forgotten.
    mutating func replace(
        with publication: Publication,
        by writer: Int,
        keysMax: Int,
        ignoresKeys: Bool
    ) -> ArraySlice<Publication> {
        if self.writer != writer {
            breaks.append(HistoryBreak(previous: publication.previous, position: publication.position))
        }
        self.writer = writer
        if entries.isEmpty || lastForgotten == nil { lastForgotten = entries.first?.previous ?? publication.previous }
        if let place = entries.firstIndex(where: { ignoresKeys || $0.payload.key == publication.payload.key }) {
            entries.remove(at: place)
        }
        return append(publication, countMax: keysMax)
    }

    /// Forgets the oldest; returns them.
    mutating func forget(_ count: Int) -> ArraySlice<Publication> {
        guard count > 0 else { return [] }
        let forgotten = entries.prefix(count)
        entries.removeFirst(forgotten.count)
        if lastForgotten != nil, let last = forgotten.last { lastForgotten = last.position }
        return forgotten
    }
}
