import Backplane
import Foundation

/// What a master of Redis may refuse, how that is brought about, and how it ends.
enum Refusal: String, CaseIterable, Sendable {
    case fullMemory, replica, noReplicas, noRight, noFunctionRight, noLoadRight
    case flushedFunctions, olderFunctions, newerFunctions
    case wrongType, eviction, loading, lostSlot, lostMaster, failingDisk

    /// What is to be seen of it.
    enum Effect {
        /// Nothing is published at that master.
        case master
        /// Nothing is published in the whole cluster.
        case everything
        /// Nothing is published in that channel.
        case channel
        /// Nodes get along with it.
        case nothing
    }

    var effect: Effect {
        switch self {
        case .fullMemory, .replica, .noReplicas, .noRight, .noLoadRight, .loading, .failingDisk: .master
        case .lostMaster: .everything
        case .wrongType, .lostSlot, .noFunctionRight: .channel
        case .flushedFunctions, .olderFunctions, .newerFunctions, .eviction: .nothing
        }
    }

    /// What the log, and where a master is concerned `/readyz`, say of it.
    var reason: String? {
        switch self {
        case .fullMemory: "OOM"
        case .replica: "READONLY"
        case .noReplicas: "NOREPLICAS"
        case .noRight, .noLoadRight: "NOPERM"
        case .noFunctionRight: "script: perseid_publish"
        case .flushedFunctions, .olderFunctions, .newerFunctions: nil
        case .wrongType: "WRONGTYPE"
        case .eviction: "maxmemory-policy is allkeys-lru"
        case .loading: "LOADING"
        case .lostSlot, .lostMaster: "CLUSTERDOWN"
        case .failingDisk: "MISCONF"
        }
    }

    /// Part of what the log advises.
    var advice: String {
        switch self {
        case .fullMemory: "raise maxmemory"
        case .replica, .noReplicas: "min-replicas-to-write"
        case .noRight, .noLoadRight, .noFunctionRight: "perseid redis install"
        case .wrongType: "look at the key"
        case .eviction: "set maxmemory-policy noeviction"
        case .loading: "wait"
        case .lostSlot, .lostMaster: "CLUSTER NODES"
        case .failingDisk: "the disk"
        case .flushedFunctions, .olderFunctions, .newerFunctions: ""
        }
    }

    /// Sentinels set a replica right that is to be a master, and put another one in the place of one that stands still or loads; a cluster
    /// has no masters that somebody makes replicas by hand.
    func isPossible(on kind: TriedRedis.Kind) -> Bool {
        switch self {
        case .replica: kind == .server || kind == .masters
        case .loading: kind != .sentinel
        case .lostSlot, .lostMaster: kind == .cluster
        default: true
        }
    }

    // MARK: Bringing it about

    func begin(_ redis: TriedRedis, _ master: RedisServer, _ channel: String, in scratch: Scratch) async throws {
        switch self {
        case .fullMemory: try await master.command("CONFIG", "SET", "maxmemory", "1")
        case .replica: try await master.command("REPLICAOF", "127.0.0.1", "1")
        case .noReplicas: try await master.command("CONFIG", "SET", "min-replicas-to-write", "5")
        case .noRight: try await master.command("ACL", "SETUSER", "node", "-fcall")
        case .noFunctionRight: try await master.command("ACL", "SETUSER", "node", "-xadd")
        case .noLoadRight:
            try await master.command("ACL", "SETUSER", "node", "-function|load")
            try await master.command("FUNCTION", "FLUSH")
        case .flushedFunctions: try await master.command("FUNCTION", "FLUSH")
        case .olderFunctions:
            let text =
                "#!lua name=perseid\nredis.register_function{function_name='perseid_version', callback=function() return 1 end, flags={'no-writes'}}"
            try await master.command("FUNCTION", "LOAD", "REPLACE", text)
        case .newerFunctions: try await Self.load(version: 1_000, into: master)
        case .wrongType:
            try await master.command("DEL", RedisServer.key(channel))
            try await master.command("SET", RedisServer.key(channel), "x")
        case .eviction:
            try await master.command("CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru")
        case .loading:
            // A tenth of a second for each of the keys, until it is told not to be so slow.
            let fill = "for i = 1, 300 do redis.call('SET', KEYS[1] .. i, string.rep('x', 3000)) end"
            try await master.command("EVAL", fill, "1", "fill{\(channel)}")
            try await master.command("SAVE")
            try await master.kill()
            try await master.start(
                ["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"],
                until: "Server initialized"
            )
        case .lostSlot:
            let slot = try await redis.cluster?.slot(of: channel) ?? 0
            try await master.command("CLUSTER", "DELSLOTS", "\(slot)")
        case .lostMaster:
            for server in redis.servers {
                try await server.command("CONFIG", "SET", "cluster-require-full-coverage", "yes")
            }
            master.signal(SIGSTOP)
        case .failingDisk:
            let dump = try await Self.dump(of: master)
            try? FileManager.default.removeItem(at: dump)
            try FileManager.default.createDirectory(at: dump, withIntermediateDirectories: true)
            try await master.command("CONFIG", "SET", "save", "3600 1000000")
            try await save(master, ending: "err")
        }
    }

    func end(_ redis: TriedRedis, _ master: RedisServer, _ channel: String) async throws {
        switch self {
        case .fullMemory: try await master.command("CONFIG", "SET", "maxmemory", "0")
        case .replica: try await master.command("REPLICAOF", "NO", "ONE")
        case .noReplicas: try await master.command("CONFIG", "SET", "min-replicas-to-write", "0")
        case .noRight: try await master.command("ACL", "SETUSER", "node", "+fcall")
        case .noFunctionRight: try await master.command("ACL", "SETUSER", "node", "+xadd")
        case .noLoadRight:
            try await Self.load(version: RedisFunctions.version, into: master)
            try await master.command("ACL", "SETUSER", "node", "+function|load")
        case .flushedFunctions, .olderFunctions: break
        case .newerFunctions:
            let version = try await master.command("FCALL", "perseid_version", "0")
            guard version == "1000" else { throw WaitedTooLong(description: "they were replaced: \(version)") }
            try await Self.load(version: RedisFunctions.version, into: master)
        case .wrongType: try await master.command("DEL", RedisServer.key(channel))
        case .eviction:
            try await master.command("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction")
        case .loading: try await master.command("CONFIG", "SET", "key-load-delay", "0")
        case .lostSlot:
            let slot = try await redis.cluster?.slot(of: channel) ?? 0
            try await master.command("CLUSTER", "ADDSLOTS", "\(slot)")
        case .lostMaster: master.signal(SIGCONT)
        case .failingDisk:
            try FileManager.default.removeItem(at: await Self.dump(of: master))
            try await save(master, ending: "ok")
            try await master.command("CONFIG", "SET", "save", "")
        }
    }

    private static func load(version: Int, into master: RedisServer) async throws {
        let source = String(decoding: RedisFunctions.source, as: UTF8.self)
            .replacing("local VERSION = \(RedisFunctions.version)", with: "local VERSION = \(version)")
        try await master.command("FUNCTION", "LOAD", "REPLACE", source)
    }

    /// The file into which a master saves; a directory of its name has it fail.
    private static func dump(of master: RedisServer) async throws -> URL {
        func setting(_ name: String) async throws -> String {
            try await String(master.command("CONFIG", "GET", name).split(separator: "\n").last ?? "")
        }
        return URL(filePath: try await setting("dir")).appending(path: try await setting("dbfilename"))
    }

    private func save(_ master: RedisServer, ending: String) async throws {
        try await eventually(
            "it has saved, or not",
            isTrue: {
                _ = try? await master.command("BGSAVE")
                return try await master.command("INFO", "persistence").contains("rdb_last_bgsave_status:\(ending)")
            }
        )
    }
}
