/// What a backplane remembers of a channel after some position.
public struct HistoryPage: Sendable, Equatable {
    /// The position that was asked about; `nil` asks for all that is remembered.
    public let since: Position?

    /// What followed it, oldest first.
    public let publications: [Publication]

    /// The channel's newest position.
    public let head: Position

    /// Whether more is remembered than the page had room for: behind its last publication, or, where no position was asked
    /// about, before its first. Whoever wants it asks again.
    public let hasMore: Bool

    /// Of a keyed channel: nothing behind this position is gone but what a newer publication of its key replaced. The publications
    /// follow each other then as they stand here, without those that were replaced.
    public let floor: Position?

    /// Of a keyed channel: whether the position that was asked about is none of it, for the backplane lost it. What its reader was told
    /// may be wrong, so this is not what followed, but all there is: it begins at `floor`.
    public let beginsAnew: Bool

    /// Of a keyed channel: where something was lost behind the position that was asked about.
    public let breaks: [HistoryBreak]

    /// What a publication takes of a page's room beside its payload: its positions and what is written around it.
    static let overheadBytes = 128

    /// Makes a page.
    public init(
        since: Position?,
        publications: [Publication],
        head: Position,
        hasMore: Bool = false,
        floor: Position? = nil,
        beginsAnew: Bool = false,
        breaks: [HistoryBreak] = []
    ) {
        self.since = since
        self.head = head
        self.hasMore = hasMore
        self.floor = floor
        self.beginsAnew = beginsAnew
        self.breaks = breaks
        guard let floor, let first = publications.first else {
            self.publications = publications
            return
        }
        // Without a position, and with older ones that had no room, the first stays where it stood.
        let asked = beginsAnew ? floor : since
        let start = asked.map { max($0, floor) } ?? (hasMore ? first.previous : floor)
        self.publications = Self.chained(publications, behind: start)
    }

    /// Publications that follow each other.
    private static func chained(_ publications: [Publication], behind start: Position) -> [Publication] {
        var previous = start
        return publications.map { publication in
            defer { previous = publication.position }
            return publication.following(previous)
        }
    }

    /// The same with only the newest publication of each key. Of those without a key there is one.
    public func mergedByKey() -> HistoryPage {
        var seen: Set<PublicationKey?> = []
        let newest = publications.reversed().filter { seen.insert($0.payload.key).inserted }
        let start = floor ?? publications.first?.previous ?? head
        // Of what follows each other without a hole all positions are known: whoever stands at another asks by itself.
        let chain = publications.map { HistoryBreak(previous: $0.previous, position: $0.position) }
        return HistoryPage(
            since: since,
            publications: newest.reversed(),
            head: head,
            hasMore: hasMore,
            floor: start,
            beginsAnew: beginsAnew,
            breaks: floor == nil ? chain : breaks
        )
    }

    /// Takes from all that is remembered, oldest first, what a page has room for: at most `countMax` publications and
    /// `bytesMax` bytes, which a single one may exceed. Without a position these are the newest.
    public init(
        since: Position?,
        of remembered: some RandomAccessCollection<Publication>,
        countMax: Int,
        bytesMax: Int,
        head: Position,
        floor: Position? = nil,
        beginsAnew: Bool = false,
        breaks: [HistoryBreak] = []
    ) {
        if let since {
            let following = remembered.drop { !beginsAnew && $0.position <= since }
            let count = Self.count(of: following, countMax: countMax, bytesMax: bytesMax)
            let hasMore = count < following.count && count > 0
            self.init(
                since: since,
                publications: Array(following.prefix(count)),
                head: head,
                hasMore: hasMore,
                floor: floor,
                beginsAnew: beginsAnew,
                breaks: breaks
            )
        } else {
            let count = Self.count(of: remembered.reversed(), countMax: countMax, bytesMax: bytesMax)
            let hasMore = count < remembered.count && count > 0
            self.init(
                since: nil,
                publications: Array(remembered.suffix(count)),
                head: head,
                hasMore: hasMore,
                floor: floor
            )
        }
    }

    /// How many of the first publications have room.
    private static func count(of publications: some Sequence<Publication>, countMax: Int, bytesMax: Int) -> Int {
        var count = 0
        var bytes = 0
        for publication in publications {
            bytes += publication.payload.bytes.count + overheadBytes
            if count == countMax || count > 0 && bytes > bytesMax { break }
            count += 1
        }
        return count
    }

    /// Whether it says what followed a position: the one that was asked about, or one behind it.
    public func covers(_ position: Position) -> Bool {
        guard let since, position >= since else { return false }
        if position == since || !tellsOthers(at: position) { return position == since }
        return hasMore ? publications.last.map { position < $0.position } ?? false : position <= head
    }

    /// Whether nothing is missing between the position that was asked about and the newest.
    ///
    /// No counter and no epoch is needed: either the first publication names that position as its predecessor, or
    /// nothing followed and it still is the head.
    public var isComplete: Bool {
        guard let since else { return false }
        return isComplete(after: since)
    }

    /// Whether it is for others, too, who come back from a later position: for all but those who were told what is lost.
    public func tellsOthers(at position: Position) -> Bool {
        !beginsAnew && !breaks.contains { $0.contains(position) }
    }

    /// What somebody is to be told who stands at the position that was asked about, or behind it.
    public func missed(behind position: Position) -> ArraySlice<Publication> {
        beginsAnew ? publications[...] : publications.drop { $0.position <= position }
    }

    /// Whether nothing is missing for somebody who had everything at a moment, which need not be a publication's.
    public func isComplete(sinceMoment position: Position) -> Bool {
        if let floor { return position >= floor }
        guard let first = publications.first(where: { $0.position > position }) else { return head <= position }
        return first.previous <= position
    }

    /// Where the channel stood at a moment: what followed is in the page. Its very beginning, if some of that is gone.
    public func start(behind moment: Position) -> Position {
        guard isComplete(sinceMoment: moment) else { return .start }
        return publications.first { $0.position > moment }?.previous ?? head
    }

    /// The same as `isComplete` for a later position that the page also covers.
    public func isComplete(after position: Position) -> Bool {
        if !tellsOthers(at: position) { return false }
        if let floor { return position >= floor && position <= head }
        let rest = publications.drop { $0.position <= position }
        guard let first = rest.first else { return head == position }
        return first.previous == position
    }
}
