internal import Broker

/// The text of a cursor that moves on channel by channel.
///
/// To write it anew costs no more than to copy it: the channels are sorted and their names encoded once. A channel that a pattern stands
/// for is named only where the client has more of it than the pattern's position says, so that a cursor is no longer for thousands of
/// channels than for a few.
struct CursorText {
    private struct Entry {
        let name: String
        let isMember: Bool
        var position: Position?
        /// `name@position`.
        var text: String

        mutating func move(to position: Position) {
            self.position = position
            text = Cursor.entry(name, at: position)
        }
    }

    private var entries: [Entry]

    /// Places of the patterns.
    private let patterns: [Int]

    /// Places of those that are named, in order.
    private var named: [Int]

    /// Takes the parts of a join, which are sorted by name, with where the client is told that it stands; nothing where it has no position
    /// yet, or where that of a pattern counts.
    init(_ parts: [JoinPart], at position: (JoinPart) -> Position?) {
        entries = parts.map { part in
            let (topic, position) = (part.topic, position(part))
            return Entry(
                name: topic.cursorName,
                isMember: part.isMember,
                position: position,
                text: position.map(topic.cursorEntry) ?? ""
            )
        }
        patterns = parts.indices.filter { parts[$0].topic.isPattern }
        named = parts.indices.filter { position(parts[$0]) != nil }
    }

    /// Whether it says where the client stands in one of the channels, by its place among them.
    func names(_ place: Int) -> Bool { named.contains(place) }

    /// Moves on in one of the channels.
    mutating func move(_ place: Int, to position: Position) {
        if entries[place].position == nil { named.insert(place, at: named.firstIndex { $0 > place } ?? named.count) }
        entries[place].move(to: position)
    }

    /// Names no more the channels in which the client has just what its patterns' positions say: all that was missed up to there.
    mutating func leaveToPatterns() {
        guard let lowest = patterns.map({ entries[$0].position ?? .start }).min() else { return }
        for place in named where entries[place].isMember {
            if let position = entries[place].position, position <= lowest { entries[place].position = nil }
        }
        named.removeAll { entries[$0].position == nil }
    }

    var text: String { named.lazy.map { entries[$0].text }.joined(separator: Cursor.separator) }
}
