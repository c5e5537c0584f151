import Testing

/// A Redis that is as it should be but for one thing, and what the doctor must say of that.
struct BrokenRedis: Sendable, CustomTestStringConvertible {
    /// Of its command line.
    var options: [String] = []
    /// What it is told before.
    var command: [String] = []
    /// As in a URL.
    var user = ""
    let words: String
    let cure: String
    var isTrouble = true

    var testDescription: String { words }

    /// With which nothing is to be said of it.
    static let well = ["--maxmemory", "1gb", "--client-output-buffer-limit", "pubsub 256mb 128mb 60"]

    private static let guarded = ["--requirepass", "secret"]

    static let all = [
        BrokenRedis(
            options: ["--maxmemory-policy", "allkeys-lru"],
            words: "it evicts keys (allkeys-lru)",
            cure: "maxmemory-policy noeviction"
        ),
        BrokenRedis(
            options: ["--maxmemory", "0"],
            words: "memory: it has no limit",
            cure: "set maxmemory",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--maxmemory", "14mb"],
            command: ["SETRANGE", "another", "12000000", "x"],
            words: "of 14680064 bytes are used",
            cure: "raise maxmemory"
        ),
        BrokenRedis(options: ["--maxclients", "100"], words: "maxclients is 100", cure: "set maxclients"),
        BrokenRedis(
            options: ["--client-output-buffer-limit", "pubsub 32mb 8mb 60"],
            words: "cut off when it is 33554432 bytes behind",
            cure: "client-output-buffer-limit pubsub",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--timeout", "300"],
            words: "closes links that are idle for 300 s",
            cure: "set timeout 0",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--appendonly", "no"],
            words: "no append-only file",
            cure: "set appendonly yes",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--appendfsync", "no"],
            words: "leaves it to the system when to write",
            cure: "set appendfsync everysec",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--min-replicas-to-write", "1"],
            words: "refuses writes for want of replicas",
            cure: "bring replicas back"
        ),
        BrokenRedis(
            options: ["--replicaof", "127.0.0.1", "1"],
            words: "redis is a replica",
            cure: "name the master in the setting redis"
        ),
        BrokenRedis(options: guarded, words: "redis refuses the user or password", cure: "correct user and password"),
        BrokenRedis(
            options: guarded,
            user: ":wrong@",
            words: "redis refuses the user or password",
            cure: "correct user and password"
        ),
        BrokenRedis(
            options: ["--user", "node", "on", ">word", "~other:*", "&*", "+@all"],
            user: "node:word@",
            words: "lacks ~perseid:*",
            cure: "ACL SETUSER"
        ),
        BrokenRedis(
            options: ["--user", "node", "on", ">word", "~*", "&other:*", "+@all"],
            user: "node:word@",
            words: "lacks &perseid:*",
            cure: "ACL SETUSER"
        ),
        BrokenRedis(
            options: ["--user", "node", "on", ">word", "~*", "&*", "+@all", "-info", "-config"],
            user: "node:word@",
            words: "this user may not ask for it",
            cure: "run doctor with a user of Redis who may ask",
            isTrouble: false
        ),
        BrokenRedis(
            command: ["FUNCTION", "FLUSH"],
            words: "functions: none",
            cure: "perseid redis install",
            isTrouble: false
        ),
        BrokenRedis(
            options: ["--user", "node", "on", ">word", "~*", "&*", "+@all", "-function"],
            command: ["FUNCTION", "FLUSH"],
            user: "node:word@",
            words: "redis does not permit what a node does",
            cure: "perseid redis install"
        ),
    ]
}
