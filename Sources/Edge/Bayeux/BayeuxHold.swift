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

    /// The client's own JSON, echoed.
    let id: [UInt8]?
    let clientID: String

    /// The client's clock as it sent the connect, and the node's as that came.
    let clock: BayeuxClock?
    let receivedMilliseconds: UInt64

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
        self.id = id
        self.clientID = clientID
        clock = connect.ext.clock
        receivedMilliseconds = batch.receivedMilliseconds
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
