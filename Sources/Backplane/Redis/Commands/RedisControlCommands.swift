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

/// Forgets what a channel remembers.
struct RedisClear: RedisCommand {
    let channel: ChannelName
    let isKeyed: Bool
    let ticket: Ticket

    // In the order of its publisher's: what it published before is gone, what it publishes after is not.
    var lane: RedisLane.Kind { .publish }
    var orderedChannel: ChannelName? { channel }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let keys = context.touched(key(context.keys), isKeyed ? [":head", ":keys"] : [":head"])
        buffer.append(call: "perseid_clear", keys: keys, RedisContext.headOptions(context.limits))
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Position {
        guard let position = reply.position else { throw RedisNonsense(kind: "position", what: reply.text) }
        return position
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Position, BackplaneFailure>) {
        delegate.controlled(ticket, outcome.map { .cleared($0) })
    }
}

/// Takes tokens back.
struct RedisRevoke: RedisCommand {
    let revocation: Revocation

    /// Who waits for the answer; `nil` where another master answers.
    let ticket: Ticket?

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
        if let ticket { delegate.controlled(ticket, outcome.map { .done($0) }) }
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

/// Where a list goes on: at which master, and where in its keys. As text it is the cursor of its scan, behind that of the master and a
/// dot unless it is the first.
struct RedisListPlace {
    let master: Int
    let cursor: UInt64
    let masters: Int

    private init(master: Int, cursor: UInt64, masters: Int) {
        (self.master, self.cursor, self.masters) = (master, cursor, masters)
    }

    /// What is no place begins the list anew.
    init(_ text: String, masters: Int) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let master = parts.count == 1 ? 0 : RedisURL.number(parts[0])
        let cursor = parts.last.flatMap { UInt64($0) }
        if let master, let cursor, parts.count <= 2, (0..<masters).contains(master) {
            self.init(master: master, cursor: cursor, masters: masters)
        } else {
            self.init(master: 0, cursor: 0, masters: masters)
        }
    }

    /// The place behind a part, by what Redis says; `nil` at the end of all.
    func next(_ cursor: String) -> RedisListPlace? {
        if cursor != "0" { return RedisListPlace(master: master, cursor: UInt64(cursor) ?? 0, masters: masters) }
        return master + 1 < masters ? RedisListPlace(master: master + 1, cursor: 0, masters: masters) : nil
    }

    var text: String { master == 0 ? "\(cursor)" : "\(master).\(cursor)" }
}

/// Lists a part of what there is; a page may take several.
struct RedisList: RedisCommand {
    let inventory: Inventory
    let ticket: Ticket
    let place: RedisListPlace

    /// What the parts before this one found.
    let found: [InventoryPage.Item]

    /// Asks for the next part.
    let listMore: (_ place: RedisListPlace, _ found: [InventoryPage.Item]) -> Void

    var lane: RedisLane.Kind { .question }
    var isAboutKey: Bool { false }

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
        let words: [RedisArgument] =
            [
                "FCALL_RO", "perseid_list", "0", .text(context.keys.prefix), kind, .number(place.cursor),
                .number(RedisFind.keysPerPart),
            ]
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
        return InventoryPage(items: items, next: place.next(reply[0].text)?.text)
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
            return listMore(RedisListPlace(next, masters: place.masters), page.items)
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
