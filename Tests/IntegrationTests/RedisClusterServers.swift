import Foundation
import Testing

/// A real Redis Cluster on this machine: masters that share the slots, and replicas of them.
final class RedisClusterServers: Sendable {
    /// Masters first, then a replica of each, if there are any.
    let servers: [RedisServer]
    let masterCount: Int
    private let scratch: Scratch

    /// Milliseconds without an answer after which its nodes take one for dead: not so few that a busy machine is enough for that.
    static let patienceMilliseconds = 1_500

    /// `options` are further ones of each server.
    init(
        masters: Int = 3,
        replicas: Bool = false,
        spares: Int = 0,
        keepsData: Bool = false,
        options: [String] = [],
        trust: RedisTrust? = nil,
        in scratch: Scratch
    ) async throws {
        self.scratch = scratch
        masterCount = masters
        var servers: [(server: RedisServer, bus: UInt16)] = []
        for _ in 0..<(masters * (replicas ? 2 : 1) + spares) {
            servers.append(try await Self.server(keepsData, options, trust, in: scratch))
        }
        self.servers = servers.map(\.server)
        try await meet(servers.map(\.bus))
        try await share(replicas: replicas)
    }

    private func share(replicas: Bool) async throws {
        let masters = masterCount
        let share = 16_384 / masters
        for place in 0..<masters {
            let first = place * share
            let last = place == masters - 1 ? 16_383 : first + share - 1
            try await servers[place].command("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
        }
        if replicas {
            for place in 0..<masters {
                let master = try await servers[place].command("CLUSTER", "MYID")
                try await eventually(
                    "the replica knows its master",
                    isTrue: {
                        (try? await servers[masters + place].command("CLUSTER", "REPLICATE", master)) == "OK"
                    }
                )
            }
        }
        for server in servers {
            // A server whose cluster need not be whole takes its own part for the cluster: it is told the others' slots a moment later.
            try await eventually(
                "all nodes agree on the cluster",
                isTrue: {
                    let facts = try await server.command("CLUSTER", "INFO")
                    return facts.contains("cluster_state:ok") && facts.contains("cluster_slots_ok:16384")
                }
            )
        }
        if replicas {
            for place in 0..<masters {
                try await eventually(
                    "the replica is in step",
                    isTrue: {
                        try await servers[masters + place].command("INFO", "replication").contains(
                            "master_link_status:up"
                        )
                    }
                )
            }
        }
    }

    /// A server, and where its bus listens: the usual port is ten thousand above its own, where others may be.
    private static func server(
        _ keepsData: Bool,
        _ options: [String],
        _ trust: RedisTrust?,
        in scratch: Scratch
    ) async throws -> (RedisServer, bus: UInt16) {
        let bus = Port.free()
        let server = try await RedisServer(
            keepsData: keepsData,
            options: [
                "--cluster-enabled", "yes", "--cluster-port", "\(bus)", "--cluster-node-timeout",
                "\(patienceMilliseconds)",
                "--cluster-config-file", "nodes-\(UUID().uuidString).conf", "--dbfilename", "\(UUID().uuidString).rdb",
                "--repl-diskless-sync-delay", "0", "--cluster-require-full-coverage", "no",
                // A replica takes over however long a busy machine took to find that its master is gone.
                "--cluster-replica-validity-factor", "0",
            ] + options,
            trust: trust,
            in: scratch
        )
        return (server, bus)
    }

    private func meet(_ buses: [UInt16]) async throws {
        for (place, server) in servers.enumerated() {
            try await server.command("CLUSTER", "SET-CONFIG-EPOCH", "\(place + 1)")
        }
        try await eventually("everybody knows everybody") {
            // Again and again: who does not answer within the time-out is forgotten in silence, and a busy machine is enough for that.
            try await introduce(buses)
            return try? await eventually("they do", within: .seconds(5), isTrue: { try await knowEachOther() })
        }
    }

    private func introduce(_ buses: [UInt16]) async throws {
        for (server, bus) in zip(servers, buses).dropFirst() {
            try await servers[0].command(
                "CLUSTER",
                "MEET",
                "127.0.0.1",
                "\(server.securePort ?? server.port)",
                "\(bus)"
            )
        }
    }

    /// Whether each has the answer of all that it was told of.
    private func knowEachOther() async throws -> Bool {
        for server in servers {
            let known = try await server.command("CLUSTER", "NODES").split(separator: "\n")
            guard known.count == servers.count, known.allSatisfy({ !$0.contains("handshake") }) else { return false }
        }
        return true
    }

    /// As nodes name it: two of its servers.
    var url: String { "redis+cluster://" + servers.prefix(2).map { "127.0.0.1:\($0.port)" }.joined(separator: ",") }

    func slot(of channel: String, asking asked: RedisServer? = nil) async throws -> Int {
        let server = asked ?? servers[0]
        return try #require(Int(try await server.command("CLUSTER", "KEYSLOT", RedisServer.key(channel))))
    }

    /// The server that has a channel now, as `asked` says.
    func server(of channel: String, asking asked: RedisServer? = nil) async throws -> RedisServer {
        let slot = try await slot(of: channel, asking: asked)
        let text = try await (asked ?? servers[0]).command("--json", "CLUSTER", "SLOTS")
        let ranges = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[Any]])
        let range = try #require(ranges.first { ($0[0] as! Int)...($0[1] as! Int) ~= slot })
        let port = try #require((range[2] as? [Any])?[1] as? Int)
        return try #require(servers.first { Int($0.port) == port })
    }

    /// Moves a slot with all its keys, as redis-cli does: they are handed on some at a time. `between` is done in the midst of it. Besides
    /// the two, `others` are told; all other masters unless said otherwise.
    func move(
        slot: Int,
        from source: RedisServer,
        to target: RedisServer,
        telling others: [RedisServer]? = nil,
        between: () async throws -> Void = {}
    ) async throws {
        let targetID = try await target.command("CLUSTER", "MYID")
        try await begin(slot: slot, from: source, to: target)
        var isFirst = true
        while true {
            let keys = try await source.command("CLUSTER", "GETKEYSINSLOT", "\(slot)", isFirst ? "1" : "10")
                .split(separator: "\n").map(String.init)
            guard !keys.isEmpty else { break }
            try await handOver(keys, from: source, to: target)
            if isFirst { try await between() }
            isFirst = false
        }
        let others = others ?? servers.prefix(masterCount).filter { $0.port != target.port && $0.port != source.port }
        for server in [target, source] + others {
            _ = try? await server.command("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
        }
    }

    /// The slot is on its way from now on.
    func begin(slot: Int, from source: RedisServer, to target: RedisServer) async throws {
        let (sourceID, targetID) = (
            try await source.command("CLUSTER", "MYID"), try await target.command("CLUSTER", "MYID")
        )
        try await target.command("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await source.command("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
    }

    /// Keys of a slot that is on its way; what the target has of them is replaced.
    func handOver(_ keys: [String], from source: RedisServer, to target: RedisServer) async throws {
        let words = ["MIGRATE", "127.0.0.1", "\(target.port)", "", "0", "5000", "REPLACE", "KEYS"]
        try await source.command(words + keys)
    }
}
