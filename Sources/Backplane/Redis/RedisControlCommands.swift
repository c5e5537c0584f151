internal import Broker

// What whoever runs the cluster asks.

/// Puts a question to all nodes; answered with how many hear it.
struct RedisAskNodes: RedisCommand {
    let question: ClusterQuestion
    let number: UInt64

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.nodes }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let message = "ask \(context.nodeID) \(number) \(question.text)"
        buffer.append(call: "perseid_tell", key(context.keys), [.text(message)])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Int { reply.integer }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Int, BackplaneFailure>) {
        delegate.announced(number, outcome)
    }
}

/// Answers a node's question.
struct RedisReplyToNode: RedisCommand {
    typealias Answer = Void

    let part: ClusterPart
    let call: ClusterCall

    var lane: RedisLane.Kind { .question }
    var carriedBytes: Int { RedisCommandBytes.of(argument: part.items.count) }

    func key(_ keys: RedisKeys) -> String { keys.node(call.asker) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let message = Array("told \(call.number) \(part.count) ".utf8) + part.items
        buffer.append(call: "perseid_tell", key(context.keys), [.bytes(message)])
    }
}

/// Takes tokens back.
struct RedisRevoke: RedisCommand {
    let revocation: Revocation
    let ticket: Ticket

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.revoked }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            call: "perseid_revoke",
            key(context.keys),
            [
                .text(revocation.target.word), .number(revocation.milliseconds), .number(revocation.endMilliseconds),
                .text(String(context.limits.revocationsMax)), .text(context.keys.nodes),
            ]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Bool { reply.integer == 1 }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Bool, BackplaneFailure>) {
        delegate.controlled(ticket, outcome.map { .done($0) })
    }
}

/// Asks for all tokens that were taken back: after each time in which Redis was not heard.
struct RedisRevocations: RedisCommand {
    var lane: RedisLane.Kind { .opening }

    func key(_ keys: RedisKeys) -> String { keys.revoked }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let count = RedisArgument.text(String(context.limits.revocationsMax))
        buffer.append(ask: "perseid_revocations", key(context.keys), [count])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> [Revocation] {
        stride(from: 0, to: reply.count - 1, by: 2).compactMap { place in
            Revocation(words: reply[place].text, end: reply[place + 1].text)
        }
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<[Revocation], BackplaneFailure>) {
        if case .success(let all) = outcome { delegate.revoked(all) }
    }
}

/// Lists a part of what there is; a page may take several.
struct RedisList: RedisCommand {
    let inventory: Inventory
    let ticket: Ticket

    /// What the parts before this one found.
    let found: [InventoryPage.Item]

    /// Asks for the next part.
    let listMore: (_ cursor: String, _ found: [InventoryPage.Item]) -> Void

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.nodes }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        var pattern: RedisArgument?
        let kind: RedisArgument =
            switch inventory.kind {
            case .channels(let name):
                {
                    pattern = name.map { .text(context.keys.tag(of: $0)) }
                    return "channels"
                }()
            case .sessions: "sessions"
            case .nodes: "nodes"
            }
        // What is no place of a scan begins it anew.
        let cursor = RedisArgument.number(UInt64(inventory.after) ?? 0)
        let words: [RedisArgument] =
            ["FCALL_RO", "perseid_list", "0", .text(context.keys.prefix), kind, cursor, .number(RedisFind.keysPerPart)]
            + (pattern.map { [$0] } ?? [])
        buffer.append(words)
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> InventoryPage {
        guard reply.count > 0 else { throw RedisNonsense(kind: "list", what: reply.text) }
        var items = found
        for place in stride(from: 1, to: reply.count - 1, by: 2) {
            guard let item = item(reply[place], reply[place + 1], context), !items.contains(item) else { continue }
            items.append(item)
        }
        let next = reply[0].text
        return InventoryPage(items: items, next: next == "0" ? nil : next)
    }

    private func item(_ name: RedisReply, _ fact: RedisReply, _ context: RedisContext) -> InventoryPage.Item? {
        switch inventory.kind {
        case .channels:
            guard let channel = context.keys.channelName(tag: name.bytes), let head = fact.position else { return nil }
            return .channel(channel, head: head)
        case .sessions:
            return SessionID(name.text).map { .session($0, node: fact.text.isEmpty ? nil : fact.text) }
        case .nodes: return .node(name.text, facts: Array(fact.bytes))
        }
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<InventoryPage, BackplaneFailure>) {
        if case .success(let page) = outcome, let next = page.next, page.items.count < inventory.countMax {
            return listMore(next, page.items)
        }
        delegate.controlled(ticket, outcome.map { .listed($0) })
    }
}

/// Says what is kept of a session.
struct RedisInspectSession: RedisCommand {
    let session: SessionID
    let ticket: Ticket

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(ask: "perseid_session_facts", key(context.keys), [])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> SessionFacts? {
        guard reply.count > 0 else { return nil }
        let positions = stride(from: 1, to: reply.count - 1, by: 2).compactMap { place in
            ChannelName(reply[place].text).flatMap { name in
                reply[place + 1].position.map { SessionPosition(name, $0) }
            }
        }
        let node = reply[0].text
        return SessionFacts(node: node.isEmpty ? nil : node, positions: positions)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<SessionFacts?, BackplaneFailure>) {
        delegate.controlled(ticket, outcome.map { .inspected($0) })
    }
}

/// Ends a session, whoever has it.
struct RedisEndSession: RedisCommand {
    let session: SessionID
    let ticket: Ticket

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.session(session) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(call: "perseid_session_end", key(context.keys), [])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Bool { reply.integer == 1 }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Bool, BackplaneFailure>) {
        delegate.controlled(ticket, outcome.map { .done($0) })
    }
}
