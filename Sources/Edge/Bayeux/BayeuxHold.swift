internal import Broker
internal import Hub
internal import Reactor
internal import Wire

/// A connect that waits for what is published next. It has no more than its answer needs: an idle client is little else than this.
///
/// Thread: owned by one reactor.
final class BayeuxHold {
    let peer: BayeuxBatch.Peer

    /// What came with it, if that is answered with it.
    let batch: BayeuxBatch?

    /// The client's own JSON, echoed. A text, for a short one has no memory of its own.
    let id: String?

    /// The two halves of its `clientId`, in a quarter of what that takes as a text.
    private let halves: (SessionID, SessionID)?
    var clientID: String { halves.map { "\($0)\($1)" } ?? "" }

    /// The client's clock as it sent the connect, and the node's as that came.
    let clock: Clock?

    /// Few clients tell theirs.
    final class Clock {
        let ofClient: BayeuxClock
        let receivedMilliseconds: UInt64

        init(_ ofClient: BayeuxClock, receivedMilliseconds: UInt64) {
            self.ofClient = ofClient
            self.receivedMilliseconds = receivedMilliseconds
        }
    }

    /// What is kept of the client once it is answered.
    var notes: BayeuxNotes

    /// Whether they differ from what is kept now.
    var areNotesNew: Bool

    /// What the client acknowledged with it, and is not written yet.
    let acknowledged: [SessionPosition]

    /// How long the client will be away after the reply, beyond the time that it always may.
    let awayMilliseconds: UInt64

    /// Changes of the session that came before it was held.
    var waitingChanges: [SessionPosition] = []

    /// What it is answered, while that is written.
    var answer: Poll?

    init(
        _ batch: BayeuxBatch,
        _ connect: BayeuxConnect,
        id: [UInt8]?,
        clientID: String,
        notes: BayeuxNotes,
        areNotesNew: Bool,
        acknowledged: [SessionPosition]
    ) {
        peer = batch.peer
        self.batch = batch.isEmpty ? nil : batch
        self.id = id.map { String(decoding: $0, as: UTF8.self) }
        let middle = clientID.utf8.index(clientID.startIndex, offsetBy: clientID.utf8.count / 2)
        let parts = (SessionID(clientID[..<middle]), SessionID(clientID[middle...]))
        halves = parts.0.flatMap { first in parts.1.map { (first, $0) } }
        clock = connect.ext.clock.map { Clock($0, receivedMilliseconds: batch.receivedMilliseconds) }
        self.notes = notes
        self.areNotesNew = areNotesNew
        self.acknowledged = acknowledged
        awayMilliseconds = connect.awayMilliseconds
    }

    /// The connection that is answered.
    var connection: SlabKey {
        switch peer {
        case .exchange(let exchange): exchange.connection
        case .socket(let socket): socket.connection
        }
    }
}
