internal import Backplane
internal import Broker
internal import Reactor
internal import Wire

/// What is to be done to those of a reactor's readers of whom something holds: a walk over its connections, some of them in each turn. A
/// user may have thousands, and all others wait while they are told.
///
/// Thread: owned by one reactor.
final class ReaderErrand {
    /// Why.
    enum Purpose {
        /// A node asks about them, or has something done to them.
        case question(ClusterQuestion, ClusterCall)
        /// Tokens were taken back, or have expired: what they allowed ends.
        case identities
    }

    /// What one turn has for all errands together.
    struct Budget {
        /// Connections that are looked at: some 50 ns each.
        static let looksMax = 4_096

        /// Those that something is done to: to send a client away is a send, a close, and a word to the uplink, some 20 µs.
        static let actsMax = 64

        private(set) var looksLeft = Budget.looksMax
        private(set) var actsLeft = Budget.actsMax

        var isLeft: Bool { looksLeft > 0 && actsLeft > 0 }

        mutating func look() { looksLeft -= 1 }
        mutating func act() { actsLeft -= 1 }
    }

    let purpose: Purpose

    /// The connection that is next, and how many are left. There may be more by then: those that came since are judged as they come.
    private var next: UInt32 = 0
    private var left: Int

    /// What comes of it: how many there were, and what is known of them.
    var count = 0
    var items = ByteBuffer()

    init(_ purpose: Purpose, slotCount: Int) {
        self.purpose = purpose
        left = slotCount
    }

    /// Whether all were looked at.
    var isOver: Bool { left <= 0 }

    /// Goes around once more from where it is: what was looked for has become more.
    func renew(slotCount: Int) { left = slotCount }

    /// Looks no further.
    func end() { left = 0 }

    /// The next connection.
    func step(slotCount: Int) -> Slot {
        if Int(next) >= slotCount { next = 0 }
        defer {
            next += 1
            left -= 1
        }
        return Slot(number: next)
    }
}
