internal import Broker
internal import Reactor
internal import Wire

/// One accepted socket, as its reactor keeps it.
///
/// Thread: owned by one reactor, in its slab. Size: at most 192 bytes (a test holds it there), and nothing on the heap
/// while it is idle.
struct Connection: ~Copyable {
    /// How publications are framed, or `http` while it only asks and is answered.
    enum Transport: UInt8 {
        case http
        case webSocket
        case eventStream
        case jsonStream

        /// Whether all channels come in one feed, in the body of one answer.
        var isStream: Bool { self == .eventStream || self == .jsonStream }
    }

    struct Flags: OptionSet {
        let rawValue: UInt32

        /// The socket took less than it was given; writability is watched.
        static let isBlocked = Flags(rawValue: 1)
        /// Nothing more is read or delivered; it closes when its outbox is empty.
        static let isClosing = Flags(rawValue: 2)
        /// Our direction was shut; the peer's end of stream is awaited.
        static let isShut = Flags(rawValue: 4)
        /// The socket is closed; the slot is freed at the end of the turn.
        static let isClosed = Flags(rawValue: 8)
        /// An answer is being waited for; later requests stay in the input.
        static let isAnswering = Flags(rawValue: 16)
        /// Reading is paused, because too much waits in the input.
        static let isReadingPaused = Flags(rawValue: 32)
        /// Payload only, without envelope.
        static let isRaw = Flags(rawValue: 64)
        /// May publish over its WebSocket.
        static let mayPublish = Flags(rawValue: 128)
        /// A close frame was sent.
        static let sentClose = Flags(rawValue: 256)
        /// The answer under way is the last.
        static let closesAfterAnswer = Flags(rawValue: 512)
        /// The answer under way goes to an HTTP/1.0 client that keeps the connection.
        static let announcesKeepAlive = Flags(rawValue: 1_024)
        /// The answer under way has no body, for it answers HEAD.
        static let isHead = Flags(rawValue: 2_048)
        /// The peer was pinged and has not been heard since.
        static let isPinged = Flags(rawValue: 4_096)
        /// The peer ended its direction; it still gets what it asked for.
        static let isEnded = Flags(rawValue: 8_192)

        /// Subscribed to a channel that tells who is.
        static let isPresent = Flags(rawValue: 16_384)
        /// It stands among those whose input is gone on with at the end of a turn.
        static let isDeferred = Flags(rawValue: 32_768)
        /// Its client used up a budget; it is gone on with when that is given anew.
        static let isWaiting = Flags(rawValue: 65_536)

        /// It was ready to be read, or to be written to, and was not come to yet.
        static let isReadOverdue = Flags(rawValue: 262_144)
        static let isWriteOverdue = Flags(rawValue: 524_288)
        /// It sent more of late than a slice of a turn is enough for.
        static let isTalkative = Flags(rawValue: 1_048_576)

        /// Nothing is read or understood any more.
        static let ends: Flags = [.isClosed, .isClosing]

        /// Its client speaks HTTP/1.0, which knows no chunks: a stream's body ends with the connection.
        static let endsByClosing = Flags(rawValue: 131_072)

        /// An answer is awaited or on its way out: a later request must wait.
        static let holdsRequests: Flags = [.isAnswering, .isBlocked]
    }

    let socket: Socket
    var transport = Transport.http
    var flags: Flags = []

    /// First of its subscriptions, linked by `Subscription.next`.
    var firstSubscription = SubscriptionTable.none
    var subscriptionCount: UInt16 = 0

    /// Channels it waits to be subscribed to.
    var joinCount: UInt16 = 0

    /// The subscription whose frame the socket has only the beginning of.
    var unfinished = SubscriptionTable.none

    /// Bytes sent so far, modulo 2^32. A stream is renewed by their number, a reader that stalls is known by it.
    var sentBytes: UInt32 = 0

    /// The tick a stream began with, for it is renewed by age, too.
    var streamTick: UInt32 = 0

    /// Tick of the last send, for heartbeats.
    var lastSentTick: UInt32

    /// Tick of the last receive, or of the last request's beginning.
    var lastHeardTick: UInt32

    /// WebSocket frames on their way in.
    var decoder = WebSocketDecoder(role: .server)

    /// The session it holds, if it has one.
    var session: SessionLink?

    var input: ConnectionInput?
    var outbox: Outbox?
    let peer: PeerAddress

    init(socket: Socket, peer: PeerAddress, tick: UInt32) {
        self.socket = socket
        self.peer = peer
        lastSentTick = tick
        lastHeardTick = tick
    }
}
