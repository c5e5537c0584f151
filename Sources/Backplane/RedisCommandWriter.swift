internal import Broker

/// Puts requests into the words of Redis: calls of the function library, with what this node has to say of itself.
struct RedisCommandWriter {
    private let limits: Limits
    private let keys: RedisKeys
    private let node: RedisArgument
    private let nodeKey: RedisArgument
    private let incarnation: RedisArgument

    /// Options are named only where they differ from the function library's own: half of the bytes and of the time that
    /// both sides spend on them.
    private let historyOptions: [RedisArgument]

    init(limits: Limits, nodeID: String, incarnation: String, keys: RedisKeys) {
        self.limits = limits
        self.keys = keys
        node = .text(nodeID)
        nodeKey = .text(keys.node(nodeID))
        self.incarnation = .text(incarnation)
        historyOptions = Self.historyOptions(limits)
    }

    private static func historyOptions(_ limits: Limits) -> [RedisArgument] {
        let usual = Limits()
        var options: [RedisArgument] = []
        if limits.historyCountMax != usual.historyCountMax {
            options += ["HISTORY", .text(String(limits.historyCountMax))]
        }
        if limits.historyMilliseconds != usual.historyMilliseconds {
            options += ["TTL", .number(limits.historyMilliseconds)]
        }
        if limits.headMilliseconds != usual.headMilliseconds {
            options += ["HEADTTL", .number(limits.headMilliseconds)]
        }
        return options
    }

    func write(_ request: RedisRequest, to link: RedisLink) {
        switch request {
        case .authenticate(let user, let password):
            link.send(["AUTH"] + (user.map { [.text($0)] } ?? []) + [.text(password)])
        case .select(let database): link.send(["SELECT", .text(String(database))])
        case .version: link.send(["FCALL_RO", "perseid_version", "0"])
        case .hello: link.send(["HELLO"])
        case .install(let replaces):
            link.send(["FUNCTION", "LOAD"] + (replaces ? ["REPLACE"] : []) + [.bytes(RedisFunctions.source)])
        case .prelude: link.send(["PING"])
        case .publish(let publish): write(publish, to: link)
        case .read(let channel, let since, let countMax, let bytesMax, _):
            let room: [RedisArgument] = [.text(String(countMax)), .text(String(bytesMax))]
            link.send(ask("perseid_history", channel, .text(since?.description ?? "")) + room)
        case .live(let facts):
            let lease = RedisArgument.number(limits.nodeLeaseMilliseconds)
            link.send(["FCALL", "perseid_live", "1", nodeKey, incarnation, .text(facts), lease])
        case .retire: link.send(["DEL", nodeKey])
        case .count(let channel, let subscribers):
            let lease = RedisArgument.number(limits.countLeaseMilliseconds)
            link.send(call("perseid_count", channel, node, .text(String(subscribers)), lease))
        case .describe(let channel, _): link.send(ask("perseid_describe", channel))
        case .enter, .renew, .leave, .list: link.send(presence(request))
        case .grant, .restore, .save: link.send(session(request))
        }
    }

    private func call(_ function: String, _ channel: ChannelName, _ arguments: RedisArgument...) -> [RedisArgument] {
        ["FCALL", .text(function), "1", .text(keys.channel(channel))] + arguments
    }

    /// A call that writes nothing.
    private func ask(_ function: String, _ channel: ChannelName, _ arguments: RedisArgument...) -> [RedisArgument] {
        ["FCALL_RO", .text(function), "1", .text(keys.channel(channel))] + arguments
    }

    private func presence(_ request: RedisRequest) -> [RedisArgument] {
        let lease = RedisArgument.number(limits.presenceLeaseMilliseconds)
        switch request {
        case .enter(let channel, let member, let transport):
            return call("perseid_enter", channel, lease, node, .text("\(member)"), .text(transport))
        case .renew(let channel, let members):
            let list = members.flatMap { [.text("\($0.id)"), .text($0.transport)] as [RedisArgument] }
            return call("perseid_renew", channel, lease, node) + list
        case .leave(let channel, let member):
            return call("perseid_leave", channel, node, .text("\(member)"))
        case .list(let channel, let limit, _):
            return ask("perseid_presence", channel, .text(String(limit)))
        // bounded: the caller's own switch has the same cases
        default: preconditionFailure("not about presence")
        }
    }

    private func session(_ request: RedisRequest) -> [RedisArgument] {
        let lifetime = RedisArgument.number(limits.heldSessionMilliseconds)
        func call(_ function: String, _ id: SessionID, _ arguments: RedisArgument...) -> [RedisArgument] {
            ["FCALL", .text(function), "1", .text(keys.session(id))] + arguments
        }
        switch request {
        case .grant(let request) where request.kind == .open:
            return call("perseid_session_open", request.id, .text(request.secret.text), "1", node, lifetime)
        case .grant(let request):
            return call("perseid_session_resume", request.id, .text(request.secret.text), node, lifetime)
        case .restore(let id, let secret, let fence):
            return call("perseid_session_open", id, .text(secret.text), .number(fence), node, lifetime)
        case .save(let id, let fence, let standing, let positions):
            let (function, left): (String, RedisArgument) =
                switch standing {
                case .held: ("perseid_session_save", lifetime)
                case .detached: ("perseid_session_detach", .number(limits.resumeMilliseconds))
                case .ended: ("perseid_session_save", "0")
                }
            let list = positions.flatMap {
                [.text($0.channel.text), .text($0.position?.description ?? "")] as [RedisArgument]
            }
            return call(function, id, .number(fence), node, left) + list
        // bounded: the caller's own switch has the same cases
        default: preconditionFailure("not about sessions")
        }
    }

    private func write(_ publish: PublishRequest, to link: RedisLink) {
        var options: [RedisArgument] = historyOptions
        if let key = publish.idempotencyKey {
            options += ["ONCE", .text(key), "ONCETTL", .number(limits.idempotencyMilliseconds)]
        }
        link.write { command in
            command.begin(argumentCount: 7 + options.count)
            command.append(word: "FCALL")
            command.append(word: "perseid_publish")
            command.append(word: "1")
            command.append(.text(keys.channel(publish.channel)))
            command.append(shared: publish.payload.bytes)
            command.append(word: "TYPE")
            command.append(word: publish.payload.kind.name)
            for option in options { command.append(option) }
        }
    }
}
