internal import Broker

// What users have of what is limited in the cluster.

/// Tells what somebody had; answered with how many microseconds it is until there is all again.
struct RedisSpend: RedisCommand {
    let spending: RateSpending

    var lane: RedisLane.Kind { .rate }

    func key(_ keys: RedisKeys) -> String { keys.rate(spending.limit, of: spending.who) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        buffer.append(
            call: "perseid_spend",
            key(context.keys),
            [.number(spending.microseconds), .number(spending.owedMicrosecondsMax)]
        )
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> UInt64 {
        guard reply.isInteger, let left = UInt64(exactly: reply.integer), left <= spending.owedMicrosecondsMax else {
            throw RedisNonsense(kind: "a rate", what: reply.isInteger ? "\(reply.integer)" : reply.text)
        }
        return left
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<UInt64, BackplaneFailure>) {
        delegate.spent(spending.ticket, outcome)
    }
}
