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
    func append(_ payload: Payload, key: String?, clock: UInt64, now: UInt64, _ limits: Limits) -> Publication {
        let position =
            clock > head.milliseconds ? Position(milliseconds: clock, sequence: 0) : head.successor
        let publication = Publication(position: position, previous: head, payload: payload)
        head = position
        changedAt = now
        publications.append(publication)
        madeAt.append(now)
        publicationBytes += payload.bytes.count + Self.overheadBytes
        if let key { once.remember(key, position, millisecondsEnd: now + limits.idempotencyMilliseconds) }
        trim(now: now, limits)
        return publication
    }

    /// Forgets what is too old or too much.
    func trim(now: UInt64, _ limits: Limits) {
        let oldest = now - min(now, limits.historyMilliseconds)
        while let first = madeAt.first, first < oldest || publications.count > limits.historyCountMax { forgetFirst() }
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
        madeAt.removeFirst()
        publicationBytes -= publications.removeFirst().payload.bytes.count + Self.overheadBytes
    }

    /// Whether somebody here listens.
    var isHeard: Bool { subscribers > 0 || isSubscribed }

    /// Whether nobody has used it for so long that even its head may be forgotten.
    func isForgotten(now: UInt64, _ limits: Limits) -> Bool {
        let isOld = now - min(now, changedAt) > limits.headMilliseconds
        return isOld && !isHeard
    }
}
