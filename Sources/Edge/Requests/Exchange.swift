internal import Reactor
internal import Wire

/// One request being answered: whose it is, and how the answer must be sent. A value that goes along with the question, so
/// that no answer is sent with what another request asked for.
struct Exchange {
    /// What the answer looks like, as its request wants it.
    struct Form: OptionSet {
        let rawValue: UInt8

        /// For an HTTP/1.0 client that keeps the connection.
        static let announcesKeepAlive = Form(rawValue: 1)
        /// Without a body, for it answers HEAD.
        static let hasNoBody = Form(rawValue: 2)
        /// For a client of HTTP/1.0, which knows no chunks: a stream's body ends with the connection.
        static let endsByClosing = Form(rawValue: 4)
        /// With the name of the node, which its load balancer does not know or takes for another.
        static let offersNode = Form(rawValue: 8)
        /// For a browser's `EventSource`, which does not come back after any other status than 200.
        static let isForEventSource = Form(rawValue: 16)
    }

    let connection: SlabKey
    var form: Form

    /// What its request shows of who its client is.
    var credentials = Credentials.none

    /// The other site whose page may read the answer: one by its name, or all, `*`.
    var origin: String?

    /// The function that the answer calls, where it is a script of the page that asks.
    var callback: CallbackName?

    var slot: Slot { connection.slot }
}

/// What is answered where several can ask for the same: a request, a command, a line.
enum Asker {
    case exchange(Exchange)

    /// A command of a WebSocket, with its id as the client's own JSON, and what it holds of its client's budget.
    case command(SlabKey, id: [UInt8]?, byteCount: Int)

    /// One of many publications in a body.
    case line(Line)

    /// One of several messages of Bayeux.
    case bayeux(BayeuxBatch, Int)

    /// A publication's line in a body, and what it holds of its client's budget.
    struct Line {
        let body: PublicationLines
        let number: Int
        let id: [UInt8]?
        let byteCount: Int
    }
}
