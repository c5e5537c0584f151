import Broker
import Foundation
import Testing

/// What history costs a node, and what it brings when it is more than one answer has room for.
@Suite(.serialized) struct HistoryTests {
    /// For a node whose memory is measured: under AddressSanitizer it would keep hundreds of megabytes of what it has let go of.
    private static let withoutQuarantine: [String: String] = {
        let options = ProcessInfo.processInfo.environment["ASAN_OPTIONS"] ?? ""
        return ["ASAN_OPTIONS": "\(options):quarantine_size_mb=1:thread_local_quarantine_size_kb=64"]
    }()

    /// 16 MB; ThreadSanitizer keeps four words about each word that is in use.
    private static var grownKilobytesMax: Int {
        #if THREAD_SANITIZER
        5 * 16_000
        #else
        16_000
        #endif
    }

    @Test("fifty requests for a full history that nobody reads cost less than 16 MB", arguments: [true, false])
    func unread(overRedis: Bool) async throws {
        try await Cluster.with(nodes: 0) { cluster in
            let node = try await PerseidNode(
                id: "a",
                redis: overRedis ? cluster.redis.url : nil,
                environment: ["PERSEID_LIMITS_HISTORY_COUNT_MAX": "100"].merging(Self.withoutQuarantine) { $1 },
                in: cluster.scratch
            )
            let body = String(repeating: "x", count: 65_000)
            for _ in 0..<100 {
                try #require(try await node.ask("POST", "/channels/news", body: body).status == 200)
            }
            // What is needed once is not what they cost.
            for _ in 0..<3 { _ = try await node.ask("GET", "/channels/news/history") }
            let before = node.residentKilobytes
            let asked = try await node.metric("perseid_requests_total") ?? 0
            var connections: [HTTPConnection] = []
            for _ in 0..<50 {
                let connection = try HTTPConnection(port: node.port)
                try connection.send("GET", "/channels/news/history")
                connections.append(connection)
            }
            try await eventually(
                "all are answered",
                isTrue: {
                    let divided = try await node.metric("perseid_history_divided_total") ?? 0
                    return divided >= 53
                }
            )
            try #require(try await node.metric("perseid_requests_total") ?? 0 >= asked + 50)
            let grown = node.residentKilobytes - before
            try #require(grown < Self.grownKilobytesMax, "\(grown) KB")
            withExtendedLifetime(connections) {}
            try #require(try await node.stop() == .exited(0))
        }
    }

    @Test("a history larger than one read is no gap: who comes back has all of it, in order")
    func comesBackInPages() async throws {
        let environment = ["PERSEID_LIMITS_READ_BYTES_MAX": "5000", "PERSEID_LIMITS_TAIL_BYTES_MAX": "1000"]
        try await Cluster.with(nodes: 1, environment: environment) { cluster in
            let node = cluster.nodes[0]
            let first = try await cluster.redis.publish("first", to: "news")
            let body = String(repeating: "x", count: 700)
            for number in 0..<60 { _ = try await cluster.redis.publish("\(number) \(body)", to: "news") }
            let client = try await WebSocketClient(
                [(node.port, "/ws?channel=news&cursor=news@\(first)")],
                in: cluster.scratch
            )
            try await client.opened()
            let head = try await cluster.redis.head(of: "news")
            try await client.reach(head, in: "news")
            let numbers = try client.messages()[0].compactMap { $0.data?.split(separator: " ").first }
            try #require(numbers.map { Int($0) } == Array(0..<60))
            try #require(try client.received()[0].allSatisfy { $0.gap == nil && $0.recovered != false })
        }
    }

    @Test("a hole larger than one read is filled without a gap")
    func fillsInPages() async throws {
        try await Cluster.with(nodes: 1, environment: ["PERSEID_LIMITS_READ_BYTES_MAX": "5000"]) { cluster in
            let node = cluster.nodes[0]
            let client = try await WebSocketClient([(node.port, "/ws?channel=news")], in: cluster.scratch)
            try await client.opened()
            let seen = try await cluster.redis.publish("seen", to: "news")
            try await client.reach(seen, in: "news")
            // The node hears nothing while it is stopped, and its links are cut.
            node.signal(SIGSTOP)
            try await cluster.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            let body = String(repeating: "x", count: 700)
            for number in 0..<60 { _ = try await cluster.redis.publish("\(number) \(body)", to: "news") }
            node.signal(SIGCONT)
            let head = try await cluster.redis.head(of: "news")
            try await client.reach(head, in: "news")
            let numbers = try client.messages()[0].dropFirst().compactMap { $0.data?.split(separator: " ").first }
            try #require(numbers.map { Int($0) } == Array(0..<60))
            try #require(try client.received()[0].allSatisfy { $0.gap == nil })
        }
    }

    @Test("hundreds of channels whose link was cut are looked after together, and each has what it missed")
    func fillsTogether() async throws {
        // A second loss of its links would double what is counted.
        try await Cluster.with(nodes: 1, environment: PerseidNode.patience) { cluster in
            let node = cluster.nodes[0]
            let targets = (0..<3).map { number in
                (node.port, "/ws?" + (0..<100).map { "channel=c/\(number)/\($0)" }.joined(separator: "&"))
            }
            let sockets = try await WebSocketClient(targets, in: cluster.scratch)
            try await sockets.opened(channels: 100)
            let before = try await cluster.redis.calls(of: "fcall_ro")
            node.signal(SIGSTOP)
            try await cluster.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            let long = String(repeating: "x", count: 60_000)
            for number in 0..<3 {
                _ = try await cluster.redis.publish("first of \(number)", to: "c/\(number)/7")
                // Two of them have no room in one answer.
                _ = try await cluster.redis.publish(long, to: "c/\(number)/8")
                _ = try await cluster.redis.publish(long, to: "c/\(number)/9")
            }
            let last = try await cluster.redis.publish("last of 2", to: "c/2/7")
            node.signal(SIGCONT)
            try await sockets.reachOne(last, 2)
            let name = { (message: Received) in "\(message.channel) \(message.data?.prefix(5) ?? "")" }
            for number in 0..<3 {
                let expected = Set(["7 first", "8 xxxxx", "9 xxxxx"].map { "c/\(number)/\($0)" })
                try await eventually(
                    "each has what it missed",
                    isTrue: { try expected.isSubset(of: sockets.messages()[number].map(name)) }
                )
            }
            let calls = try await cluster.redis.calls(of: "fcall_ro") - before
            try #require(calls < 60, "\(calls) for 300 channels")
            try #require(try sockets.received().joined().allSatisfy { $0.gap == nil })
        }
    }
}
