import Broker
import Foundation
import Testing

@testable import Backplane

/// Masters and nodes, of which one list of masters follows another while the nodes are started anew one by one.
final class MovingMasters {
    let scratch: Scratch
    let servers: [String: RedisServer]
    private let environment: [String: String]
    private(set) var nodes: [PerseidNode] = []

    /// A sign of life is good for so long, and what is planned begins once all have known it for twice as long. Signs come every half a
    /// second, and on a busy machine one may be late by as much as they are apart.
    static let leaseMilliseconds = 1_500

    /// Starts masters of these names, and three nodes that share some of them.
    init(_ names: [String], sharing first: [String], environment: [String: String] = [:]) async throws {
        scratch = try Scratch()
        var servers: [String: RedisServer] = [:]
        for name in names {
            servers[name] = try await RedisServer(keepsData: true, options: ["--appenddirname", name], in: scratch)
        }
        self.servers = servers
        self.environment = environment.merging(
            ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "\(Self.leaseMilliseconds)"]
        ) { $1 }
        for id in ["a", "b", "c"] { nodes.append(try await node(id, first)) }
    }

    /// A node of its own that shares masters of these names.
    func node(_ id: String, _ names: [String], former: [String] = [], port: UInt16 = Port.free()) async throws
        -> PerseidNode
    {
        let arguments = former.isEmpty ? [] : ["--redis-former", list(former)]
        return try await PerseidNode(
            id: id,
            redis: list(names),
            port: port,
            environment: environment,
            arguments: arguments,
            in: scratch
        )
    }

    /// One that is refused, and never ready.
    func node(_ id: String, startedWith names: [String]) throws -> PerseidNode {
        try PerseidNode(id: id, redis: list(names), environment: environment, startedIn: scratch)
    }

    private func list(_ names: [String]) -> String {
        names.compactMap { name in servers[name].map { "\($0.url)#\(name)" } }.joined(separator: " ")
    }

    /// Starts a node anew with another list, as one does who deploys.
    func restart(_ place: Int, _ names: [String], former: [String] = []) async throws {
        try #require(try await nodes[place].stop() == .exited(0))
        nodes[place] = try await node(nodes[place].id, names, former: former, port: nodes[place].port)
    }

    /// Waits until everything is where it is to be.
    func arrive() async throws {
        for node in nodes {
            try await eventually(
                "node \(node.id) knows that all has moved",
                isTrue: { (try? await node.metric("perseid_redis_former_masters")) == 0 }
            )
        }
    }

    /// The master that has a key by one of the lists.
    static func home(of key: String, _ names: [String]) -> String { names[RedisShardMap(names: names).place(of: key)] }

    func server(of channel: String, _ names: [String]) throws -> RedisServer {
        try #require(servers[Self.home(of: RedisServer.key(channel), names)])
    }

    /// Those of some channels that another master has by another list.
    static func moving(_ channels: [String], from former: [String], to names: [String]) -> [String] {
        channels.filter { home(of: RedisServer.key($0), former) != home(of: RedisServer.key($0), names) }
    }

    func stop() async throws {
        for node in nodes where node.isRunning { try #require(try await node.stop() == .exited(0)) }
    }

    /// Runs a test, and tells what the nodes logged where it fails.
    func during(_ body: (MovingMasters) async throws -> Void) async throws {
        do {
            try await body(self)
            try await stop()
        } catch {
            for node in nodes { Issue.record("node \(node.id) logged:\n\(node.log.suffix(4_000))") }
            throw error
        }
    }
}
