internal import Broker

/// Asks the master that has a session whether another node has taken it, as this one was told.
///
/// In a cluster anybody's word is heard by all. A master that stood still and was replaced meanwhile does what it was asked before, once it
/// wakes and until it hears of the other: it grants sessions as they once stood, and tells so who has them. What it grants counts nothing,
/// and nobody lets go of a session for that.
struct RedisTaking: RedisCommand {
    let session: SessionID

    /// What was told.
    let fence: UInt64
    let taking: SessionTaking

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(ask: "perseid_session_fence", key(context.keys), [])
    }

    /// `nil` if there is no such session any more.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> UInt64? {
        reply.isInteger ? UInt64(clamping: reply.integer) : nil
    }

    /// Where nobody can say, what was told counts: two nodes must not both go on.
    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<UInt64?, BackplaneFailure>) {
        if case .success(let known?) = outcome, known < fence { return }
        delegate.taken(session, fence: fence, taking)
    }
}
