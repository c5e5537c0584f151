internal import Broker

/// What an embedded node remembers of one channel. An object, so that a publish looks it up once.
///
/// Thread: owned by the uplink, inside its backplane. Positions carry the wall clock and never go back; ages are told by the
/// monotonic clock, for the other may jump by years when it is set.
final class MemoryChannel {
    /// The newest position.
    private(set) var head = Position.start

    /// Oldest first.
    private(set) var publications: [Publication] = []

    /// When each of them was made, in milliseconds of the monotonic clock.
    private var madeAt: [UInt64] = []

    /// When the newest was made, or the channel.
    private var changedAt: UInt64

    var once = IdempotencyKeys()
    var subscribers = 0

    /// Whether the node hears it.
    var isSubscribed = false

    init(now: UInt64) { changedAt = now }

    /// Appends a payload; `clock` is the wall's.
    func append(_ payload: Payload, clock: UInt64, now: UInt64, _ limits: Limits) -> Publication {
        let position =
            clock > head.milliseconds ? Position(milliseconds: clock, sequence: 0) : head.successor
        let publication = Publication(position: position, previous: head, payload: payload)
        head = position
        changedAt = now
        publications.append(publication)
        madeAt.append(now)
        // Trimmed in bulk: each publication moves once at most.
        if publications.count > 2 * limits.historyCountMax { trim(now: now, limits) }
        return publication
    }

    /// Forgets what is too old or too much.
    func trim(now: UInt64, _ limits: Limits) {
        let oldest = now - min(now, limits.historyMilliseconds)
        let excess = max(publications.count - limits.historyCountMax, 0)
        let expired = madeAt.prefix { $0 < oldest }.count
        // bounded: a channel keeps twice `historyCountMax` at most
        publications.removeFirst(max(excess, expired))
        // bounded: as many as its publications
        madeAt.removeFirst(max(excess, expired))
        once.forget(now: now)
    }

    /// Whether somebody here listens.
    var isHeard: Bool { subscribers > 0 || isSubscribed }

    /// Whether nobody has used it for so long that even its head may be forgotten.
    func isForgotten(now: UInt64, _ limits: Limits) -> Bool {
        let isOld = now - min(now, changedAt) > limits.headMilliseconds
        return isOld && !isHeard
    }
}
