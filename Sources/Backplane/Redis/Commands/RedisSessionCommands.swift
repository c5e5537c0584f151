internal import Broker

// Sessions: who has them, and where their clients stand.

/// Opens a session with the first fence, or resumes one with the next.
struct RedisGrant: RedisCommand {
    let request: SessionRequest

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.session(request.id) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let secret = RedisArgument.text(request.secret.text)
        let lifetime = RedisArgument.number(context.limits.heldSessionMilliseconds)
        switch request.kind {
        case .open:
            // No channel has an empty name.
            let notes: [RedisArgument] =
                request.notes.isEmpty ? [] : ["", .text(String(decoding: request.notes, as: UTF8.self))]
            buffer.append(
                call: "perseid_session_open",
                key(context.keys),
                [secret, "1", context.node, lifetime] + notes
            )
        case .resume:
            let taking = RedisArgument.text(request.taking.rawValue)
            buffer.append(call: "perseid_session_resume", key(context.keys), [secret, context.node, lifetime, taking])
        }
    }

    /// `nil` if there is no such session.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> SessionGrant? {
        if request.kind == .open {
            // A session whose name was drawn a moment ago is nobody else's.
            return reply.integer == 1 ? SessionGrant(fence: 1, positions: [], notes: request.notes) : nil
        }
        guard reply.count > 0 else { return nil }
        var positions: [SessionPosition] = []
        var notes: [UInt8] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            let name = reply[index].text
            if name.isEmpty { notes = Array(reply[index + 1].bytes) }
            guard let channel = ChannelName(name), let position = reply[index + 1].position else {
                continue
            }
            positions.append(SessionPosition(channel, position))
        }
        guard let fence = UInt64(exactly: reply[0].integer) else {
            throw RedisNonsense(kind: "fence", what: "\(reply[0].integer)")
        }
        return SessionGrant(fence: fence, positions: positions, notes: notes)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<SessionGrant?, BackplaneFailure>) {
        delegate.granted(
            request,
            outcome.mapError { .backplane($0) }.flatMap { $0.map { .success($0) } ?? .failure(.unknown) }
        )
    }
}

/// Writes where a session's client stands, and how long it is kept.
struct RedisSave: RedisCommand {
    let session: SessionID
    let fence: UInt64
    let standing: SessionStanding
    let positions: [SessionPosition]
    let notes: [UInt8]?
    let ticket: Ticket?

    var lane: RedisLane.Kind { .upkeep }

    var carriedBytes: Int {
        positions.count * RedisCommandBytes.listed + RedisCommandBytes.of(argument: notes?.count ?? 0)
    }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let (function, left): (StaticString, RedisArgument) =
            switch standing {
            case .held: ("perseid_session_save", .number(context.limits.heldSessionMilliseconds))
            case .detached: ("perseid_session_detach", .number(context.limits.resumeMilliseconds))
            case .ended: ("perseid_session_save", "0")
            }
        var list = positions.flatMap {
            [.text($0.channel.text), .text($0.position?.description ?? "")] as [RedisArgument]
        }
        // No channel has an empty name.
        if let notes { list += ["", .text(String(decoding: notes, as: UTF8.self))] }
        buffer.append(call: function, key(context.keys), [.number(fence), context.node, left] + list)
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> SessionWrite {
        SessionWrite(reply)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        delegate.saved(session, fence: fence, for: ticket, outcome)
    }
}

/// Asks whether a session is there, which keeps it for a while.
struct RedisTouch: RedisCommand {
    let session: SessionID
    let secret: SecretHash
    let ticket: Ticket

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let lifetime = RedisArgument.number(context.limits.resumeMilliseconds)
        buffer.append(call: "perseid_session_touch", key(context.keys), [.text(secret.text), lifetime])
    }

    /// The session's notes; `nil` if there is no such session.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [UInt8]? {
        reply.isString ? Array(reply.bytes) : nil
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[UInt8]?, BackplaneFailure>) {
        delegate.touched(ticket, outcome)
    }
}

/// Puts back a session that Redis lost, without its subscriptions.
struct RedisRestore: RedisCommand {
    let session: SessionID
    let secret: SecretHash
    let fence: UInt64

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let lifetime = RedisArgument.number(context.limits.heldSessionMilliseconds)
        buffer.append(
            call: "perseid_session_open",
            key(context.keys),
            [.text(secret.text), .number(fence), context.node, lifetime]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> SessionWrite {
        SessionWrite(reply)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<SessionWrite, BackplaneFailure>) {
        delegate.saved(session, fence: fence, for: nil, outcome)
    }
}

extension SessionWrite {
    /// What became of a write, as the function library tells it.
    init(_ reply: RedisReply) {
        switch reply.integer {
        case 1: self = .kept
        case 0: self = .stale
        default: self = .gone
        }
    }
}
