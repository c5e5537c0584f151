import Foundation
import PerseidClient
import Reactor
import Synchronization
import Testing

/// The client library against real nodes that are killed.
@Suite struct SwiftClientTests {
    /// What a subscription told, for whoever looks.
    private final class Heard: Sendable {
        private let state = Lock<(texts: [String], gaps: Int, opened: Int)>(([], 0, 0))

        var texts: [String] { state.withLock { $0.texts } }
        var gaps: Int { state.withLock { $0.gaps } }
        var opened: Int { state.withLock { $0.opened } }

        func follow(_ subscription: Subscription) async throws {
            for try await event in subscription.events {
                state.withLock { state in
                    switch event {
                    case .message(let message): state.texts.append(message.text ?? "?")
                    case .gap: state.gaps += 1
                    case .opened: state.opened += 1
                    case .connection: break
                    }
                }
            }
        }
    }

    @Test("nodes are killed in turn while messages flow: each of them comes once and in order, by every transport")
    func nodesKilledInTurn() async throws {
        try await Cluster.with(nodes: 2) { cluster in
            let urls = cluster.nodes.map { "http://127.0.0.1:\($0.port)" }
            let readers = try Transport.allCases.map { transport in
                var options = ClientOptions()
                options.transports = [transport]
                return (try PerseidClient(urls, options: options), Heard(), transport)
            }
            let publisher = try PerseidClient(Array(urls.reversed()))
            let tasks = readers.map { client, heard, _ in Task { try await heard.follow(client.subscribe("a")) } }
            for (_, heard, _) in readers { try await eventually("it is open", isTrue: { heard.opened > 0 }) }

            let isStopped = Lock(false)
            let publishing = Task {
                var count = 0
                while !isStopped.withLock({ $0 }) {
                    try await publisher.publish("a", .text("\(count)"))
                    count += 1
                    try await Task.sleep(for: .milliseconds(5))
                }
                return count
            }
            for round in 0..<4 {
                try await Task.sleep(for: .milliseconds(700))
                let node = cluster.nodes[round % 2]
                try await node.kill()
                try await Task.sleep(for: .milliseconds(300))
                try node.start()
                try await node.becomeReady()
            }
            isStopped.withLock { $0 = true }
            let count = try await publishing.value
            let expected = (0..<count).map { "\($0)" }
            for (client, heard, transport) in readers {
                try await eventually("all came by \(transport)", isTrue: { heard.texts.count >= count })
                #expect(heard.texts == expected, "\(transport)")
                #expect(heard.gaps == 0)
                client.close()
            }
            for task in tasks { try await task.value }
            publisher.close()
        }
    }

    @Test("a program that ends goes on with its cursor on another node, and with its session it is the same member")
    func anotherProgram() async throws {
        try await Cluster.with(nodes: 2, environment: ["PERSEID_PRESENCE": "**"]) { cluster in
            var session = SessionChoice.new
            var cursor = ""
            var names: Set<String> = []
            for (round, node) in (cluster.nodes + cluster.nodes).enumerated() {
                var options = ClientOptions()
                options.session = session
                let client = try PerseidClient("http://127.0.0.1:\(node.port)", options: options)
                let subscription = client.subscribe(["a"], cursor: cursor)
                for try await event in subscription.events {
                    if case .connection(.open(_, _, _, let token?)) = event { session = .resumed(token) }
                    guard case .opened = event else { continue }
                    try await eventually(
                        "the client of the round before is gone",
                        isTrue: { try await client.presence("a").members.count == 1 }
                    )
                    names.formUnion(try await client.presence("a").members.map(\.id))
                    try await cluster.redis.command("FCALL", "perseid_publish", "1", RedisServer.key("a"), "m\(round)")
                    break
                }
                for try await message in subscription {
                    #expect(message.text == "m\(round)")
                    break
                }
                cursor = subscription.cursor
                client.close()
                try await cluster.redis.command("FCALL", "perseid_publish", "1", RedisServer.key("a"), "missed\(round)")
                // What was published meanwhile comes first in the next round.
                let next = try PerseidClient("http://127.0.0.1:\(node.port)")
                let rest = next.subscribe(["a"], cursor: cursor)
                for try await message in rest {
                    #expect(message.text == "missed\(round)")
                    break
                }
                cursor = rest.cursor
                next.close()
            }
            #expect(names.count == 1)
        }
    }
}
