internal import Broker

/// How many commands are held back while what they are about is on its way, and what they take in memory.
///
/// Thread: owned by the topology. They wait for seconds, in which a node takes gigabytes if only their number is bounded.
struct RedisHeldCommands {
    private(set) var count = 0
    private(set) var byteCount = 0

    /// Whether one more may wait.
    func hasRoom(_ limits: Limits) -> Bool { count < limits.redisRequestsMax && byteCount < limits.redisBytesMax }

    mutating func add(_ command: any RedisCommand) {
        count += 1
        byteCount += command.byteCount
    }

    mutating func remove(_ command: any RedisCommand) {
        count -= 1
        byteCount -= command.byteCount
    }

    mutating func remove(_ commands: [any RedisCommand]) { for command in commands { remove(command) } }
}
