import Broker
import Foundation
import Testing

/// One Redis of each kind, as small as it can be, to whose masters happens what operators and disks do.
struct TriedRedis {
    enum Kind: String, CaseIterable, Sendable { case server, sentinel, masters, cluster }

    let kind: Kind
    let url: String
    /// Those that have channels, and behind them the replica of a master that is watched.
    let servers: [RedisServer]
    let cluster: RedisClusterServers?
    let sentinel: SentinelServer?

    /// The user of the nodes has all rights, until they are taken away.
    private static let options = [
        "--user", "node", "on", ">secret", "~*", "&*", "+@all", "--repl-diskless-sync-delay", "0", "--rdbcompression",
        "no",
    ]

    /// With `keepsData` what each was told survives a restart. A Sentinel takes a master for dead that is silent for so many milliseconds.
    init(
        _ kind: Kind,
        keepsData: Bool = false,
        patienceMilliseconds: Int = SentinelServer.usualPatienceMilliseconds,
        in scratch: Scratch
    ) async throws {
        self.kind = kind
        func server(_ more: [String] = []) async throws -> RedisServer {
            let options = Self.options + ["--dbfilename", "\(UUID().uuidString).rdb"] + more
            return try await RedisServer(keepsData: keepsData, options: options, in: scratch)
        }
        var (servers, cluster, sentinel) = ([RedisServer](), RedisClusterServers?.none, SentinelServer?.none)
        switch kind {
        case .server:
            servers = [try await server()]
            url = "redis://node:secret@127.0.0.1:\(servers[0].port)"
        case .masters:
            for _ in 0..<2 { servers.append(try await server()) }
            url = servers.enumerated().map { "redis://node:secret@127.0.0.1:\($1.port)#redis-\($0)" }
                .joined(separator: " ")
        case .sentinel:
            servers = [try await server()]
            servers.append(try await server(["--replicaof", "127.0.0.1", "\(servers[0].port)"]))
            let watching = try await SentinelServer(
                master: servers[0].port,
                quorum: 1,
                patienceMilliseconds: patienceMilliseconds,
                in: scratch
            )
            try await eventually("it can fail over", isTrue: { try await watching.knows(sentinels: 0, replicas: 1) })
            url = "redis+sentinel://node:secret@127.0.0.1:\(watching.port)/main"
            sentinel = watching
        case .cluster:
            let made = try await RedisClusterServers(keepsData: keepsData, options: Self.options, in: scratch)
            url = made.url.replacing("redis+cluster://", with: "redis+cluster://node:secret@")
            (servers, cluster) = (made.servers, made)
        }
        (self.servers, self.cluster, self.sentinel) = (servers, cluster, sentinel)
    }

    /// How many masters a node is to reach.
    var masterCount: Int { kind == .sentinel ? 1 : servers.count }

    /// The master that has a channel, in which something was published.
    func master(of channel: String) async throws -> RedisServer {
        if let sentinel {
            let port = try await sentinel.masterPort()
            return try #require(servers.first { $0.port == port })
        }
        for server in servers {
            if let head = try? await server.head(of: channel), head != .start { return server }
        }
        throw WaitedTooLong(description: "no master has \(channel)")
    }
}
