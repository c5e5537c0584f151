import Foundation
import Testing

/// A backend hears who is gone also when nodes die: others carry out what these left.
@Suite struct WillTests {
    /// Longer than a node stands still on a busy machine.
    private static let lease = Duration.seconds(5)

    /// Longer than a client takes to be started where everything takes ten times as long.
    private static let longLease = Duration.seconds(12)

    private func withBackend(_ body: (Cluster, HookBackend) async throws -> Void) async throws {
        try await Cluster.with(nodes: 0) { cluster in
            let backend = try HookBackend(in: cluster.scratch)
            try await body(cluster, backend)
        }
    }

    private func node(
        _ id: String,
        _ cluster: Cluster,
        _ backend: HookBackend,
        lease: Duration = WillTests.lease
    ) async throws -> PerseidNode {
        let environment = [
            "PERSEID_HOOKS_CONNECT": backend.url, "PERSEID_HOOKS_DISCONNECT": backend.url,
            "PERSEID_PRESENCE": "room/**",
            "PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "\(lease.components.seconds * 1_000)",
        ]
        return try await PerseidNode(id: id, redis: cluster.redis.url, environment: environment, in: cluster.scratch)
    }

    private func metric(_ name: String, _ nodes: PerseidNode...) async throws -> Int {
        var sum = 0
        for node in nodes { sum += try await node.metric(name) ?? 0 }
        return sum
    }

    /// How many readers are in all wills together.
    private func entryCount(_ cluster: Cluster) async throws -> Int {
        var sum = 0
        for key in try await cluster.redis.command("KEYS", "perseid:will:{wills}:*").split(separator: "\n") {
            sum += Int(try await cluster.redis.command("ZCARD", String(key))) ?? 0
        }
        return sum
    }

    private func willCount(_ cluster: Cluster) async throws -> Int {
        Int(try await cluster.redis.command("ZCARD", "perseid:will:{wills}")) ?? -1
    }

    @Test(
        "the readers of a node that is killed are told of, each once; who resumed elsewhere and who left before is not"
    )
    func killed() async throws {
        try await withBackend { cluster, backend in
            let a = try await node("a", cluster, backend, lease: Self.longLease)
            let b = try await node("b", cluster, backend, lease: Self.longLease)
            let sockets = try await WebSocketClient(
                (0..<8).map { (a.port, "/ws?channel=room/s\($0)") },
                in: cluster.scratch
            )
            let leaving = try await WebSocketClient([(a.port, "/ws?channel=room/left")], in: cluster.scratch)
            let other = try await WebSocketClient([(b.port, "/ws?channel=room/other")], in: cluster.scratch)
            let stream = try StreamClient(
                [StreamClient.Stream(port: a.port, target: "/sse?channel=room/lean&session=none")],
                in: cluster.scratch
            )
            for each in [sockets, leaving, other] { try await each.opened() }
            try await stream.opened()
            try await eventually("all are in a will", isTrue: { try await entryCount(cluster) == 11 })
            try await leaving.close()
            try await eventually("one is told of, and out of it", isTrue: { try await entryCount(cluster) == 10 })
            #expect(backend.told.map(\.user) == ["left"])
            // The hook said who they are, to be seen from any node.
            let members = try await b.ask("GET", "/channels/room%2Fs0/presence").json["members"] as? [[String: Any]]
            #expect(members?.map { $0["user"] as? String } == ["s0"], "\(String(describing: members))")
            #expect(members?.first?["info"] as? [String: Int] == ["seat": 7])
            let tokens = try sockets.received().map { $0.first?.session ?? "" }
            try await a.kill()
            let resumed = try await WebSocketClient(
                tokens[..<2].enumerated().map { (b.port, "/ws?session=\($1)&channel=room/s\($0)") },
                in: cluster.scratch
            )
            try await resumed.opened()
            try await eventually("the others are told of", isTrue: { backend.told.count == 8 })
            let told = backend.told.dropFirst()
            #expect(Set(told.map(\.user)) == Set((2..<8).map { "s\($0)" } + ["lean"]))
            #expect(told.allSatisfy { $0.node == "a" && $0.reason == "the node is gone" })
            #expect(Set(told.compactMap(\.session)) == Set(tokens[2...].map { String($0.prefix { $0 != "." }) }))
            #expect(told.filter { $0.session == nil }.map(\.transport) == ["eventstream"])
            // Nothing is left of it.
            try await eventually("the will is carried out", isTrue: { try await willCount(cluster) == 1 })
            try await eventually("it is counted", isTrue: { try await metric("perseid_wills_executed_total", b) == 1 })
            #expect(other.ended().isEmpty && resumed.ended().isEmpty)
            #expect(try await b.stop() == .exited(0))
            // Who ends in order has told of all its own, and leaves no will.
            #expect(backend.told.dropFirst(8).map(\.user).sorted() == ["other", "s0", "s1"])
            #expect(try await cluster.redis.command("KEYS", "perseid:will*") == "")
        }
    }

    @Test("if the teller dies as well, a third node tells what it did not")
    func tellerDies() async throws {
        try await withBackend { cluster, backend in
            let (a, b) = (try await node("a", cluster, backend), try await node("b", cluster, backend))
            let c = try await node("c", cluster, backend)
            let users = (0..<5).map { "s\($0)" }
            let sockets = try await WebSocketClient(
                users.map { (a.port, "/ws?channel=room/\($0)") },
                in: cluster.scratch
            )
            try await sockets.opened()
            try await eventually("all are in a will", isTrue: { try await entryCount(cluster) == 5 })
            try backend.hold()
            try await a.kill()
            try await eventually("one of them tells", isTrue: { backend.told.count >= 5 })
            try await eventually(
                "it is counted",
                isTrue: { try await metric("perseid_wills_executed_total", b, c) == 1 }
            )
            let tellsFirst = try await metric("perseid_wills_executed_total", b) == 1
            try await (tellsFirst ? b : c).kill()
            let third = tellsFirst ? c : b
            let count = backend.told.count
            try backend.go()
            try await eventually(
                "the third tells",
                isTrue: { Set(backend.told.dropFirst(count).map(\.user)) == Set(users) }
            )
            try await eventually(
                "it is carried out",
                isTrue: { try await metric("perseid_will_readers_told_total", third) == 5 }
            )
            try await eventually("nothing is left", isTrue: { try await willCount(cluster) == 1 })
            #expect(try await third.stop() == .exited(0))
        }
    }

    @Test(
        "after an outage of Redis longer than a lease, and after it forgot all, those who live are not told of; their node's death is"
    )
    func outage() async throws {
        try await withBackend { cluster, backend in
            let (a, b) = (try await node("a", cluster, backend), try await node("b", cluster, backend))
            let sockets = try await WebSocketClient([(a.port, "/ws?channel=room/s")], in: cluster.scratch)
            try await sockets.opened()
            try await eventually("it is in a will", isTrue: { try await entryCount(cluster) == 1 })
            try await Task.sleep(for: Self.lease)
            cluster.redis.signal(SIGSTOP)
            try await Task.sleep(for: Self.lease * 2)
            cluster.redis.signal(SIGCONT)
            for node in [a, b] { try await node.becomeReady() }
            try await Task.sleep(for: Self.lease * 2)
            #expect(backend.told.isEmpty && sockets.ended().isEmpty)
            try await cluster.redis.command("FLUSHALL")
            try await eventually("it is written anew", isTrue: { try await entryCount(cluster) == 1 })
            try await a.kill()
            try await eventually("it is told of", isTrue: { backend.told.map(\.user) == ["s"] })
            #expect(try await b.stop() == .exited(0))
        }
    }

    @Test(
        "a node that stood still for longer than its lease was taken for dead; its readers are in a will again, and told of as they go"
    )
    func standstill() async throws {
        try await withBackend { cluster, backend in
            let (a, b) = (try await node("a", cluster, backend), try await node("b", cluster, backend))
            let sockets = try await WebSocketClient([(a.port, "/ws?channel=room/s")], in: cluster.scratch)
            try await sockets.opened()
            try await eventually("it is in a will", isTrue: { try await entryCount(cluster) == 1 })
            a.signal(SIGSTOP)
            try await eventually("it is told of", isTrue: { backend.told.count == 1 })
            a.signal(SIGCONT)
            try await eventually(
                "it is in another will",
                isTrue: {
                    let lost = try await metric("perseid_wills_lost_total", a)
                    let count = try await entryCount(cluster)
                    return lost > 0 && count == 1
                }
            )
            try await sockets.close()
            try await eventually(
                "its end is told",
                isTrue: { backend.told.map(\.reason) == ["the node is gone", "closed"] }
            )
            for node in [a, b] { #expect(try await node.stop() == .exited(0)) }
        }
    }

    @Test("a hook that is set while the node runs has all readers in a will, and one that is no longer set has none")
    func reload() async throws {
        try await withBackend { cluster, backend in
            let file = cluster.scratch.file("perseid.yaml")
            func write(_ text: String) throws { try Data(text.utf8).write(to: file) }
            try write("hooks: {connect: \"\(backend.url)\"}\n")
            let node = try await PerseidNode(
                id: "a",
                redis: cluster.redis.url,
                arguments: ["--config", file.path],
                in: cluster.scratch
            )
            let sockets = try await WebSocketClient(
                (0..<5).map { (node.port, "/ws?channel=room/s\($0)") },
                in: cluster.scratch
            )
            try await sockets.opened()
            #expect(try await willCount(cluster) == 0)
            try write("hooks: {connect: \"\(backend.url)\", disconnect: \"\(backend.url)\"}\n")
            node.signal(SIGHUP)
            try await eventually("all are in a will", isTrue: { try await entryCount(cluster) == 5 })
            try write("hooks: {connect: \"\(backend.url)\"}\n")
            node.signal(SIGHUP)
            try await eventually("nothing is left", isTrue: { try await willCount(cluster) == 0 })
            #expect(try await entryCount(cluster) == 0)
            #expect(sockets.ended().isEmpty && backend.told.isEmpty)
            #expect(try await node.stop() == .exited(0))
        }
    }
}
