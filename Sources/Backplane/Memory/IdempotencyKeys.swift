internal import Broker
internal import DequeModule
internal import HashTreeCollections

/// The idempotency keys of one channel of an embedded node, with the positions that publishes with them got.
///
/// Thread: owned by the uplink, inside its backplane. Keys are compared by their bytes, as Redis does; as `String` an `é` of
/// one code point and one of two are the same. All keys live equally long, so they lapse in the order they came: each is
/// looked at once when it comes and once when it goes, however many there are. A tree grows a node at a time; a hash table of
/// half a million keys stopped its thread for a quarter of a second when it grew.
struct IdempotencyKeys {
    /// What a key costs beside its bytes: two arrays' headers, its places in the tree and in the queue; an estimate.
    private static let overheadBytes = 160

    private var positions = TreeDictionary<[UInt8], Position>()
    private var ends = Deque<(key: [UInt8], millisecondsEnd: UInt64)>()

    /// Memory they take.
    private(set) var byteCount = 0

    /// When the first of them lapses.
    var firstEnd: UInt64? { ends.first?.millisecondsEnd }

    /// Those that were not forgotten yet.
    var count: Int { ends.count }

    /// The position that a publish with this key got, unless it lapsed.
    mutating func position(of key: String, now: UInt64) -> Position? {
        forget(now: now)
        return positions[Array(key.utf8)]
    }

    /// Remembers a key that is not known; `millisecondsEnd` is never before that of another.
    mutating func remember(_ key: String, _ position: Position, millisecondsEnd: UInt64) {
        let bytes = Array(key.utf8)
        positions[bytes] = position
        ends.append((bytes, millisecondsEnd))
        byteCount += bytes.count + Self.overheadBytes
    }

    /// Forgets those that lapsed.
    mutating func forget(now: UInt64) {
        while let end = firstEnd, end <= now { forgetFirst() }
    }

    /// Forgets the one that came first.
    mutating func forgetFirst() {
        guard let first = ends.popFirst() else { return }
        positions[first.key] = nil
        byteCount -= first.key.count + Self.overheadBytes
    }
}
