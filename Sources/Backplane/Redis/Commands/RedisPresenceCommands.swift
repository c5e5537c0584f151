internal import Broker

// Who is subscribed to a channel, on a lease.

/// A member came to this node.
struct RedisEnter: RedisCommand {
    typealias Answer = Void

    let channel: ChannelName
    let member: MemberID
    let transport: String
    let details: [UInt8]

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { RedisCommandBytes.of(argument: details.count) }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let lease = RedisArgument.number(context.limits.presenceLeaseMilliseconds)
        buffer.append(
            call: "perseid_enter",
            keys: context.touched(key(context.keys), [":presence", ":members"]),
            [lease, context.node, .text("\(member)"), .text(transport)] + (details.isEmpty ? [] : [.bytes(details)])
        )
    }
}

/// Renews the leases of this node's members, and ends those that lapsed; answered with those that are another node's now and, behind
/// an empty name, those that are not there.
struct RedisRenew: RedisCommand {
    let channel: ChannelName
    let members: [(id: MemberID, transport: String)]

    var lane: RedisLane.Kind { .upkeep }
    var carriedBytes: Int { members.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let lease = RedisArgument.number(context.limits.presenceLeaseMilliseconds)
        let list = members.flatMap { [.text("\($0.id)"), .text($0.transport)] as [RedisArgument] }
        buffer.append(
            call: "perseid_renew",
            keys: context.touched(key(context.keys), [":presence", ":members"]),
            [lease, context.node] + list
        )
    }

    func read(
        _ reply: RedisReply,
        _ context: RedisContext
    ) throws(RedisNonsense) -> (lost: [MemberID], missing: [MemberID]) {
        let names = (0..<reply.count).map { reply[$0].text }
        let lost = names.prefix { !$0.isEmpty }
        return (lost.compactMap { MemberID($0) }, names[lost.count...].compactMap { MemberID($0) })
    }

    func tell(
        _ delegate: any BackplaneDelegate,
        _ outcome: Result<(lost: [MemberID], missing: [MemberID]), BackplaneFailure>
    ) {
        if case .success(let found) = outcome { delegate.renewed(channel, lost: found.lost, missing: found.missing) }
    }
}

/// A member of this node left.
struct RedisLeave: RedisCommand {
    typealias Answer = Void

    let channel: ChannelName
    let member: MemberID

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            call: "perseid_leave",
            keys: context.touched(key(context.keys), [":presence", ":members"]),
            [context.node, .text("\(member)")]
        )
    }
}

/// Lists the members on all nodes.
struct RedisMembers: RedisCommand {
    let channel: ChannelName
    let limit: Int
    let ticket: Ticket

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            ask: "perseid_presence",
            keys: context.touched(key(context.keys), [":presence", ":members"]),
            [.text(String(limit)), "details"]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> PresenceList {
        guard reply.count > 0, reply[0].integer >= 0 else { throw RedisNonsense(kind: "members", what: "no count") }
        var members: [Member] = []
        for index in stride(from: 1, to: reply.count - 1, by: 2) {
            let facts = reply[index + 1].text.split(separator: " ", maxSplits: 3)
            guard let id = MemberID(reply[index].text), facts.count >= 3, let since = UInt64(facts[2]) else { continue }
            members.append(
                Member(
                    id: id,
                    node: String(facts[0]),
                    transport: String(facts[1]),
                    sinceMilliseconds: since,
                    details: facts.count > 3 ? Array(facts[3].utf8) : []
                )
            )
        }
        return PresenceList(count: reply[0].integer, members: members)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<PresenceList, BackplaneFailure>) {
        delegate.listed(ticket, outcome)
    }
}

extension RedisCommand where Self == RedisMembers {
    static func list(_ channel: ChannelName, limit: Int, _ ticket: Ticket) -> RedisMembers {
        RedisMembers(channel: channel, limit: limit, ticket: ticket)
    }
}
