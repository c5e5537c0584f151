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
            if let left = try await node.metric("perseid_redis_former_masters") {
                try #require(left == 0 || left == move.former.count)
            }
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
            for heard in try watcher.messages() {
                #expect(
                    heard.filter { $0.data?.contains("leave") == true && $0.data?.contains("\"node\":\"b\"") == true }
                        == []
                )
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

    private func publish(_ text: String, to channel: String, _ node: PerseidNode) async throws -> String {
        let answer = try await node.ask("POST", "/channels/\(channel)", fields: ["Idempotency-Key": "k"], body: text)
        return try #require(answer.json["position"] as? String, "\(answer.body)")
    }

    /// A node with the former list alone cannot begin a channel anew that has moved.
    private func staysOut(_ channel: String, _ former: [String], _ masters: MovingMasters) async throws {
        let late = try await masters.node("late", former)
        let answer = try await late.ask("POST", "/channels/\(channel)", body: "x")
        #expect(answer.status == 503)
        #expect(late.log.contains("ELSEWHERE"))
        #expect(try await late.stop() == .exited(0))
    }
}
