import Foundation
import Testing

/// What is said of a Redis that cannot be used: by `check`, and by `serve` in its log. Different troubles, different words,
/// each with the address and with what to do.
@Suite struct RedisComplaintTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// What `check` says, and that a node says the same in its log and stays.
    private func complaint(about url: String) async throws -> String {
        let check = try ChildProcess([PerseidNode.executable, "check", "--redis", url], in: scratch)
        try #require(try await check.end() == .exited(1))
        let said = try #require(check.errorText.split(separator: "\n").last.map(String.init))
        #expect(!check.outputText.contains("wrong-word") && !said.contains("wrong-word"))
        let message = try #require(said.split(separator: ": ").dropFirst().first)
        let node = try PerseidNode(id: "a", redis: url, startedIn: scratch)
        try await eventually("the node says it", isTrue: { node.log.contains(message) })
        let address = try #require(URL(string: url).flatMap { "127.0.0.1:\($0.port ?? 0)" })
        #expect(said.contains(address) && node.log.contains(address))
        #expect(node.log.contains("advice"))
        #expect(!node.log.contains("wrong-word"))
        #expect(node.isRunning)
        try await node.kill()
        return String(message)
    }

    @Test("nobody there")
    func unreached() async throws {
        #expect(try await complaint(about: "redis://127.0.0.1:\(Port.free())") == "redis is not reached")
    }

    @Test("a wrong password")
    func password() async throws {
        let redis = try await RedisServer(options: ["--requirepass", "right"], in: scratch)
        let expected = "redis refuses the user or password"
        #expect(try await complaint(about: "redis://:wrong-word@127.0.0.1:\(redis.port)") == expected)
        #expect(try await complaint(about: redis.url) == expected)
    }

    @Test("a user that may not do what a node does")
    func rights() async throws {
        let redis = try await RedisServer(options: ["--user", "node", "on", ">wrong-word", "+ping"], in: scratch)
        let url = "redis://node:wrong-word@127.0.0.1:\(redis.port)"
        #expect(try await complaint(about: url) == "redis does not permit what a node does")
    }

    @Test("a database that is not there")
    func database() async throws {
        let redis = try await RedisServer(in: scratch)
        #expect(try await complaint(about: "\(redis.url)/4000") == "redis has no such database")
    }

    @Test("a replica, and a node of a cluster, are told by check")
    func unusable() async throws {
        let master = try await RedisServer(in: scratch)
        let replica = try await RedisServer(options: ["--replicaof", "127.0.0.1", "\(master.port)"], in: scratch)
        let cluster = try await RedisServer(
            options: ["--cluster-enabled", "yes", "--cluster-port", "\(Port.free())"],
            in: scratch
        )
        for (redis, expected) in [
            (replica, "redis is a replica, or lacks one, and takes no writes"),
            (cluster, "redis is of another kind than the setting redis says"),
        ] {
            let check = try ChildProcess([PerseidNode.executable, "check", "--redis", redis.url], in: scratch)
            try #require(try await check.end() == .exited(1))
            #expect(check.errorText.contains("\(expected): 127.0.0.1:\(redis.port): "))
        }
    }

    @Test("check tries the keys that a node will use, and no others: its prefix, and the number of its database")
    func prefix() async throws {
        let rights = ["--user", "node", "on", ">word", "~mine@3:*", "&mine@3:*", "+@all"]
        let redis = try await RedisServer(options: rights, in: scratch)
        let url = "redis://node:word@127.0.0.1:\(redis.port)/3"
        for (prefix, ending) in [("mine", ChildProcess.Ending.exited(0)), ("other", .exited(1))] {
            let check = try ChildProcess(
                [PerseidNode.executable, "check", "--redis", url, "--key-prefix", prefix],
                in: scratch
            )
            #expect(try await check.end() == ending, "\(check.errorText)")
        }
        #expect(try await redis.command("-n", "3", "DBSIZE") == "0")
    }

    @Test("a full memory is told by check")
    func memory() async throws {
        let redis = try await RedisServer(
            options: ["--maxmemory", "1", "--maxmemory-policy", "noeviction"],
            in: scratch
        )
        let check = try ChildProcess([PerseidNode.executable, "check", "--redis", redis.url], in: scratch)
        try #require(try await check.end() == .exited(1))
        #expect(check.errorText.contains("redis has no memory left"))
    }
}
