public import Broker

/// What a connection has of its session: how far it was saved, and what the client has yet to confirm.
///
/// Thread: owned by one reactor.
public final class SessionLink {
    /// The session.
    public let id: SessionID

    /// The poll that holds it, if it is one.
    public var poll: Poll?

    /// What the uplink was told.
    public private(set) var saved: [SessionPosition]

    /// What the client has if it received everything up to some moment, and has not confirmed yet.
    public private(set) var unconfirmed: [SessionPosition] = []

    /// Tells apart the moments; sent in a ping and expected back.
    public private(set) var checkpointNumber: UInt32 = 0

    /// Takes a session with what is saved of it.
    public init(_ id: SessionID, saved: [SessionPosition]) {
        self.id = id
        self.saved = saved
    }

    /// Notes subscriptions that began, moved on or ended; returns those that the uplink does not know of.
    public func note(_ changes: [SessionPosition]) -> [SessionPosition] {
        let news = changes.filter { !saved.contains($0) }
        for change in news { saved.apply(change) }
        return news
    }

    /// Begins a checkpoint.
    public func begin(_ positions: [SessionPosition]) {
        unconfirmed = positions
        checkpointNumber &+= 1
    }

    /// The client has everything up to the checkpoint. A subscription that ended meanwhile stays ended.
    public func confirm() -> [SessionPosition] {
        defer { unconfirmed = [] }
        return note(unconfirmed.filter { each in saved.contains { $0.channel == each.channel } })
    }
}
