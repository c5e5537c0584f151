internal import Broker

// Wills: of whose end a backend is to hear, on a lease of the node that had them.

/// Begins a will.
struct RedisOpenWill: RedisCommand {
    let will: WillID
    let old: WillID?

    var lane: RedisLane.Kind { .read }

    func key(_ keys: RedisKeys) -> String { keys.wills }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let old = old.map { "\($0)" } ?? ""
        buffer.append(
            ["FCALL", "perseid_will_open", "3"] + context.keys.arguments(of: will) + [
                .text(context.keys.will(old)), context.willLease, .text("\(will)"), .text(old),
            ]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) {}

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Void, BackplaneFailure>) {
        delegate.willOpened(will, outcome)
    }
}

/// Takes a will back.
struct RedisDropWill: RedisCommand {
    typealias Answer = Void

    let will: WillID

    var lane: RedisLane.Kind { .read }

    func key(_ keys: RedisKeys) -> String { keys.wills }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            ["FCALL", "perseid_will_drop", "2"] + context.keys.arguments(of: will) + [.text("\(will)")]
        )
    }
}

/// Changes a will's entries.
struct RedisWriteWill: RedisCommand {
    let will: WillID
    let changes: [WillChange]

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { changes.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.wills }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let list = changes.map { change in
            switch change {
            case .add(let entry): RedisArgument.bytes([UInt8(ascii: "+")] + entry)
            case .remove(let entry): RedisArgument.bytes([UInt8(ascii: "-")] + entry)
            }
        }
        buffer.append(
            ["FCALL", "perseid_will_write", "2"] + context.keys.arguments(of: will)
                + [context.willLease, .text("\(will)")] + list
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Bool { reply.integer == 1 }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Bool, BackplaneFailure>) {
        delegate.willWritten(will, outcome)
    }
}

/// Renews the lease of a will, and looks for one whose lease has ended.
struct RedisRenewWill: RedisCommand {
    let will: WillID
    let executing: WillID?
    let seeks: Bool

    var lane: RedisLane.Kind { .read }

    func key(_ keys: RedisKeys) -> String { keys.wills }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let executing = executing.map { "\($0)" } ?? ""
        buffer.append(
            ["FCALL", "perseid_will_renew", "2"] + context.keys.arguments(of: will)
                + [context.willLease, .text("\(will)"), .text(executing), seeks ? "1" : "0"]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> WillRenewal {
        guard reply.count == 2 else { throw RedisNonsense(kind: "will", what: reply.text) }
        return WillRenewal(isOwn: reply[0].integer == 1, found: WillID(reply[1].text))
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<WillRenewal, BackplaneFailure>) {
        delegate.willRenewed(will, outcome)
    }
}

/// Goes on with a will that this node carries out.
struct RedisExecuteWill: RedisCommand {
    let will: WillID
    let done: [[UInt8]]
    let countMax: Int

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { done.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.wills }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            ["FCALL", "perseid_will_execute", "2"] + context.keys.arguments(of: will)
                + [context.willLease, .text("\(will)"), .text(String(countMax))] + done.map { .bytes($0) }
        )
    }

    /// `nil` where Redis has nothing for this node.
    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [[UInt8]]? {
        reply.isArray ? (0..<min(reply.count, countMax)).map { Array(reply[$0].bytes) } : nil
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[[UInt8]]?, BackplaneFailure>) {
        delegate.willRead(will, outcome)
    }
}

/// Asks for a session's fence.
struct RedisReadFence: RedisCommand {
    let session: SessionID
    let entry: [UInt8]

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(ask: "perseid_session_fence", key(context.keys), [])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> UInt64? {
        reply.isInteger ? UInt64(clamping: reply.integer) : nil
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<UInt64?, BackplaneFailure>) {
        delegate.fenceRead(for: entry, outcome)
    }
}

extension RedisContext {
    /// How long a node may be out of sight before others carry out its will, or the one that it carries out.
    fileprivate var willLease: RedisArgument { .number(limits.nodeLeaseMilliseconds) }
}

extension RedisKeys {
    fileprivate func arguments(of will: WillID) -> [RedisArgument] { [.text(wills), .text(self.will("\(will)"))] }
}
