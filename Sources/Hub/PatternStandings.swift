internal import Broker

/// Where the readers of patterns stand: in each channel that moved, and for all others until when they have everything.
///
/// Thread: owned by one reactor. A pattern may stand for ten thousand channels, and a cursor is a text that a client carries along. So
/// it names those that moved of late; a pattern's own position says that whoever has it has all that came before, but of the
/// channels that are named.
struct PatternStandings {
    /// Channels that are named before older ones are left to their pattern's position.
    static let namedMax = 64

    /// The patterns, and until when everything is there.
    private var patterns: [(topic: Topic, since: Position)]

    /// Channels that moved since, sorted by name.
    private(set) var moved: [Topic] = []

    /// Takes the patterns among some topics, as they stand now.
    init(_ topics: Few<Topic>) {
        patterns = topics.lazy.filter(\.isPattern).map { ($0, $0.last) }
        for pattern in patterns {
            for topic in pattern.topic.recent where !topics.contains(where: { $0 === topic }) { note(topic) }
        }
    }

    /// Notes that a channel of a pattern moved.
    mutating func note(_ topic: Topic) {
        let place = moved.partition(by: topic.name)
        if place < moved.count, moved[place] === topic { return }
        moved.insert(topic, at: place)
        if moved.count > Self.namedMax { leaveOld() }
    }

    /// Moves the patterns on, and names no more what they include.
    private mutating func leaveOld() {
        for place in patterns.indices { patterns[place].since = max(patterns[place].since, patterns[place].topic.last) }
        moved.removeAll { topic in
            patterns.contains { $0.topic.name.stands(for: topic.name) && topic.last <= $0.since }
        }
    }

    /// The text, sorted by channel.
    func cursor(_ topics: Few<Topic>, _ entry: (Topic) -> String) -> String {
        var all = moved.map { ($0.name.text, entry($0)) }
        for topic in topics {
            let pattern = patterns.first { $0.topic === topic }
            all.append((topic.name.text, pattern.map { topic.cursorEntry(at: $0.since) } ?? entry(topic)))
        }
        all.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        return all.map(\.1).joined(separator: Cursor.separator)
    }
}

extension [Topic] {
    /// The place of a name among topics that are sorted by name, or where it would be.
    fileprivate func partition(by name: ChannelName) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].name.text.utf8.lexicographicallyPrecedes(name.text.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
