/// What a node's user must be allowed in Redis, and how to find out, for Redis tells its rights to administrators only: each is
/// tried with a question that leaves nothing behind. What is refused for another reason, such as a replica's, was allowed.
///
/// Source: the list in deploy/reference/redis.md, with exactly which the tests run nodes.
struct RedisRights {
    private let redis: RedisConversation
    private let keys: RedisKeys
    private let database: Int

    init(of redis: RedisConversation, keys: RedisKeys, database: Int) {
        (self.redis, self.keys, self.database) = (redis, keys, database)
    }

    /// What an ACL has to say besides, in the words of `ACL SETUSER`: `+hset`, `~perseid:*`, `&perseid:*`. Nothing where all is well.
    func missing() -> [String] {
        var found: [String] = []
        for words in trials {
            guard let right = refusal(words), !found.contains(right) else { continue }
            found.append(right)
        }
        return found
    }

    /// All at one key, which is not there before and behind them.
    private var trials: [[RedisArgument]] {
        let key = RedisArgument.text(keys.check("rights"))
        return [
            ["FCALL", "perseid_writable", "0"], ["FCALL_RO", "perseid_version", "0"], ["TIME"], ["PING"],
            ["SELECT", .text(String(database))],
            ["GET", key], ["SET", key, "1", "PX", "1000"], ["PEXPIRE", key, "1000"], ["DEL", key],
            ["HSET", key, "a", "1"], ["HGET", key, "a"], ["HGETALL", key], ["HLEN", key], ["HDEL", key, "a"],
            ["DEL", key],
            ["XADD", key, "NOMKSTREAM", "*", "a", "1"], ["XRANGE", key, "-", "+", "COUNT", "1"],
            ["XREVRANGE", key, "+", "-", "COUNT", "1"], ["XTRIM", key, "MAXLEN", "0"], ["XDEL", key, "1-0"],
            ["ZADD", key, "XX", "1", "a"], ["ZREM", key, "a"], ["ZRANGEBYSCORE", key, "0", "1"],
            ["ZCOUNT", key, "0", "1"], ["PUBLISH", key, ""],
            // Last: a connection that hears takes little else.
            ["SUBSCRIBE", key], ["UNSUBSCRIBE", key],
        ]
    }

    /// The right that a question was refused for want of.
    private func refusal(_ words: [RedisArgument]) -> String? {
        do throws(RedisFailure) {
            _ = try redis.ask(words)
            return nil
        } catch {
            guard error.description.hasPrefix("NOPERM"), case .text(let command) = words[0] else { return nil }
            if error.description.contains("permissions to run") { return "+\(command.lowercased())" }
            // "… access one of the channels used as arguments", "No permissions to access a key".
            return (error.description.contains("channel") ? "&" : "~") + "\(keys.prefix):*"
        }
    }
}
