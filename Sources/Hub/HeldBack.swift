internal import Broker
internal import DequeModule

/// What readers of one pace are yet to be told of a channel: in order, without what something newer has replaced.
///
/// Thread: owned by one reactor. Memory: the payloads, which others share, and 128 bytes for each. Where it merges, that is bounded by
/// the number of keys, else by bytes; what has no room is told as a gap.
struct HeldBack {
    /// Something to be told.
    enum Content {
        case publication(Publication)
        /// A payload without a position.
        case passing(Payload)
        /// Publications that are gone.
        case gap(from: Position, to: Position)
    }

    /// What is left out of it.
    enum Merging: Equatable {
        /// Nothing, while there is room for so many bytes.
        case nothing(bytesMax: Int)
        /// All but the newest publication.
        case allButNewest
        /// All but the newest of each key, of so many keys at most.
        case allButNewestOfKey(countMax: Int)
    }

    /// With its number: they are counted as they come, so that it can be said who was there before.
    struct Entry {
        let number: UInt64
        let content: Content
    }

    /// What an entry costs beside its payload.
    private static let overheadBytes = 128

    private var entries = Deque<Entry?>()

    /// Where the newest of each key is, and the newest payload without a position; as places since the first entry that ever was.
    private var places: [PublicationKey?: Int] = [:]
    private var passingPlace: Int?
    private var firstPlace = 0
    private var goneCount = 0

    /// What the next entry is called.
    private(set) var nextNumber: UInt64 = 0

    /// Bytes that it holds.
    private(set) var byteCount = 0

    /// Publications that were left out because of others.
    private(set) var leftOutCount = 0

    /// The newest position for which there was no room any more, and its number.
    private var dropped: (through: Position, number: UInt64)?

    /// Whether publications are told apart by their keys.
    private var filesByKey = false

    /// Whether it has something that is gone for good.
    private(set) var hasGap = false

    /// Whether it tells of something that is gone.
    var tellsGap: Bool { hasGap || dropped != nil }

    var isEmpty: Bool { entries.isEmpty && dropped == nil }

    mutating func add(_ publication: Publication, _ merging: Merging) {
        switch merging {
        case .nothing(let bytesMax):
            append(.publication(publication))
            while byteCount > bytesMax, entries.count > 1 { dropFirst() }
        case .allButNewest:
            filesByKey = false
            replace(publication)
        case .allButNewestOfKey(let countMax):
            filesByKey = true
            replace(publication)
            while places.count > countMax { dropFirst() }
        }
    }

    /// Adds a payload that has no position; where something is left out, only the newest of these is kept.
    mutating func add(_ payload: Payload, _ merging: Merging) {
        if case .nothing(let bytesMax) = merging {
            append(.passing(payload))
            while byteCount > bytesMax, entries.count > 1 { dropFirst() }
            return
        }
        if let place = passingPlace { clear(place) }
        passingPlace = firstPlace + entries.count
        append(.passing(payload))
    }

    mutating func addGap(from: Position, to: Position) {
        hasGap = true
        append(.gap(from: from, to: to))
    }

    /// Takes all of it, oldest first, for readers that stand at a position: what had no room is a gap that begins there.
    mutating func take(behind position: Position) -> [Entry] {
        let all = rest(from: 0, behind: position)
        let next = nextNumber
        self = HeldBack()
        nextNumber = next
        return all
    }

    /// The same for one reader that stands at a position, and is told what begins with a number.
    func rest(from number: UInt64, behind position: Position) -> [Entry] {
        let gap = dropped.map { Entry(number: $0.number, content: .gap(from: position, to: $0.through)) }
        let all = [gap].compactMap(\.self) + entries.compactMap(\.self)
        return Self.joined(all.filter { $0.number >= number }, behind: position)
    }

    /// Has each gap begin where its readers stand by then: what was there before it may have been left out. One that leads to where they
    /// stand is none.
    private static func joined(_ entries: [Entry], behind position: Position) -> [Entry] {
        var standing = position
        return entries.compactMap { entry in
            switch entry.content {
            case .publication(let publication): standing = publication.position
            case .passing: break
            case .gap(_, let to):
                defer { standing = to }
                return standing == to ? nil : Entry(number: entry.number, content: .gap(from: standing, to: to))
            }
            return entry
        }
    }

    // MARK: Places

    private func key(of publication: Publication) -> PublicationKey? { filesByKey ? publication.payload.key : nil }

    private mutating func replace(_ publication: Publication) {
        if let place = places.updateValue(firstPlace + entries.count, forKey: key(of: publication)) {
            clear(place)
            leftOutCount += 1
        }
        append(.publication(publication))
        // Each entry is moved once for each that is gone.
        if goneCount > 64, goneCount > entries.count / 2 { compact() }
    }

    private mutating func append(_ content: Content) {
        byteCount += Self.bytes(of: content)
        entries.append(Entry(number: nextNumber, content: content))
        nextNumber += 1
    }

    private mutating func clear(_ place: Int) {
        // One that had no room is gone.
        guard place >= firstPlace, let entry = entries[place - firstPlace] else { return }
        byteCount -= Self.bytes(of: entry.content)
        entries[place - firstPlace] = nil
        goneCount += 1
    }

    /// Drops the oldest for want of room.
    private mutating func dropFirst() {
        while let first = entries.popFirst() {
            firstPlace += 1
            guard let first else {
                goneCount -= 1
                continue
            }
            byteCount -= Self.bytes(of: first.content)
            switch first.content {
            case .publication(let publication):
                dropped = (publication.position, first.number)
                let key = key(of: publication)
                if places[key] == firstPlace - 1 { places[key] = nil }
            case .passing: if passingPlace == firstPlace - 1 { passingPlace = nil }
            case .gap(_, let to): dropped = (to, first.number)
            }
            return
        }
    }

    private mutating func compact() {
        let kept = entries.compactMap(\.self)
        entries = Deque(kept)
        (firstPlace, goneCount, passingPlace) = (0, 0, nil)
        places = [:]
        for (place, entry) in kept.enumerated() {
            switch entry.content {
            case .publication(let publication): places[key(of: publication)] = place
            case .passing: passingPlace = place
            case .gap: break
            }
        }
    }

    private static func bytes(of content: Content) -> Int {
        switch content {
        case .publication(let publication): publication.payload.bytes.count + overheadBytes
        case .passing(let payload): payload.bytes.count + overheadBytes
        case .gap: overheadBytes
        }
    }
}
