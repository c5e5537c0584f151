import Broker

/// One channel of a client: what it asked for on its connection, and how far it came over all of them.
struct Standing {
    enum State {
        case idle
        case joining
        case subscribed
        case leaving
    }

    var state = State.idle

    /// The position it asked to resume from on this connection, if it knew one.
    private(set) var since: Position?

    /// Whether it came back without a position of its own: then it may get again what came since the last checkpoint.
    var mayRepeat: Bool { since == nil }

    /// Connections, by number, on which the session did not know the channel, and whose news of that it did not hear: the
    /// session claims nothing of what was before.
    var begunAnew: Set<Int> = []

    /// Where it stands: what it received or was told to be gone.
    var reached: Position?

    /// Numbers of the publications that it has.
    var received: Set<Int> = []

    /// Of a keyed channel, and one who began with a snapshot: where the channel stood then at the latest.
    var snapshotEnd: Position?

    /// Of a keyed channel: the number of the publication of each key that it was told last.
    var values: [PublicationKey?: Int] = [:]

    /// A new connection.
    mutating func begin(since: Position?, isAsked: Bool) {
        state = isAsked ? .joining : .idle
        self.since = since
    }

    /// It is told to stand somewhere without what lies between. Where that is behind, Redis lost what came after, but a
    /// node that does not know so yet may tell it again. With `hasFormer` it may have come from a node that has found the new master to one
    /// that is at the former: that knows nothing of what the client has, and tells it again once it has found the new one, too.
    /// In a keyed channel it is told again all that changed since.
    mutating func jump(
        to position: Position,
        _ entries: [Int: Verifier.Entry],
        hasFormer: Bool,
        isKeyed: Bool
    ) {
        if let reached, position < reached {
            received = received.filter {
                entries[$0]!.position <= position || !hasFormer && !isKeyed && !entries[$0]!.isLost
            }
        }
        reached = position
    }

    /// A command on the connection it has.
    mutating func ask(since: Position?) {
        state = .joining
        self.since = since
    }
}
