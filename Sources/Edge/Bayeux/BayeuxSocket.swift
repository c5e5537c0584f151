internal import Broker
internal import Reactor
internal import Wire

/// What a WebSocket of Bayeux has of its client: the session it is bound to, and the connect that its client waits for.
///
/// Thread: owned by one reactor. The session is the connection's (`Client.session`), and so is what its client showed
/// (`EdgeReactor.credentials`); this says whose words are taken for its.
final class BayeuxSocket {
    let connection: SlabKey

    /// What the backend is told of its request, if it is asked whether its client may come.
    var connectFields: [UInt8]?

    /// The session, once a handshake opened one or a message named one.
    var token: SessionToken?
    var notes = BayeuxNotes()

    /// How often its address says that it wants to be told, once it is bound.
    var pace: Pace?

    /// The connect that is held.
    var hold: BayeuxHold?

    init(_ connection: SlabKey) { self.connection = connection }
}
