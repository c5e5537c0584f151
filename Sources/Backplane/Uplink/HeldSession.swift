internal import Broker
internal import Reactor

/// Resumes of one session that this node has asked for. That another node took the session over comes on a road of its own,
/// and may be heard before the answer.
struct ResumesUnderWay {
    var count = 0

    /// The newest fence that was heard of; 0 for none.
    var takenFence: UInt64 = 0

    /// Why that was.
    var taking = SessionTaking.attach
}

/// A session that this node holds: for a connection, or for a client between two polls.
///
/// Thread: owned by the uplink. Size: at most 72 bytes beside its name, for there is one per client (a test holds it).
struct HeldSession {
    /// Shown again if the backplane lost the session, or by the next poll.
    let secret: SecretHash

    /// What every write carries.
    let fence: UInt64

    /// What the client of a poll has told to have. A connection keeps its own; of one whose session is visited these are the
    /// channels, and where it stood as it began with them.
    var positions: [SessionPosition] = []

    /// What is noted of its client besides.
    var notes: [UInt8] = []

    /// The connection that has it; `nil` between two polls.
    var holder: SessionHolder?

    /// Whether it outlives the request that holds it.
    let isPoll: Bool

    /// Between two polls: when it is given up.
    var idleUntilTick: Tick = .start

    /// Whether its client has not polled for as long as it may be resumed.
    func isIdle(_ tick: Tick) -> Bool { holder == nil && idleUntilTick.isReached(by: tick) }

    /// Where its client stands, as far as it is known here.
    var writtenPositions: [SessionPosition] { isPoll ? positions : [] }

    /// What is noted, or `nil` where there is nothing to write.
    var writtenNotes: [UInt8]? { notes.isEmpty ? nil : notes }

    /// What there is to know of its client.
    var state: SessionState { SessionState(positions: positions, notes: notes) }
}
