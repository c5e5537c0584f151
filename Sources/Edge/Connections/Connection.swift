internal import Broker
internal import Hub
internal import Reactor
internal import Text
internal import Wire

/// One accepted socket, as its reactor keeps it.
///
/// Thread: owned by one reactor, in its slab. Size: 104 bytes (a test holds it there), and nothing on the heap
/// while it is idle.
struct Connection: ~Copyable {
    /// Where it stands between a request and its answer.
    struct Answer: OptionSet {
        let rawValue: UInt8

        /// One is waited for; later requests stay in the input.
        static let isAwaited = Answer(rawValue: 1)
        /// The one under way is the last.
        static let isLast = Answer(rawValue: 2)
    }

    /// How its bytes move.
    struct Traffic: OptionSet {
        let rawValue: UInt16

        /// Reading is paused, because too much waits in the input.
        static let isReadingPaused = Traffic(rawValue: 1)
        /// The peer ended its direction; it still gets what it asked for.
        static let isEnded = Traffic(rawValue: 2)
        /// It stands among those whose input is gone on with at the end of a turn.
        static let isDeferred = Traffic(rawValue: 4)
        /// Its client used up a budget; it is gone on with when that is given anew.
        static let isWaiting = Traffic(rawValue: 8)
        /// It was ready to be read, or to be written to, and was not come to yet.
        static let isReadOverdue = Traffic(rawValue: 16)
        static let isWriteOverdue = Traffic(rawValue: 32)
        /// It sent more of late than a slice of a turn is enough for.
        static let isTalkative = Traffic(rawValue: 64)
        /// The peer was pinged and has not been heard since.
        static let isPinged = Traffic(rawValue: 128)
        /// A close frame was sent.
        static let sentClose = Traffic(rawValue: 256)
        /// It comes from a proxy whose word is taken, and is not counted as that one's.
        static let isProxied = Traffic(rawValue: 512)
        /// A header of that proxy stands before everything else.
        static let awaitsProxyHeader = Traffic(rawValue: 1_024)
        /// It was accepted while the node had too much to do.
        static let isLate = Traffic(rawValue: 2_048)
    }

    // In this order there are no holes: an idle connection is little else than this.

    /// WebSocket frames on their way in.
    var decoder = WebSocketDecoder(role: .server)
    var answer: Answer = []

    /// What it is as a reader of channels.
    var client = Client()
    /// Whether its client is somebody: `EdgeReactor.credentials` says who.
    var isSomebody = false
    var traffic: Traffic = []

    /// Bytes sent so far, modulo 2^32. A stream is renewed by their number, a reader that stalls is known by it.
    var sentBytes: UInt32 = 0

    var link: Link

    /// The tick a stream began with, for it is renewed by age, too.
    var streamTick: Tick = .start

    /// Tick of the last send, for heartbeats.
    var lastSentTick: Tick

    /// Tick of the last receive, or of the last request's beginning.
    var lastHeardTick: Tick

    var input: ConnectionInput?
    /// Where it comes from: what the system says, or the proxy's header in its place. Of a request that a proxy passes on
    /// `EdgeReactor.address` knows more.
    private(set) var peer: PeerAddress

    init(link: Link, peer: PeerAddress, tick: Tick) {
        self.link = link
        self.peer = peer
        lastSentTick = tick
        lastHeardTick = tick
    }

    /// A proxy's header is there: it comes from elsewhere, or from the proxy itself.
    mutating func takeProxyHeader(from source: PeerAddress?) {
        assert(traffic.contains(.awaitsProxyHeader), "there is one, in front of everything else")
        traffic.remove(.awaitsProxyHeader)
        if let source { peer = source }
    }

    /// Where it stands.
    var lifeCycle: LifeCycle { client.lifeCycle }

    /// Whether it is read and understood, and is sent what is new.
    var isOpen: Bool { client.isOpen }

    /// Whether it is sent something at least as often as there are heartbeats.
    var hasHeartbeats: Bool { client.encoding != nil && !client.has(.isOneAnswer) }

    /// Whether its slot is about to be freed.
    var isClosed: Bool { client.isClosed }

    /// Whether nothing is to be done for its client at this moment.
    var isIdle: Bool {
        !client.isBlocked && !answer.contains(.isAwaited) && traffic.isDisjoint(with: [.isDeferred, .isWaiting])
    }
}
