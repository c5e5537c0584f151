internal import Broker

// What is asked where channels and sessions go from one master to another.

/// One step of it, and no question of anybody else.
protocol RedisMoveStep: RedisCommand {}

/// Takes a channel or session out of use at its former master, and asks what there is of it: nothing once it has arrived.
struct RedisDepart: RedisMoveStep {
    let movedKey: String

    /// The master that has it from now on.
    let master: String

    /// Keys of the channel besides, of which the master knows no list.
    let endings: [String]
    let take: (Result<[[UInt8]], BackplaneFailure>) -> Void

    var lane: RedisLane.Kind { .read }

    func key(_ keys: RedisKeys) -> String { movedKey }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let usual = RedisArgument.number(context.limits.heldSessionMilliseconds)
        buffer.append(call: "perseid_depart", movedKey, [.text(master), usual] + endings.map { .text($0) })
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [[UInt8]] {
        guard reply.isArray else { throw RedisNonsense(kind: "departure", what: reply.text) }
        return (0..<reply.count).map { Array(reply[$0].bytes) }
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[[UInt8]], BackplaneFailure>) { take(outcome) }
}

/// Brings it to its new master.
struct RedisArrive: RedisMoveStep {
    let movedKey: String

    /// As the former master told them.
    let parts: [[UInt8]]
    let take: (Result<Void, BackplaneFailure>) -> Void

    var lane: RedisLane.Kind { .read }
    var carriedBytes: Int { parts.reduce(0) { $0 + RedisCommandBytes.of(argument: $1.count) } }

    func key(_ keys: RedisKeys) -> String { movedKey }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(call: "perseid_arrive", movedKey, parts.map { .bytes($0) })
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) {
        guard reply.integer == 1 else { throw RedisNonsense(kind: "arrival", what: reply.text) }
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Void, BackplaneFailure>) { take(outcome) }
}

/// Tells the former master that it has arrived. Should that not be heard, whoever looks for what is left finds it.
struct RedisForget: RedisMoveStep {
    typealias Answer = Void

    let movedKey: String
    let endings: [String]

    var lane: RedisLane.Kind { .read }

    func key(_ keys: RedisKeys) -> String { movedKey }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(call: "perseid_forget", movedKey, endings.map { .text($0) })
    }
}

/// Says that this node knows what is planned, and asks whether all do.
struct RedisPlanMoves: RedisMoveStep {
    /// What a former master knows of it.
    struct Standing {
        /// Whether all nodes that hear it know the plan: from then on what it has may be moved.
        let hasBegun: Bool
        /// Whether it is for this node to look for what is left.
        let looksForRest: Bool
        /// Keys that were left when a node looked last; `nil` before that.
        let leftCount: Int?
    }

    let plan: String

    /// The masters that there are to be; see `RedisShardMap.mark`.
    let masters: String

    /// Keys that this node found left, if it has looked.
    let leftCount: Int?
    let take: (Result<Standing, BackplaneFailure>) -> Void

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.moves }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            call: "perseid_plan_moves",
            keys: [context.keys.moves, context.keys.nodes],
            [
                .text(plan), context.node, .number(context.limits.nodeLeaseMilliseconds),
                .text(leftCount.map { "\($0)" } ?? ""), .text(masters),
            ]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Standing {
        guard reply.count == 3 else { throw RedisNonsense(kind: "plan", what: reply.text) }
        return Standing(
            hasBegun: reply[0].integer == 1,
            looksForRest: reply[1].integer == 1,
            leftCount: reply[2].integer >= 0 ? reply[2].integer : nil
        )
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Standing, BackplaneFailure>) { take(outcome) }
}

/// Looks for channels and sessions at a former master, a part of its keys at a time.
struct RedisLeftKeys: RedisMoveStep {
    /// One key, as the name that goes along and what stands behind it.
    typealias Found = (base: String, ending: String)

    let cursor: String
    let take: (Result<(found: [Found], next: String), BackplaneFailure>) -> Void

    /// A quarter of a millisecond of Redis, between what others ask.
    private static let keysPerPart: UInt64 = 250

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.moves }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append([
            "FCALL_RO", "perseid_left_keys", "0", .text(context.keys.prefix), .text(cursor), .number(Self.keysPerPart),
        ])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> (found: [Found], next: String) {
        guard reply.count > 0 else { throw RedisNonsense(kind: "keys", what: reply.text) }
        let found = stride(from: 1, to: reply.count - 1, by: 2).map { (reply[$0].text, reply[$0 + 1].text) }
        return (found, reply[0].text)
    }

    func tell(
        _ delegate: any BackplaneDelegate,
        _ outcome: Result<(found: [Found], next: String), BackplaneFailure>
    ) { take(outcome) }
}

/// Asks the former master of the revocations for them: nodes hear of those, and so must the new one.
struct RedisFormerRevocations: RedisMoveStep {
    let take: ([Revocation]) -> Void

    var lane: RedisLane.Kind { .opening }

    func key(_ keys: RedisKeys) -> String { keys.revoked }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        RedisRevocations().write(to: &buffer, context)
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [Revocation] {
        try RedisRevocations().read(reply, context)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[Revocation], BackplaneFailure>) {
        guard case .success(let all) = outcome else { return }
        delegate.revoked(all)
        take(all)
    }
}

/// Tells a master of revocations that another has.
struct RedisCopyRevocations: RedisMoveStep {
    typealias Answer = Void

    let revocations: [Revocation]

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { revocations.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.revoked }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let words = revocations.flatMap {
            [.text("\($0.milliseconds) \($0.target.word)"), .number($0.endMilliseconds)] as [RedisArgument]
        }
        buffer.append(call: "perseid_copy_revocations", key(context.keys), words)
    }
}
