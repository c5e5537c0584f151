internal import Broker
internal import DequeModule

/// What an embedded node remembers of one channel. An object, so that a publish looks it up once.
///
/// Thread: owned by the uplink, inside its backplane. Positions carry the wall clock and never go back; ages are told by the
/// monotonic clock, for the other may jump by years when it is set.
final class MemoryChannel {
    /// What a publication costs beside its payload: the payload's header, and its place in the queue, which grows by doubling.
    private static let overheadBytes = 192

    /// The newest position.
    private(set) var head = Position.start

    /// Oldest first.
    private(set) var publications = Deque<Publication>()

    /// Where the channel is keyed: the position of the newest of each key, of those without one under `nil`.
    private var places: [PublicationKey?: Position] = [:]

    /// Behind which position nothing is gone but what was replaced; `nil` of a channel that is not keyed.
    private(set) var floor: Position?

    /// How much of it is remembered, as the newest publish said.
    private var history = HistoryRule.usual

    /// The first publication that was keyed stands here: nothing of the channel lies between its two positions, though a node that ran
    /// before this one may have told such.
    private var firstKeyed: HistoryBreak?

    /// When each of them was made, in milliseconds of the monotonic clock.
    private var madeAt = Deque<UInt64>()

    /// Bytes of the publications, with their overhead.
    private var publicationBytes = 0

    /// When the newest was made, or the channel.
    private var changedAt: UInt64

    private var once = IdempotencyKeys()
    var subscribers = 0

    /// Whether the node hears it.
    var isSubscribed = false

    init(now: UInt64) { changedAt = now }

    /// Memory that its publications and keys take.
    var byteCount: Int { publicationBytes + once.byteCount }

    /// The position that a publish with this key got, unless that was forgotten.
    func position(of key: String, now: UInt64) -> Position? { once.position(of: key, now: now) }

    /// Appends a payload; `clock` is the wall's.
    func append(
        _ payload: Payload,
        key: String?,
        isKeyed: Bool,
        history: HistoryRule,
        clock: UInt64,
        now: UInt64,
        _ limits: Limits
    ) -> Publication {
        let position =
            clock > head.milliseconds ? Position(milliseconds: clock, sequence: 0) : head.successor
        let publication = Publication(position: position, previous: head, payload: payload)
        head = position
        changedAt = now
        self.history = history
        if isKeyed { replace(with: publication) } else { forgetKeys() }
        publications.append(publication)
        madeAt.append(now)
        publicationBytes += payload.bytes.count + Self.overheadBytes
        if let key { once.remember(key, position, millisecondsEnd: now + limits.idempotencyMilliseconds) }
        trim(now: now, limits)
        return publication
    }

    /// Takes out what had the same key.
    private func replace(with publication: Publication) {
        if floor == nil {
            floor = publications.first?.previous ?? publication.previous
            firstKeyed = HistoryBreak(previous: publication.previous, position: publication.position)
        }
        let replaced = places.updateValue(publication.position, forKey: publication.payload.key)
        guard let replaced, let index = publications.firstIndex(at: replaced) else { return }
        publicationBytes -= publications.remove(at: index).payload.bytes.count + Self.overheadBytes
        madeAt.remove(at: index)
    }

    /// Forgets all that is remembered, and moves on by a position at which nothing stands; returns that. A keyed channel stays one.
    func clear(clock: UInt64, now: UInt64) -> Position {
        head = clock > head.milliseconds ? Position(milliseconds: clock, sequence: 0) : head.successor
        changedAt = now
        publications = []
        madeAt = []
        publicationBytes = 0
        places = [:]
        if floor != nil { floor = head }
        return head
    }

    /// The channel is keyed no longer.
    private func forgetKeys() {
        guard floor != nil else { return }
        floor = nil
        places = [:]
        firstKeyed = nil
    }

    /// See `HistoryPage.breaks`.
    var breaks: [HistoryBreak] { firstKeyed.map { [$0] } ?? [] }

    /// Whether a position is certainly none of this keyed channel: what was told up to there was of a node that ran before this one.
    func isUnknown(_ position: Position) -> Bool {
        guard let firstKeyed else { return false }
        return position > head || firstKeyed.contains(position)
    }

    /// Forgets what is too old or too much.
    func trim(now: UInt64, _ limits: Limits) {
        let countMax = history.countMax(isKeyed: floor != nil, limits)
        let lifetime = history.ageMilliseconds(isKeyed: floor != nil, limits)
        let oldest = now - min(now, lifetime)
        while let first = madeAt.first, first < oldest || publications.count > countMax { forgetFirst() }
        once.forget(now: now)
    }

    /// Forgets what is oldest, publication or key, until so many bytes are left or so many were forgotten; returns how many were.
    func shrink(toBytes bytesMax: Int, atMost countMax: Int, _ limits: Limits) -> Int {
        var count = 0
        while byteCount > bytesMax, count < countMax {
            count += 1
            let keyMadeAt = once.firstEnd.map { $0 - min($0, limits.idempotencyMilliseconds) }
            if let first = madeAt.first, first <= keyMadeAt ?? .max { forgetFirst() } else { once.forgetFirst() }
        }
        return count
    }

    private func forgetFirst() {
        madeAt.removeFirst()  // bounded: there are as many as publications
        let first = publications.removeFirst()  // bounded: its callers look first
        publicationBytes -= first.payload.bytes.count + Self.overheadBytes
        guard floor != nil else { return }
        floor = first.position
        if places[first.payload.key] == first.position { places[first.payload.key] = nil }
    }

    /// Whether somebody here listens.
    var isHeard: Bool { subscribers > 0 || isSubscribed }

    /// Whether nobody has used it for so long that even its head may be forgotten.
    func isForgotten(now: UInt64, _ limits: Limits) -> Bool {
        let isOld = now - min(now, changedAt) > limits.headMilliseconds
        return isOld && !isHeard
    }
}

extension Deque<Publication> {
    /// Where the publication with a position stands; they are in order.
    fileprivate func firstIndex(at position: Position) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].position < position { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low].position == position ? low : nil
    }
}
