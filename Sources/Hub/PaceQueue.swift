internal import HeapModule

/// What is to be told at a moment, by that moment: of a hundred thousand channels a few are due.
///
/// Thread: owned by one reactor.
struct PaceQueue {
    /// What is due.
    enum Target {
        /// Readers that something is held back from.
        case pacer(Pacer)
        /// Readers of patterns that something is held back from.
        case feed(Feed)
        /// A poll that is not to be answered earlier.
        case poll(Poll)
    }

    private struct Entry: Comparable {
        let dueMilliseconds: UInt64
        let target: Target

        static func < (one: Entry, other: Entry) -> Bool { one.dueMilliseconds < other.dueMilliseconds }
        static func == (one: Entry, other: Entry) -> Bool { one.dueMilliseconds == other.dueMilliseconds }
    }

    private var entries = Heap<Entry>()

    /// When the first is due.
    var nextMilliseconds: UInt64? { entries.min?.dueMilliseconds }

    mutating func add(_ target: Target, at milliseconds: UInt64) {
        entries.insert(Entry(dueMilliseconds: milliseconds, target: target))
    }

    /// Takes the first if it is due.
    mutating func popDue(_ nowMilliseconds: UInt64) -> Target? {
        guard let next = nextMilliseconds, next <= nowMilliseconds else { return nil }
        return entries.popMin()?.target
    }
}
