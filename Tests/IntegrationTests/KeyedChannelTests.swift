import Broker
import Foundation
import Testing

/// Channels of which the newest of each key is kept, in Redis and over several nodes.
@Suite struct KeyedChannelTests {
    private static let rules = [
        "PERSEID_RULES":
            "prices/* subscribe=anyone publish=anyone history=anyone keyed=true, ** subscribe=anyone publish=anyone"
    ]

    private func publish(_ cluster: Cluster, _ key: String, _ value: String, _ options: [String] = []) async throws
        -> Position
    {
        let call = ["FCALL", "perseid_publish", "1", RedisServer.key("prices/a"), value, "KEY", key]
        let answer = try await cluster.redis.command(call + options)
        return try #require(Position(answer), "\(answer)")
    }

    private func told(_ message: Received) -> String {
        "\(message.key ?? "-")=\(message.isRemoved ? "gone" : message.data ?? "?")" + (message.isSnapshot ? "!" : "")
    }

    @Test(
        "what a node publishes and what a backend publishes: the newest of each key is told to who comes at another node"
    )
    func snapshots() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            for number in 0..<30 {
                let field = ["Perseid-Key": "k\(number % 3)"]
                let answer = try await a.ask("POST", "/channels/prices%2Fa", fields: field, body: "\(number)")
                try #require(answer.status == 200, "\(answer.body)")
            }
            // A backend that says nothing of what is kept: the channel is keyed, and stays so.
            for number in 30..<200 { _ = try await publish(cluster, "k\(number % 5)", "\(number)") }
            _ = try await publish(cluster, "k0", "", ["TYPE", "removal"])
            try #require(try await cluster.redis.entries(of: "prices/a").count == 5)
            let sockets = try await WebSocketClient(
                [a, b].map { ($0.port, "/ws?session=none&channel=prices/a") },
                in: cluster.scratch
            )
            let stream = try StreamClient(
                [StreamClient.Stream(port: b.port, target: "/sse?session=none&channel=prices/a")],
                in: cluster.scratch
            )
            try await sockets.opened()
            try await stream.opened()
            let last = try await publish(cluster, "k1", "201")
            try await sockets.reach(last, in: "prices/a")
            try await stream.reach(last, in: "prices/a")
            let expected = ["k1=196!", "k2=197!", "k3=198!", "k4=199!", "k0=gone!", "k1=201"]
            for messages in try sockets.messages() + stream.messages() {
                try #require(messages.map(told) == expected)
            }
            try await stream.close()
            try await sockets.close()
        }
    }

    @Test("a removal that is asked for again, at another node, is answered as the first time, and told once")
    func removalOnce() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let fields = ["Idempotency-Key": "one"]
            let target = "/channels/prices%2Fa?key=k0"
            let first = try await cluster.nodes[0].ask("DELETE", target, fields: fields)
            let last = try await publish(cluster, "k0", "2")
            let again = try await cluster.nodes[1].ask("DELETE", target, fields: fields)
            #expect(first.status == 200 && again.status == 200)
            #expect(first.body == again.body)
            let head = try await cluster.nodes[1].ask("GET", "/channels/prices%2Fa")
            #expect("\(head.body)".contains("\(last)"), "\(head.body)")
        }
    }

    @Test(
        "a browser's cursor taken to another node brings what changed, merged; a killed Redis link costs no key its newest"
    )
    func resumes() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            for number in 0..<20 { _ = try await publish(cluster, "k\(number)", "old", ["KEYED", "1000"]) }
            let first = try StreamClient(
                [StreamClient.Stream(port: a.port, target: "/sse?session=none&channel=prices/a")],
                in: cluster.scratch
            )
            try await first.opened()
            let middle = try await publish(cluster, "k0", "middle")
            try await first.reach(middle, in: "prices/a")
            let cursor = try first.cursors()[0]
            try await first.close()
            for number in 0..<700 { _ = try await publish(cluster, "k\(number % 4)", "\(number)") }
            let second = try StreamClient(
                [StreamClient.Stream(port: b.port, target: "/sse?session=none&channel=prices/a", lastEventID: cursor)],
                in: cluster.scratch
            )
            try await second.opened()
            // Missed by the node for a while: it reads what it did not hear, and hears on.
            _ = try await cluster.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            for number in 700..<900 { _ = try await publish(cluster, "k\(number % 4)", "\(number)") }
            let last = try await publish(cluster, "k9", "last")
            try await second.reach(last, in: "prices/a")
            let received = try second.received()[0]
            try #require(!received.contains { $0.type == "gap" })
            try #require(received.first { $0.type == "subscribed" }?.recovered == true)
            let messages = received.filter { $0.type == "message" }
            let positions = messages.compactMap(\.position)
            try #require(positions == positions.sorted() && Set(positions).count == positions.count)
            var newest: [String: String] = [:]
            for message in messages { newest[message.key ?? "-"] = message.data }
            try #require(
                newest == ["k0": "896", "k1": "897", "k2": "898", "k3": "899", "k9": "last"],
                "\(newest)"
            )
            try await second.close()
        }
    }

    @Test("at a pace, over two nodes: each key's last value, nothing twice, and a cursor that may go to the other node")
    func paced() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            _ = try await publish(cluster, "k0", "first", ["KEYED", "1000"])
            let target = "session=none&channel=prices/a&max-rate=2"
            let sockets = try await WebSocketClient([a, b].map { ($0.port, "/ws?\(target)") }, in: cluster.scratch)
            let first = try StreamClient(
                [StreamClient.Stream(port: a.port, target: "/sse?\(target)")],
                in: cluster.scratch
            )
            try await sockets.opened()
            try await first.opened()
            let began = ContinuousClock.now
            var last = Position.start
            for number in 0..<400 { last = try await publish(cluster, "k\(number % 4)", "\(number)") }
            try await first.reach(last, in: "prices/a")
            let (before, cursor) = (try first.messages()[0], try first.cursors()[0])
            try await first.close()
            let second = try StreamClient(
                [StreamClient.Stream(port: b.port, target: "/sse?\(target)", lastEventID: cursor)],
                in: cluster.scratch
            )
            try await second.opened()
            for number in 400..<800 { last = try await publish(cluster, "k\(number % 4)", "\(number)") }
            try await second.reach(last, in: "prices/a")
            try await sockets.reach(last, in: "prices/a")
            // Two batches a second, each with the newest of four keys; and what was there, or waited, when each reader came.
            let most = Int((ContinuousClock.now - began) / .seconds(1) * 8) + 16
            let after = try second.messages()[0]
            for messages in try sockets.messages() + [before + after] {
                let positions = messages.compactMap(\.position)
                try #require(positions == positions.sorted() && Set(positions).count == positions.count)
                try #require(messages.count <= most, "\(messages.count) of 800, \(most) at most")
                var newest: [String: String] = [:]
                for message in messages { newest[message.key ?? "-"] = message.data }
                try #require(newest == ["k0": "796", "k1": "797", "k2": "798", "k3": "799"], "\(newest)")
            }
            try #require(!(try second.received()[0]).contains { $0.type == "gap" })
            try await second.close()
            try await sockets.close()
        }
    }

    @Test("a keyed channel that is cleared stays keyed: readers hear of a gap, and newcomers of what came since")
    func clears() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            for number in 0..<6 { _ = try await publish(cluster, "k\(number % 3)", "old", ["KEYED", "1000"]) }
            let target = "/ws?session=none&channel=prices/a"
            let readers = try await WebSocketClient(cluster.nodes.map { ($0.port, target) }, in: cluster.scratch)
            try await readers.opened()
            try await cluster.redis.command("FCALL", "perseid_clear", "1", RedisServer.key("prices/a"))
            for number in 0..<4 { _ = try await publish(cluster, "k\(number % 2)", "\(number)") }
            let newcomers = try await WebSocketClient(cluster.nodes.map { ($0.port, target) }, in: cluster.scratch)
            try await newcomers.opened()
            let last = try await publish(cluster, "k1", "last")
            try await readers.reach(last, in: "prices/a")
            try await newcomers.reach(last, in: "prices/a")
            for received in try readers.received() {
                let said = received.filter { ["message", "gap"].contains($0.type) }
                    .map { $0.type == "gap" ? "gap" : told($0) }
                let before = ["k0=old!", "k1=old!", "k2=old!"]
                try #require(said == before + ["gap", "k0=0", "k1=1", "k0=2", "k1=3", "k1=last"], "\(said)")
            }
            for messages in try newcomers.messages() {
                try #require(messages.map(told) == ["k0=2!", "k1=3!", "k1=last"])
            }
            try await readers.close()
            try await newcomers.close()
        }
    }

    @Test("readers of a thousand cursors come back at once while it is published: each is right in the end")
    func manyResume() async throws {
        try await Cluster.with(nodes: 1, environment: Self.rules) { cluster in
            let node = cluster.nodes[0]
            var positions: [Position] = []
            for number in 0..<300 {
                positions.append(try await publish(cluster, "k\(number % 7)", "\(number)", ["KEYED", "1000"]))
            }
            let publishing = Task {
                var last = Position.start
                for number in 300..<600 { last = try await publish(cluster, "k\(number % 7)", "\(number)") }
                return last
            }
            let sockets = try await WebSocketClient(
                positions.map { (node.port, "/ws?session=none&channel=prices/a&cursor=prices%2Fa@\($0)") },
                in: cluster.scratch
            )
            let last = try await publishing.value
            try await sockets.reach(last, in: "prices/a")
            for received in try sockets.received() {
                try #require(!received.contains { $0.type == "gap" })
                var newest: [String: String] = [:]
                let messages = received.filter { $0.type == "message" }
                for message in messages { newest[message.key ?? "-"] = message.data }
                let expected = (593..<600).map { ("k\($0 % 7)", "\($0)") }
                try #require(newest == Dictionary(uniqueKeysWithValues: expected))
                let order = messages.compactMap(\.position)
                try #require(order == order.sorted() && Set(order).count == order.count)
            }
            try await sockets.close()
        }
    }

    @Test("a newcomer to a pattern, at another node, is told the newest of each key of each channel, then what follows")
    func pattern() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            func put(_ channel: String, _ key: String, _ value: Int) async throws {
                let fields = ["Perseid-Key": key]
                let answer = try await a.ask("POST", "/channels/prices%2F\(channel)", fields: fields, body: "\(value)")
                try #require(answer.status == 200, "\(answer.body)")
            }
            for number in 0..<30 {
                try await put("a", "k\(number % 2)", number)
                try await put("b", "k\(number % 3)", number)
            }
            let sockets = try await WebSocketClient(
                [a, b].map { ($0.port, "/ws?session=none&channel=prices/*") },
                in: cluster.scratch
            )
            try await sockets.opened()
            let last = try await publish(cluster, "k1", "last")
            try await sockets.reach(last, in: "prices/a")
            for messages in try sockets.messages() {
                let told = { (channel: String) in
                    messages.filter { $0.channel == channel }.map { "\($0.key ?? "-")=\($0.data ?? "?")" }
                }
                try #require(told("prices/a") == ["k0=28", "k1=29", "k1=last"], "\(messages)")
                try #require(told("prices/b") == ["k0=27", "k1=28", "k2=29"], "\(messages)")
            }
            try await sockets.close()
        }
    }

    /// What of the channel is lost again goes on where others are that never heard of it.
    @Test(
        "who was told what Redis lost is told a gap and all that there is, here and at another node, however much came since"
    )
    func lost() async throws {
        try await Cluster.with(nodes: 2, environment: Self.rules) { cluster in
            let (a, b) = (cluster.nodes[0], cluster.nodes[1])
            let target = "session=none&channel=prices/a"
            _ = try await publish(cluster, "k1", "kept", ["KEYED", "1000"])
            try await cluster.redis.command("SAVE")
            let sockets = try await WebSocketClient([(a.port, "/ws?\(target)")], in: cluster.scratch)
            try await sockets.opened()
            let position = try await publish(cluster, "k1", "lost")
            try await sockets.reach(position, in: "prices/a")
            try await cluster.redis.kill()
            // Nodes must not look before others have published what takes its place.
            try await cluster.redis.start(["--requirepass", "x"])
            let key = RedisServer.key("prices/a")
            for number in 0..<5 {
                let call = ["FCALL", "perseid_publish", "1", key, "\(number)", "KEY", "k2"]
                _ = try await cluster.redis.command(call, user: "default", password: "x")
            }
            _ = try await cluster.redis.command(
                ["CONFIG", "SET", "requirepass", ""],
                user: "default",
                password: "x"
            )
            for node in [a, b] { try await node.becomeReady() }
            let last = try await publish(cluster, "k2", "last")
            try await sockets.reach(last, in: "prices/a")
            let cursor = "prices%2Fa@\(position)"
            let comer = try await WebSocketClient([(b.port, "/ws?\(target)&cursor=\(cursor)")], in: cluster.scratch)
            try await comer.reach(last, in: "prices/a")
            let stayed = try sockets.received()[0]
            #expect(stayed.compactMap(\.gap).map(\.from) == [position], "\(stayed)")
            #expect(try comer.received()[0].first { $0.type == "subscribed" }?.recovered == false)
            for messages in try [sockets.messages()[0], comer.messages()[0]] {
                var newest: [String: String] = [:]
                for message in messages { newest[message.key ?? "-"] = message.data }
                #expect(newest == ["k1": "kept", "k2": "last"], "\(messages)")
            }
            let history = try await b.ask("GET", "/channels/prices%2Fa/history?since=\(position)")
            #expect(history.json["recovered"] as? Bool == false)
            try await comer.close()
            try await sockets.close()
        }
    }

    @Test("of more keys than are kept the silent ones are forgotten, and so are those that are too old")
    func forgotten() async throws {
        try await Cluster.with(nodes: 1, environment: Self.rules) { cluster in
            for number in 0..<40 {
                _ = try await publish(cluster, "k\(number)", "\(number)", ["KEYED", "10", "TTL", "600000"])
            }
            try #require(try await cluster.redis.entries(of: "prices/a").map(\.payload) == (30..<40).map { "\($0)" })
            let key = RedisServer.key("prices/a")
            let kept = try await cluster.redis.command("HLEN", key + ":keys")
            // One field says what is kept, and one who wrote it.
            try #require(kept == "12")
            try await Task.sleep(for: .milliseconds(4_100))
            _ = try await publish(cluster, "new", "new", ["KEYED", "10", "TTL", "4000"])
            try #require(try await cluster.redis.entries(of: "prices/a").map(\.payload) == ["new"])
            try await eventually(
                "all of it lapses",
                isTrue: { try await cluster.redis.command("EXISTS", key, key + ":keys") == "0" }
            )
            let history = try await cluster.nodes[0].ask("GET", "/channels/prices%2Fa/history?since=0-0")
            try #require(history.json["recovered"] as? Bool == false)
        }
    }
}
