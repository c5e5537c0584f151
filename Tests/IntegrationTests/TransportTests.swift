import Broker
import Foundation
import Testing
import Text

/// Every transport loses its node and misses nothing.
@Suite struct TransportTests {
    private static let environment = ["PERSEID_JSONP": "true"]

    @Test(
        "a stream whose node is killed goes on at another from its last cursor",
        arguments: ["/sse?", "/stream?", "/multipart?", "/frame?callback=f&"]
    )
    func streams(path: String) async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let target = "\(path)channel=a&channel=b%2Fc"
            let first = try StreamClient(
                [StreamClient.Stream(port: cluster.nodes[0].port, target: target)],
                in: cluster.scratch
            )
            try await first.opened(channels: 2)
            let channels = ["a", "b/c"]
            var published: [[String]] = [[], []]
            var last = Position.start
            for number in 0..<20 {
                last = try await cluster.redis.publish("\(number)", to: channels[number % 2])
                published[number % 2].append("\(number)")
            }
            try await first.reach(last, in: channels[1])
            try await cluster.nodes[0].kill()
            for number in 20..<40 {
                last = try await cluster.redis.publish("\(number)", to: channels[number % 2])
                published[number % 2].append("\(number)")
            }
            let before = try first.received()[0]
            let cursor = try #require(before.last { $0.cursor != nil }?.cursor)
            let second = try StreamClient(
                [
                    StreamClient.Stream(
                        port: cluster.nodes[1].port,
                        target: "\(target)&cursor=\(PercentCoding.encode(cursor))"
                    )
                ],
                in: cluster.scratch
            )
            try await second.reach(last, in: channels[1])
            let all = try before + second.received()[0]
            for (number, channel) in channels.enumerated() {
                let got = all.filter { $0.type == "message" && $0.channel == channel }.compactMap(\.data)
                #expect(got == published[number])
            }
            #expect(!all.contains { $0.type == "gap" || $0.recovered == false })
        }
    }

    @Test("a poll whose node is killed is asked again elsewhere", arguments: ["", "&wait=0", "&wait=2&callback=f"])
    func polls(parameters: String) async throws {
        try await Cluster.with(nodes: 2, environment: Self.environment) { cluster in
            var cursor = "a@\(try await cluster.redis.publish("start", to: "a"))"
            var got: [String] = []
            func poll(_ node: PerseidNode) async throws {
                let target = "/poll?channel=a&cursor=\(PercentCoding.encode(cursor))\(parameters)"
                let answer = try await node.ask("GET", target)
                try #require(answer.status == 200)
                var text = answer.body
                if parameters.contains("callback") { text = String(text.dropFirst(6).dropLast(3)) }
                let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
                cursor = try #require(json["cursor"] as? String)
                #expect(json["recovered"] as? Bool == true)
                got += try #require(json["publications"] as? [[String: Any]]).compactMap { $0["data"] as? String }
            }
            for number in 0..<10 { _ = try await cluster.redis.publish("\(number)", to: "a") }
            while got.count < 10 { try await poll(cluster.nodes[0]) }
            // One that is held is lost with its node.
            async let lost = cluster.nodes[0].ask("GET", "/poll?channel=a")
            try await eventually(
                "it is held",
                isTrue: { try await cluster.nodes[0].metric("perseid_polls") == 1 }
            )
            try await cluster.nodes[0].kill()
            _ = try? await lost
            for number in 10..<20 { _ = try await cluster.redis.publish("\(number)", to: "a") }
            while got.count < 20 { try await poll(cluster.nodes[1]) }
            #expect(got == (0..<20).map { "\($0)" })
        }
    }

    @Test("a WebSocket whose node is killed goes on at another from its positions")
    func webSocket() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let first = try await WebSocketClient(
                [(cluster.nodes[0].port, "/ws?channel=a&channel=b%2Fc")],
                in: cluster.scratch
            )
            try await first.opened(channels: 2)
            var last: [String: Position] = [:]
            for number in 0..<10 {
                for channel in ["a", "b/c"] {
                    last[channel] = try await cluster.redis.publish("\(number)", to: channel)
                }
            }
            for (channel, position) in last { try await first.reach(position, in: channel) }
            try await cluster.nodes[0].kill()
            let cursor = Cursor(Dictionary(uniqueKeysWithValues: last.map { (ChannelName($0)!, $1) })).text
            var newest: [String: Position] = [:]
            for number in 10..<20 {
                for channel in ["a", "b/c"] {
                    newest[channel] = try await cluster.redis.publish("\(number)", to: channel)
                }
            }
            let target = "/ws?channel=a&channel=b%2Fc&cursor=\(PercentCoding.encode(cursor))"
            let second = try await WebSocketClient([(cluster.nodes[1].port, target)], in: cluster.scratch)
            for (channel, position) in newest { try await second.reach(position, in: channel) }
            for channel in ["a", "b/c"] {
                let got = try second.messages()[0].filter { $0.channel == channel }.compactMap(\.data)
                #expect(got == (10..<20).map { "\($0)" })
            }
        }
    }
}
