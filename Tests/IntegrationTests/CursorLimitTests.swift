import Broker
import Foundation
import Testing
import Text

/// Whatever opens can resume, through the balancer with the configuration that users are given, too.
@Suite(.serialized) struct CursorLimitTests {
    private let names = (0..<128).map { _ in "org42/room/\(UUID().uuidString.lowercased())" }.sorted()

    private var query: String { "?" + names.map { "channel=\(PercentCoding.encode($0))" }.joined(separator: "&") }

    @Test("128 channels like org42/room/<uuid> open and resume, by Last-Event-ID and by cursor")
    func resumes() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let first = try StreamClient([.init(port: balancer.port, target: "/sse\(query)")], in: cluster.scratch)
            try await first.opened(channels: 128)
            _ = try await cluster.redis.publish("seen", to: names[7])
            try await eventually("it is seen", isTrue: { try first.messages()[0].count == 1 })
            let cursor = try first.cursors()[0]
            try #require(cursor.split(separator: ",").count == 128)
            try await first.close()
            _ = try await cluster.redis.publish("missed", to: names[100])

            let encoded = PercentCoding.encode(cursor)
            let resumed = try StreamClient(
                [
                    .init(port: balancer.port, target: "/sse\(query)", lastEventID: cursor),
                    .init(port: balancer.port, target: "/sse\(query)&cursor=\(encoded)"),
                    .init(port: balancer.port, target: "/stream\(query)&cursor=\(encoded)"),
                ],
                in: cluster.scratch
            )
            try await resumed.opened(channels: 128)
            try await eventually("all have it", isTrue: { try resumed.messages().allSatisfy { $0.count == 1 } })
            #expect(try resumed.messages().allSatisfy { $0.map(\.data) == ["missed"] })
            let poll = try await HTTPConnection.ask("GET", "/poll\(query)&cursor=\(encoded)", port: balancer.port)
            #expect(poll.status == 200)
            #expect((poll.json["publications"] as? [Any])?.count == 1)
        }
    }

    @Test("the longest heads go through the balancer")
    func longest() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            let longest = names.map { "\(PercentCoding.encode($0))@18446744073709551615-18446744073709551615" }
                .joined(separator: ",")
            // Whatever it means: neither 400 of the balancer, nor 414, nor 431.
            let answer = try await HTTPConnection.ask(
                "GET",
                "/channels/a?\(String(repeating: "x", count: 40_000))",
                port: balancer.port,
                fields: ["Last-Event-ID": longest, "Cookie": String(repeating: "c", count: 8_000)]
            )
            #expect(answer.status == 200)
        }
    }

    @Test("what browsers leave in a query goes through the balancer")
    func browserQueries() async throws {
        try await Cluster.with { cluster in
            let balancer = try await Balancer(for: cluster.nodes, in: cluster.scratch)
            for (text, name) in [
                ("{a}", "{a}"), ("x[1]", "x[1]"), ("a^b", "a^b"), ("c|d", "c|d"), ("e`f\\g", "e`f\\g"),
            ] {
                for port in [cluster.nodes[0].port, balancer.port] {
                    let answer = try await HTTPConnection.ask(
                        "GET",
                        "/poll?channel=\(text)&wait=0&cursor=x",
                        port: port
                    )
                    // Its cursor is none: so it was the node that answered, and it read the name before.
                    #expect(answer.status == 400 && answer.body.contains("\"field\":\"cursor\""), "\(name)")
                }
            }
        }
    }
}
