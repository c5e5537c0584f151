internal import Broker
internal import Reactor
internal import Wire

/// Messages of Bayeux that came together, and how far they are answered.
///
/// Thread: owned by one reactor. First it is seen whose they are, then each is done in its turn, then what they change of the
/// session is written, and last a connect is held: in this order for every way they come.
final class BayeuxBatch {
    /// Who sent them.
    enum Peer {
        case exchange(Exchange)
        case socket(BayeuxSocket)
    }

    let peer: Peer
    let messages: [BayeuxMessage]

    /// What its sender shows, or what is known of the session's client.
    var credentials: Credentials

    /// What the backend is told of its request, if it is asked whether its client may come.
    var connectFields: [UInt8]?

    /// Whether it waits for a backend before it is gone on with.
    var isAsking = false

    /// What is wrong with the token that it shows, if it shows one that is not taken.
    var tokenFault: BayeuxFault?

    /// Whether the load balancer's cookie says that this node had its session last.
    let isAffine: Bool

    /// When it came, in milliseconds since 1970.
    let receivedMilliseconds: UInt64

    /// The token of the session that the messages are of, once one says so or one is opened.
    var token: SessionToken?

    /// What is known of that.
    var notes = BayeuxNotes()

    /// The message whose turn it is.
    var next = 0

    /// What each is answered, in their order.
    private(set) var replies: [BayeuxReply?]

    /// Questions that are not answered yet, and how many of them ask where channels stand.
    var underWay = 0
    var headsUnderWay = 0

    /// What is to be written of the session, and whether it ends.
    var changes: [SessionPosition] = []
    var isLast = false

    /// Whether a subscription that is there may begin anew.
    var restarts = false

    /// Channels that were published to.
    var published: Set<ChannelName> = []

    /// Elements of the answer's array that are no replies.
    var deliveries = ByteBuffer()

    init(
        _ messages: [BayeuxMessage],
        from peer: Peer,
        credentials: Credentials,
        isAffine: Bool,
        receivedMilliseconds: UInt64
    ) {
        self.messages = messages
        self.peer = peer
        self.credentials = credentials
        self.isAffine = isAffine
        self.receivedMilliseconds = receivedMilliseconds
        replies = Array(repeating: nil, count: messages.count)
    }

    /// The connection that is answered.
    var connection: SlabKey {
        switch peer {
        case .exchange(let exchange): exchange.connection
        case .socket(let socket): socket.connection
        }
    }

    /// The WebSocket that they came by, if they did.
    var socket: BayeuxSocket? { if case .socket(let socket) = peer { socket } else { nil } }

    /// Whose session they are about, as the first of them says that does.
    var clientID: String? { messages.lazy.compactMap(\.clientID).first }

    /// The first handshake, right or wrong, and the first connect.
    var handshake: Int? { messages.firstIndex { $0.channel == BayeuxChannel.Meta.handshake.rawValue } }
    var connect: Int? { messages.firstIndex { if case .connect = $0.request { true } else { false } } }

    /// Whether there is more than connects: only then is it asked whose they are before anything is done.
    var hasOthers: Bool { messages.contains { if case .connect = $0.request { false } else { true } } }

    /// Answers a message.
    func reply(_ place: Int, fault: BayeuxFault? = nil) {
        replies[place] = BayeuxReply(to: messages[place], fault: fault)
    }

    func reply(_ place: Int, _ reply: BayeuxReply) { replies[place] = reply }

    /// Changes what a message that was answered is told.
    func fail(_ place: Int, _ fault: BayeuxFault) { replies[place]?.fault = fault }

    /// Whether a message was answered that it is done.
    func isDone(_ place: Int) -> Bool { replies[place].map { $0.fault == nil } ?? false }

    /// The whole answer: deliveries first, for some clients take a connect reply for the end.
    func append(to output: inout ByteBuffer) {
        output.append("[")
        output.append(deliveries.bytes)
        var isFirst = deliveries.isEmpty
        for reply in replies.lazy.compactMap({ $0 }) {
            if !isFirst { output.append(",") }
            isFirst = false
            reply.append(to: &output)
        }
        output.append("]")
    }

    /// Whether there is nothing to say.
    var isEmpty: Bool { deliveries.isEmpty && replies.allSatisfy { $0 == nil } }
}
