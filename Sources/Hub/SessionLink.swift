public import Broker

/// What a connection has of its session: how far it was saved, and what the client has yet to confirm.
///
/// Thread: owned by one reactor.
public final class SessionLink {
    /// The session.
    public let id: SessionID

    /// What the uplink was told.
    public private(set) var saved: [SessionPosition]

    /// How its client says what it has: a poll with the next one, a connection by checkpoints. One of the two, for there is a link
    /// for each client.
    private enum Confirmation {
        case poll(Poll)
        case checkpoint(unconfirmed: [SessionPosition], number: UInt32)
    }
    private var confirmation = Confirmation.checkpoint(unconfirmed: [], number: 0)

    /// The poll that holds it, if it is one.
    public var poll: Poll? {
        get { if case .poll(let poll) = confirmation { poll } else { nil } }
        set { confirmation = newValue.map { .poll($0) } ?? .checkpoint(unconfirmed: [], number: 0) }
    }

    /// What the client has if it received everything up to some moment, and has not confirmed yet.
    public var unconfirmed: [SessionPosition] {
        if case .checkpoint(let unconfirmed, _) = confirmation { unconfirmed } else { [] }
    }

    /// Tells apart the moments; sent in a ping and expected back.
    public var checkpointNumber: UInt32 { if case .checkpoint(_, let number) = confirmation { number } else { 0 } }

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
        confirmation = .checkpoint(unconfirmed: positions, number: checkpointNumber &+ 1)
    }

    /// The client has everything up to the checkpoint. A subscription that ended meanwhile stays ended.
    public func confirm() -> [SessionPosition] {
        guard case .checkpoint(let unconfirmed, let number) = confirmation else { return [] }
        confirmation = .checkpoint(unconfirmed: [], number: number)
        return note(unconfirmed.filter { each in saved.contains { $0.channel == each.channel } })
    }
}
