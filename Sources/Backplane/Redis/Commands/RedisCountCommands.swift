internal import Broker

// How many subscribers channels have.

/// Says how many this node has, on a lease; zero ends it.
struct RedisCount: RedisCommand {
    typealias Answer = Void

    let channel: ChannelName
    let subscribers: Int
    let leaseMilliseconds: UInt64

    var lane: RedisLane.Kind { .upkeep }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            call: "perseid_count",
            keys: context.touched(key(context.keys), [":counts"]),
            [context.node, .text(String(subscribers)), .number(leaseMilliseconds)]
        )
    }
}

/// Counts those of all nodes.
struct RedisDescribe: RedisCommand {
    let channel: ChannelName
    let ticket: Ticket

    var lane: RedisLane.Kind { .question }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(ask: "perseid_describe", keys: context.touched(key(context.keys), [":head", ":counts"]), [])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> ChannelFacts {
        guard reply.count == 3, let head = reply[2].position, reply[0].integer >= 0, reply[1].integer >= 0 else {
            throw RedisNonsense(kind: "counts", what: "\(reply.count) facts")
        }
        return ChannelFacts(subscribers: reply[0].integer, nodes: reply[1].integer, head: head)
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<ChannelFacts, BackplaneFailure>) {
        delegate.described(ticket, outcome)
    }
}

extension RedisCommand where Self == RedisDescribe {
    static func describe(_ channel: ChannelName, _ ticket: Ticket) -> RedisDescribe {
        RedisDescribe(channel: channel, ticket: ticket)
    }
}
