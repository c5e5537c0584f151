import Broker
import Foundation
import Testing

/// What the README promises under faults in which Redis loses what it had acknowledged, on each kind of it. Those in which it loses nothing,
/// and those in which replicas take over, are the chaos test's.
@Suite(.serialized) struct PromiseTests {
    enum Log: String, CaseIterable, Sendable {
        /// Nothing is written down.
        case none
        /// What came in the last second was not written down yet.
        case everySecond
    }

    private struct Scene {
        let scratch: Scratch
        let redis: TriedRedis
        let nodes: [PerseidNode]
        let channel: String
        let readers: [any Listeners]

        func becomeReady() async throws {
            for node in nodes {
                try await node.becomeReady()
                try await eventually(
                    "all masters are reached",
                    isTrue: { try await node.metric("perseid_redis_masters_up") == redis.masterCount }
                )
            }
        }

        func publish(_ text: String, by number: Int = 0) async throws -> Position {
            let answer = try await eventually("it is published") {
                let answer = try await nodes[number % nodes.count].ask("POST", "/channels/\(channel)", body: text)
                return answer.status == 200 ? answer : nil
            }
            return try #require(Position(answer.json["position"] as? String ?? ""))
        }

        func reach(_ position: Position) async throws {
            for listeners in readers { try await listeners.reach(position, in: channel) }
        }
    }

    private func with(_ kind: TriedRedis.Kind, _ log: Log, _ body: (Scene) async throws -> Void) async throws {
        let scratch = try Scratch()
        // A master is back before anybody takes its place, however long a busy machine takes to start it.
        let redis = try await TriedRedis(kind, keepsData: log != .none, patienceMilliseconds: 120_000, in: scratch)
        var nodes: [PerseidNode] = []
        for id in ["a", "b"] { nodes.append(try await PerseidNode(id: id, redis: redis.url, in: scratch)) }
        do {
            let sockets = try await WebSocketClient(nodes.map { ($0.port, "/ws?channel=news") }, in: scratch)
            let streams = try StreamClient(
                nodes.map { StreamClient.Stream(port: $0.port, target: "/sse?channel=news") },
                in: scratch
            )
            let scene = Scene(
                scratch: scratch,
                redis: redis,
                nodes: nodes,
                channel: "news",
                readers: [sockets, streams]
            )
            try await scene.becomeReady()
            try await sockets.opened()
            try await streams.opened()
            try await body(scene)
            #expect(sockets.ended() + streams.ended() == [])
        } catch {
            for node in nodes { Issue.record("node \(node.id) logged:\n\(node.log.suffix(4_000))") }
            throw error
        }
        for node in nodes { try #require(try await node.stop() == .exited(0)) }
    }

    @Test(
        "a master that comes back without what it had acknowledged: whoever had that is told, and all goes on",
        arguments: TriedRedis.Kind.allCases,
        Log.allCases
    )
    func forgotten(_ kind: TriedRedis.Kind, _ log: Log) async throws {
        try await with(kind, log) { scene in
            for number in 0..<20 { _ = try await scene.publish("\(number)", by: number) }
            let master = try await scene.redis.master(of: scene.channel)
            let kept = log == .none ? Position.start : try await master.head(of: scene.channel)
            let copy = scene.scratch.file("copy")
            if log == .everySecond {
                // Written down to here.
                master.signal(SIGSTOP)
                try FileManager.default.copyItem(at: master.data, to: copy)
                master.signal(SIGCONT)
            }
            var last = Position.start
            for number in 0..<5 { last = try await scene.publish("lost-\(number)", by: number) }
            try await scene.reach(last)

            try await master.kill()
            if log == .everySecond {
                try FileManager.default.removeItem(at: master.data)
                try FileManager.default.copyItem(at: copy, to: master.data)
            }
            try await master.start()
            try await scene.becomeReady()
            if scene.redis.sentinel != nil {
                try #require(try await scene.redis.master(of: scene.channel).port == master.port, "nobody took over")
            }
            for listeners in scene.readers {
                try await eventually(
                    "everybody is told",
                    isTrue: { try listeners.received().allSatisfy { $0.contains { $0.gap != nil } } }
                )
                for received in try listeners.received() {
                    let gaps = received.compactMap(\.gap)
                    try #require(gaps.count == 1 && gaps[0].from == last && gaps[0].to == kept, "\(gaps)")
                }
            }
            last = try await scene.publish("after")
            try await scene.reach(last)
            let verifier = try await Verifier(scene.channel, on: master)
            for listeners in scene.readers { try verifier.checkChains(try listeners.received(), gapsAllowed: true) }
        }
    }
}
