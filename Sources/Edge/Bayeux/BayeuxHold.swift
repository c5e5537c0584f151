internal import Broker
internal import Hub
internal import Reactor
internal import Wire

/// A connect that waits for what is published next. It has no more than its answer needs: an idle client is little else than this.
///
/// Thread: owned by one reactor. Size: at most 120 bytes (a test holds it); what few clients need is apart.
final class BayeuxHold {
    /// The connection that is answered.
    let connection: SlabKey

    /// The two halves of its `clientId`, in a quarter of what that takes as a text.
    private let halves: (SessionID, SessionID)
    var clientID: String { "\(halves.0)\(halves.1)" }

    /// The client's own JSON, echoed. A text, for a short one has no memory of its own.
    let id: String?

    /// What is kept of the client once it is answered.
    var notes: BayeuxNotes

    /// Whether they differ from what is kept now.
    var areNotesNew: Bool

    /// What the answer looks like, if it is one of HTTP.
    private let form: Exchange.Form

    /// What most clients do not need.
    private var more: More?

    /// What it is answered, while that is written.
    var answer: Poll?

    /// What came with a connect of some clients, or comes for it.
    private final class More {
        var socket: BayeuxSocket?
        var origin: String?
        var callback: CallbackName?
        var batch: BayeuxBatch?
        var clock: (ofClient: BayeuxClock, receivedMilliseconds: UInt64)?
        var acknowledged: [SessionPosition] = []
        var awayMilliseconds: UInt64 = 0
        var waitingChanges: [SessionPosition] = []
    }

    init(
        _ batch: BayeuxBatch,
        _ token: SessionToken,
        _ connect: BayeuxConnect,
        id: [UInt8]?,
        notes: BayeuxNotes,
        areNotesNew: Bool,
        acknowledged: [SessionPosition]
    ) {
        self.id = id.map { String(decoding: $0, as: UTF8.self) }
        halves = (token.id, token.secretOfClient)
        self.notes = notes
        self.areNotesNew = areNotesNew
        connection = batch.connection
        if case .exchange(let exchange) = batch.peer { form = exchange.form } else { form = [] }
        if case .socket(let socket) = batch.peer { needed.socket = socket }
        if case .exchange(let exchange) = batch.peer {
            if let origin = exchange.origin { needed.origin = origin }
            if let callback = exchange.callback { needed.callback = callback }
        }
        if !batch.isEmpty { needed.batch = batch }
        if let clock = connect.ext.clock { needed.clock = (clock, batch.receivedMilliseconds) }
        if !acknowledged.isEmpty { needed.acknowledged = acknowledged }
        if connect.awayMilliseconds > 0 { needed.awayMilliseconds = connect.awayMilliseconds }
    }

    private var needed: More {
        if let more { return more }
        let made = More()
        more = made
        return made
    }

    /// Who is answered.
    var peer: BayeuxBatch.Peer {
        if let socket { return .socket(socket) }
        return .exchange(
            Exchange(connection: connection, form: form, origin: more?.origin, callback: more?.callback)
        )
    }

    /// The WebSocket that holds it, if one does.
    var socket: BayeuxSocket? { more?.socket }

    /// What came with it, if that is answered with it.
    var batch: BayeuxBatch? { more?.batch }

    /// The client's clock as it sent the connect, and the node's as that came.
    var clock: (ofClient: BayeuxClock, receivedMilliseconds: UInt64)? { more?.clock }

    /// What the client acknowledged with it, and is not written yet.
    var acknowledged: [SessionPosition] { more?.acknowledged ?? [] }

    /// How long the client will be away after the reply, beyond the time that it always may.
    var awayMilliseconds: UInt64 { more?.awayMilliseconds ?? 0 }

    /// Changes of the session that came before it was held.
    func wait(for changes: [SessionPosition]) { needed.waitingChanges += changes }
    func takeWaitingChanges() -> [SessionPosition] {
        defer { more?.waitingChanges = [] }
        return more?.waitingChanges ?? []
    }
}
