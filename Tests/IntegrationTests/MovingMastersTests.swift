import Broker
import Foundation
import Testing

@testable import Backplane

/// One master more, or one less, while publishers and readers go on.
@Suite(.serialized) struct MovingMastersTests {
    /// What is done to the nodes' list of masters, and what dies meanwhile.
    struct Case: Sendable, CustomTestStringConvertible {
        let former: [String]
        let names: [String]
        let kills: [String]

        var testDescription: String { "\(former) to \(names), \(kills.isEmpty ? "nothing" : "\(kills)") killed" }
    }

    private static let cases = [
        Case(former: ["blue", "green"], names: ["blue", "green", "red"], kills: []),
        Case(
            former: ["blue", "green"],
            names: ["blue", "green", "red"],
            kills: ["node", "blue", "red", "green", "node"]
        ),
        Case(former: ["blue", "green", "red"], names: ["blue", "green"], kills: ["red", "node", "blue", "red"]),
    ]

    private static let channels = (0..<9).map { "room/\($0)" }
    private static let idleCount = 3_000

    @Test("nothing is lost, comes twice or in another order, and no gap is told", arguments: cases)
    func underLoad(_ move: Case) async throws {
        let all = Set(move.former + move.names).sorted()
        let moving = MovingMasters.moving(Self.channels, from: move.former, to: move.names)
        try #require(!moving.isEmpty && moving.count < Self.channels.count)
        try await MovingMasters(all, sharing: move.former).during { masters in
            for name in move.former { try await addIdle(to: name, move.former, masters) }
            let load = try await MovingLoad(Self.channels, pattern: "room/*", on: masters.nodes.map(\.port))
            load.start()
            try await load.publish(more: 20)
            for place in masters.nodes.indices {
                try await nothingMoved(moving, move, masters)
                try await masters.restart(place, move.names, former: move.former)
            }
            for kill in move.kills {
                try await Task.sleep(for: .milliseconds(MovingMasters.leaseMilliseconds))
                try await happen(kill, to: masters)
            }
            try await masters.arrive()
            try await load.publish(more: 20)
            try await allMoved(moving, move, masters)
            for place in masters.nodes.indices { try await masters.restart(place, move.names) }
            for name in move.former where !move.names.contains(name) { try await masters.servers[name]?.kill() }
            try await load.publish(more: 20)
            try await load.finish()
            for channel in Self.channels {
                let entries = try await masters.server(of: channel, move.names).entries(of: channel)
                // As JSON.
                #expect(entries.map(\.payload) == load.expected(channel).map { "\"\($0)\"" })
                #expect(entries.map(\.previous) == [.start] + entries.dropLast().map(\.position))
            }
        }
    }

    /// Channels that nobody asks for; each at the master that has it.
    private func addIdle(to name: String, _ names: [String], _ masters: MovingMasters) async throws {
        let mine = (0..<Self.idleCount).filter { MovingMasters.home(of: RedisServer.key("idle/\($0)"), names) == name }
        let script = """
            for _, number in ipairs(ARGV) do
              local key = 'perseid:{idle/' .. number .. '}'
              redis.call('XADD', key, '5-0', 'v', '0-0', 't', 't', 'p', number)
              redis.call('SET', key .. ':head', '5-0')
            end
            """
        try await masters.servers[name]?.command(["EVAL", script, "0"] + mine.map { "\($0)" })
    }

    /// As long as one node does not know of the other list, everything stays where it is.
    private func nothingMoved(_ moving: [String], _ move: Case, _ masters: MovingMasters) async throws {
        for channel in moving {
            try #require(try await masters.server(of: channel, move.names).head(of: channel) == .start)
        }
        for node in masters.nodes {
            // It asks each of the masters by itself, and they answer one after the other. One that comes, which those alone hear who know
            // of it, may have begun.
            try await eventually(
                "none of the former masters is done",
                isTrue: {
                    let left = try await node.metric("perseid_redis_former_masters") ?? 0
                    return left == 0 || (move.former.count...Set(move.former + move.names).count).contains(left)
                }
            )
        }
    }

    private func happen(_ kill: String, to masters: MovingMasters) async throws {
        if let server = masters.servers[kill] {
            try await server.kill()
            try await Task.sleep(for: .milliseconds(300))
            return try await server.start()
        }
        let node = try #require(masters.nodes.first)
        try await node.kill()
        try await Task.sleep(for: .milliseconds(300))
        try node.start()
        try await node.becomeReady()
    }

    private func allMoved(_ moving: [String], _ move: Case, _ masters: MovingMasters) async throws {
        for channel in moving {
            let former = try masters.server(of: channel, move.former)
            try #require(try await former.command("EXISTS", RedisServer.key(channel)) == "0")
            try #require(try await former.command("GET", RedisServer.key(channel) + ":head").hasPrefix("gone "))
        }
        for (name, server) in masters.servers {
            let here = Set(
                try await server.command("--json", "KEYS", "perseid:{idle/*}").matches(of: /idle\/(\d+)}"/).map {
                    String($0.output.1)
                }
            )
            let expected = (0..<Self.idleCount).filter { number in
                MovingMasters.home(of: RedisServer.key("idle/\(number)"), move.names) == name
            }
            #expect(here == Set(move.names.contains(name) ? expected.map { "\($0)" } : []))
        }
        for number in 0..<20 {
            let server = try masters.server(of: "idle/\(number)", move.names)
            let position = Position(milliseconds: 5, sequence: 0)
            #expect(try await server.entries(of: "idle/\(number)").map(\.payload) == ["\(number)"])
            #expect(try await server.head(of: "idle/\(number)") == position)
        }
    }

    /// A third master to which also the revocations go.
    private static let third = (0..<100).map { "red-\($0)" }.first { name in
        MovingMasters.home(of: "perseid:revoked", ["blue", "green", name]) == name
    }

    /// Who is said to have come, or to have gone.
    private static func members(_ event: String, in heard: [Received]) -> Set<String> {
        Set(
            heard.compactMap { received in
                let data = Data((received.data ?? "").utf8)
                guard let told = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
                    told["event"] as? String == event
                else { return nil }
                return told["id"] as? String
            }
        )
    }

    @Test(
        "sessions, presence, idempotency keys, revocations go along; a node that is not told is refused and tells why"
    )
    func whatGoesAlong() async throws {
        let former = ["blue", "green"]
        let names = former + [try #require(Self.third)]
        let moving = MovingMasters.moving((0..<40).map { "room/\($0)" }, from: former, to: names)
        try #require(moving.count >= 3)
        let environment = ["PERSEID_PRESENCE": "room/**"]
        try await MovingMasters(names, sharing: former, environment: environment).during { masters in
            let ports = masters.nodes.map(\.port)
            let before = try await WebSocketClient(
                (0..<20).map { (ports[$0 % 3], "/ws?channel=\(moving[$0 % moving.count])") },
                in: masters.scratch
            )
            try await before.opened()
            var positions: [String: String] = [:]
            for channel in moving { positions[channel] = try await publish("once", to: channel, masters.nodes[0]) }
            let revoked = try #require(masters.servers[MovingMasters.home(of: "perseid:revoked", former)])
            try await revoked.command("ZADD", "perseid:revoked", "99999999999999", "1 t:abc")
            for place in masters.nodes.indices { try await masters.restart(place, names, former: former) }
            // From here on nobody is cut off, and presence must stay as it is.
            let watcher = try await WebSocketClient(
                moving.map { (ports[0], "/ws?channel=$presence/\($0)") },
                in: masters.scratch
            )
            try await watcher.opened()
            let present = try await WebSocketClient(moving.map { (ports[1], "/ws?channel=\($0)") }, in: masters.scratch)
            try await present.opened()
            try await masters.arrive()
            for channel in moving {
                #expect(try await publish("once", to: channel, masters.nodes[1]) == positions[channel])
                try await eventually(
                    "one is present",
                    isTrue: {
                        let facts = try await masters.nodes[2].ask("GET", "/channels/\(channel)/presence")
                        return facts.json["count"] as? Int == 1
                    }
                )
            }
            // Those of before may be gone for good meanwhile, and that is told.
            for heard in try watcher.messages() {
                let (came, gone) = (Self.members("join", in: heard), Self.members("leave", in: heard))
                #expect(!came.isEmpty && came.isDisjoint(with: gone))
            }
            for received in try before.received() {
                let token = try #require(received.compactMap(\.session).first)
                #expect(try await masters.nodes[2].ask("GET", "/poll?session=\(token)&wait=0").status == 200)
            }
            let third = try #require(masters.servers[names[2]])
            #expect(try await third.command("ZSCORE", "perseid:revoked", "1 t:abc") == "99999999999999")
            try await staysOut(moving[0], former, masters)
        }
    }

    private static let former = ["blue", "green"]
    private static let names = ["blue", "green", "red"]

    @Test("who hears channels again after a loss, before they have moved, is told nothing that is not so")
    func heardAgain() async throws {
        let moving = MovingMasters.moving((0..<60).map { "room/\($0)" }, from: Self.former, to: Self.names)
        // Two that are asked for, so that the node knows that each master lets go; more than are asked together.
        let asked = Self.former.compactMap { name in
            moving.first { MovingMasters.home(of: RedisServer.key($0), Self.former) == name }
        }
        let watched = Array(moving.filter { !asked.contains($0) }.prefix(16))
        try #require(asked.count == 2 && watched.count == 16)
        try await MovingMasters(Self.names, sharing: Self.former).during { masters in
            // The others know of no other list: so nothing begins by itself, and they do not look for what is left.
            try await masters.restart(2, Self.names, former: Self.former)
            let node = masters.nodes[2]
            var first: [String: String] = [:]
            for channel in watched { first[channel] = try await publish("first", to: channel, masters.nodes[0]) }
            let client = try await WebSocketClient(
                watched.map { (node.port, "/ws?channel=\($0)&cursor=\($0)@0-1") },
                in: masters.scratch
            )
            try await client.opened()
            for name in Self.former { try await begin(at: name, masters) }
            for channel in asked {
                try await eventually("\(channel) moves", isTrue: { try await moves(channel, masters) })
            }
            let reads = try #require(try await node.metric("perseid_history_reads_total"))
            for server in masters.servers.values { try await server.command("CLIENT", "KILL", "TYPE", "pubsub") }
            try await eventually(
                "all are read again",
                isTrue: { (try await node.metric("perseid_history_reads_total") ?? 0) >= reads + watched.count }
            )
            for channel in watched {
                let answer = try await node.ask("POST", "/channels/\(channel)", body: "second")
                #expect(answer.status == 200)
            }
            try await eventually("all have both", isTrue: { try client.messages().allSatisfy { $0.count >= 2 } })
            for (channel, received) in zip(watched, try client.received()) {
                #expect(received.filter { $0.type == "gap" }.isEmpty)
                #expect(received.filter { $0.type == "message" }.map(\.data) == ["first", "second"], "\(channel)")
            }
        }
    }

    /// Has a master let go of what another is to have, as if all nodes knew.
    private func begin(at name: String, _ masters: MovingMasters) async throws {
        let plan = RedisShardMap.plan(from: Self.former, to: Self.names)
        try await masters.servers[name]?.command(
            "HSET",
            "perseid:moves",
            "begun",
            plan,
            "node a",
            "\(plan) 9999999999999"
        )
    }

    private func moves(_ channel: String, _ masters: MovingMasters) async throws -> Bool {
        let answer = try await masters.nodes[2].ask("POST", "/channels/\(channel)", body: "x")
        let head = try await masters.server(of: channel, Self.names).head(of: channel)
        return answer.status == 200 && head > .start
    }

    @Test(
        "all has moved only once a master that comes knows of it: by an older plan of its own it would go again at once"
    )
    func newcomer() async throws {
        let plan = RedisShardMap.plan(from: Self.former, to: Self.names)
        try await MovingMasters(Self.names, sharing: Self.former).during { masters in
            let red = try #require(masters.servers["red"])
            let older = RedisShardMap.plan(from: Self.names, to: Self.former)
            try await red.command("HSET", "perseid:moves", "begun", older)
            try await red.kill()
            for place in masters.nodes.indices { try await masters.restart(place, Self.names, former: Self.former) }
            for name in Self.former {
                let former = try #require(masters.servers[name])
                try await eventually(
                    "nothing is left at \(name)",
                    isTrue: { try await former.command("HGET", "perseid:moves", "left") == "0" }
                )
            }
            // Until all have heard of that.
            try await Task.sleep(for: .milliseconds(2 * MovingMasters.leaseMilliseconds))
            for node in masters.nodes {
                try await eventually(
                    "all but the master that is away know of it",
                    isTrue: { try await node.metric("perseid_redis_former_masters") == 1 }
                )
            }
            try await red.start()
            try await masters.arrive()
            #expect(try await red.command("HGET", "perseid:moves", "begun") == plan)
        }
    }

    /// After a day the marks of what has left are gone.
    @Test(
        "a node that comes back after days with the masters of before is refused, and one that still has both lists goes on"
    )
    func afterDays() async throws {
        let moving = MovingMasters.moving((0..<40).map { "room/\($0)" }, from: Self.former, to: Self.names)
        let channel = try #require(moving.first)
        try await MovingMasters(Self.names, sharing: Self.former).during { masters in
            _ = try await publish("first", to: channel, masters.nodes[0])
            for place in masters.nodes.indices { try await masters.restart(place, Self.names, former: Self.former) }
            try await masters.arrive()
            for place in masters.nodes.indices { try await masters.restart(place, Self.names) }
            let former = try masters.server(of: channel, Self.former)
            #expect(try await former.command("DEL", RedisServer.key(channel) + ":head") == "1")
            for server in masters.servers.values {
                let left = try #require(Int(try await server.command("PTTL", "perseid:moves")))
                #expect(left > 86_400_000 * 1_000)
                try await server.command("HDEL", "perseid:moves", "node a", "node b", "node c")
            }
            try await staysOut(channel, Self.former, masters)
            #expect(try await former.command("EXISTS", RedisServer.key(channel)) == "0")
            let late = try await masters.node("late", Self.names, former: Self.former)
            try await late.becomeReady()
            let answer = try await late.ask("POST", "/channels/\(channel)", body: "second")
            #expect(answer.status == 200)
            let entries = try await masters.server(of: channel, Self.names).entries(of: channel)
            #expect(entries.map(\.previous) == [.start] + entries.dropLast().map(\.position) && entries.count == 2)
            #expect(try await late.stop() == .exited(0))
        }
    }

    private func publish(_ text: String, to channel: String, _ node: PerseidNode) async throws -> String {
        let answer = try await node.ask("POST", "/channels/\(channel)", fields: ["Idempotency-Key": "k"], body: text)
        return try #require(answer.json["position"] as? String, "\(answer.body)")
    }

    /// A node with the former list alone cannot begin a channel anew that has moved.
    private func staysOut(_ channel: String, _ former: [String], _ masters: MovingMasters) async throws {
        let late = try masters.node("late", startedWith: former)
        try await eventually("it listens", isTrue: { (try? await late.ask("GET", "/healthz").status) == 200 })
        // Before it has reached that master it says so in other words.
        try await eventually(
            "it is told why",
            isTrue: {
                let answer = try await late.ask("POST", "/channels/\(channel)", body: "x")
                try #require(answer.status == 503)
                return late.log.contains("OUTDATED")
            }
        )
        #expect(try await late.stop() == .exited(0))
    }
}
