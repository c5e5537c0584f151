internal import Broker

/// Asks where a channel stands.
struct RedisHead: RedisCommand {
    let channel: ChannelName
    let take: (Result<Position, BackplaneFailure>) -> Void

    var lane: RedisLane.Kind { .opening }

    func key(_ keys: RedisKeys) -> String { keys.channel(channel) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let keys = context.touched(key(context.keys), [":head"])
        buffer.append(ask: "perseid_history", keys: keys, [.text(""), .text("0")])
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Position {
        guard reply.count > 0, let head = reply[0].position else {
            throw RedisNonsense(kind: "head", what: reply.count > 0 ? reply[0].text : "")
        }
        return head
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Position, BackplaneFailure>) { take(outcome) }
}
