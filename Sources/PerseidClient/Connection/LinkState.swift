internal import Broker

/// One way to one node, from when it is tried until it ends: what it was opened for, and when something is to be done about it.
///
/// All times are milliseconds of one monotonic clock.
struct LinkState {
    /// The time in which a ping is answered, or there is nobody any more.
    static let pongMillisecondsMax: UInt64 = 3_000

    /// Between two signs of life, where the node does not say. Source: `heartbeat` of deploy/reference/http.md.
    static let heartbeatSeconds: UInt64 = 25

    /// After which what could not be had is tried again: a channel, a token.
    static let againMilliseconds: UInt64 = 2_000

    /// After which a link is a good one: nodes that die one after the other are not waited for longer each time.
    static let goodMilliseconds: UInt64 = 2_000

    let transport: Transport

    /// Which of the addresses it goes to.
    let addressIndex: Int

    /// What it reads. Those of a pattern are not among them.
    var channels: Set<ChannelName>

    var node: String?
    var isOpen = false

    /// When it is taken for blocked unless it is open.
    var openEnd: UInt64

    /// When the node was heard last, and how long it may be silent.
    var heard: UInt64
    var silenceMillisecondsMax: UInt64

    /// When a ping was sent that is not answered yet.
    var pinged: UInt64?

    /// When it is a good one, when a better transport is tried, when another token is shown, when channels are asked for once more.
    var goodAt: UInt64?
    var climbAt: UInt64?
    var tokenAt: UInt64?
    var againAt: UInt64?

    /// Whether nobody reads what comes: then silence says nothing.
    var isPaused = false

    init(_ transport: Transport, addressIndex: Int, channels: Set<ChannelName>, now: UInt64, openMilliseconds: UInt64) {
        self.transport = transport
        self.addressIndex = addressIndex
        self.channels = channels
        openEnd = now &+ openMilliseconds
        heard = now
        silenceMillisecondsMax = Self.silence(heartbeatSeconds: Self.heartbeatSeconds, transport)
    }

    /// Who can be asked is asked after the time of a heartbeat, who cannot is given half of it more.
    private static func silence(heartbeatSeconds: UInt64, _ transport: Transport) -> UInt64 {
        heartbeatSeconds * (transport.takesCommands ? 1_000 : 1_500)
    }

    /// The node says how often it gives a sign of life.
    mutating func expect(heartbeatSeconds: UInt64) {
        silenceMillisecondsMax = Self.silence(heartbeatSeconds: max(heartbeatSeconds, 1), transport)
    }

    /// When the next of these times is.
    var deadline: UInt64? {
        let silenceEnd = pinged.map { $0 &+ Self.pongMillisecondsMax } ?? heard &+ silenceMillisecondsMax
        let ends = [isOpen || isPaused ? nil : openEnd, isPaused ? nil : silenceEnd, goodAt, climbAt, tokenAt, againAt]
        return ends.compactMap { $0 }.min()
    }
}

/// What a link is opened with.
struct LinkPlan {
    let transport: Transport
    let addressIndex: Int
    let token: String?
    let channels: [ChannelName]
    let cursor: String

    /// `none`, or the token of a session.
    let session: String?

    /// Whether a poll is answered at once: the first is, for it tells where the client stands, and that there is a way.
    var isImmediate = true

    /// Batches a second and channel, at most.
    var maxRate: Double?
}

/// Why a link is over.
enum LinkEnd {
    /// There is no node, or none any more.
    case lost(PerseidError)
    /// There is no way for this transport: something in between holds it up, or answers in the node's place.
    case blocked(PerseidError)
    /// A node said no, or goodbye.
    case refused(PerseidError)

    var error: PerseidError {
        switch self {
        case .lost(let error), .blocked(let error), .refused(let error): error
        }
    }
}
