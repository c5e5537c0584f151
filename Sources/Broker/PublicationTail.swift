/// The newest publications of a channel, kept in memory to answer those who come back.
///
/// Thread: owned by the uplink. Bounded in count and bytes; consecutive by construction: each entry's `previous` is the
/// position of the one before it. Size: 20 bytes, and its publications.
public struct PublicationTail {
    /// What an entry costs beside its payload.
    private static let overheadBytes = 128

    /// Oldest first.
    public private(set) var publications: [Publication] = []

    // Half as wide as usual: a node that hears a hundred thousand channels has as many of these, and mostly empty.
    private let storedCountMax: UInt32
    private let storedBytesMax: UInt32
    private var storedBytes: UInt32 = 0

    /// Bytes that it may be limited to: it has twice as many for a while, and one more publication.
    private static let bytesMaxMax = Int(UInt32.max / 4)

    private var countMax: Int { Int(storedCountMax) }
    private var bytesMax: Int { Int(storedBytesMax) }
    private var bytes: Int {
        get { Int(storedBytes) }
        set { storedBytes = UInt32(clamping: newValue) }
    }

    /// Memory it takes, with the overhead of its entries.
    public var byteCount: Int { bytes + Self.overheadBytes * publications.count }

    /// Makes an empty tail.
    public init(countMax: Int, bytesMax: Int) {
        storedCountMax = UInt32(clamping: countMax)
        storedBytesMax = UInt32(clamping: min(bytesMax, Self.bytesMaxMax))
    }

    /// Appends the newest; one that does not follow the last starts the tail anew.
    public mutating func append(_ publication: Publication) {
        if let last = publications.last, last.position != publication.previous { removeAll() }
        publications.append(publication)
        bytes += publication.payload.bytes.count
        // Trimmed in bulk, so that keeping the newest costs a move of each entry once.
        if publications.count > 2 * countMax || bytes > 2 * bytesMax { trim(toBytes: bytesMax) }
    }

    /// Puts older publications in front, if they lead up to the oldest one here without a hole.
    public mutating func prepend(_ older: [Publication]) {
        guard let first = publications.first else {
            for publication in older { append(publication) }
            return
        }
        guard let end = older.firstIndex(where: { $0.position == first.previous }) else { return }
        var joined: [Publication] = []
        for publication in older[...end] {
            if let last = joined.last, last.position != publication.previous { joined.removeAll() }
            joined.append(publication)
        }
        publications = joined + publications
        bytes = publications.reduce(0) { $0 + $1.payload.bytes.count }
        trim(toBytes: bytesMax)
    }

    /// Forgets everything.
    public mutating func removeAll() {
        publications.removeAll()
        bytes = 0
    }

    /// What follows a position without a hole, or `nil` if the newest so many of this tail do not reach back so far.
    public func publications(after position: Position, countMax: Int = .max) -> ArraySlice<Publication>? {
        guard let newest = publications.last else { return nil }
        if newest.position == position { return [] }
        guard let index = publications.lastIndex(where: { $0.previous == position }) else { return nil }
        return publications.count - index <= countMax ? publications[index...] : nil
    }

    /// Whether this very publication is here. As it was read from a keyed channel it may follow an earlier one: what lay between was
    /// replaced.
    public func contains(_ publication: Publication) -> Bool {
        publications.contains {
            $0.position == publication.position && $0.payload == publication.payload
                && $0.previous <= publication.previous
        }
    }

    /// Whether some publication with this position is here.
    public func contains(_ position: Position) -> Bool {
        publications.contains { $0.position == position }
    }

    /// Forgets the oldest, until the rest takes so much memory at most.
    public mutating func trim(toMemory bytesMax: Int) {
        trim(toBytes: max(bytesMax - Self.overheadBytes * publications.count, 0))
    }

    private mutating func trim(toBytes bytesMax: Int) {
        var kept = 0
        var keptBytes = 0
        for publication in publications.reversed() {
            if kept == countMax || keptBytes + publication.payload.bytes.count > bytesMax { break }
            kept += 1
            keptBytes += publication.payload.bytes.count
        }
        // bounded: a tail has `tailBytesMax` and `historyCountMax`
        publications.removeFirst(publications.count - kept)
        bytes = keptBytes
    }
}
