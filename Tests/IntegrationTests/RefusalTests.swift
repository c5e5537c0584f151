import Broker
import Foundation
import Testing

/// Whatever Redis refuses, on whatever kind of it: publishers are told, `/readyz` is honest, the log says what to do, other masters are not
/// concerned, and all is well by itself once the cause has gone.
@Suite(.serialized) struct RefusalTests {
    /// A node, a channel of the master that is to refuse, and one of another master if there is one.
    private struct Scene {
        let scratch: Scratch
        let redis: TriedRedis
        let node: PerseidNode
        let sick: String
        let well: String?
        let client: WebSocketClient

        func publish(to channel: String) async throws -> HTTPConnection.Answer {
            try await node.ask("POST", "/channels/\(channel)", body: "x")
        }
    }

    private func with(_ kind: TriedRedis.Kind, _ body: (Scene) async throws -> Void) async throws {
        let scratch = try Scratch()
        let redis = try await TriedRedis(kind, in: scratch)
        // So short that it is soon noticed if nothing can be written, though nobody publishes.
        let environment = ["PERSEID_LIMITS_NODE_LEASE_MILLISECONDS": "1500"]
        let node = try await PerseidNode(id: "a", redis: redis.url, environment: environment, in: scratch)
        do {
            try await eventually(
                "all masters are reached",
                isTrue: { try await node.metric("perseid_redis_masters_up") == redis.masterCount }
            )
            let channels = (0..<24).map { "room/\($0)" }
            for channel in channels {
                let answer = try await node.ask("POST", "/channels/\(channel)", body: "first")
                try #require(answer.status == 200)
            }
            let sick = channels[0]
            let master = try await redis.master(of: sick)
            var well: String?
            for channel in channels where redis.masterCount > 1 && well == nil {
                if try await redis.master(of: channel).port != master.port { well = channel }
            }
            let query = ([sick] + (well.map { [$0] } ?? [])).map { "channel=\($0)" }.joined(separator: "&")
            let client = try await WebSocketClient([(node.port, "/ws?\(query)")], in: scratch)
            try await client.opened(channels: well == nil ? 1 : 2)
            try await body(
                Scene(scratch: scratch, redis: redis, node: node, sick: sick, well: well, client: client)
            )
        } catch {
            Issue.record("the node logged:\n\(node.log.suffix(6_000))")
            throw error
        }
        try #require(try await node.stop() == .exited(0))
    }

    @Test(
        "what Redis refuses is told to whoever publishes and to whoever operates, concerns nobody else, and is over by itself",
        arguments: TriedRedis.Kind.allCases
    )
    func refused(_ kind: TriedRedis.Kind) async throws {
        try await with(kind) { scene in
            for refusal in Refusal.allCases where refusal.isPossible(on: kind) {
                do {
                    try await check(refusal, scene)
                } catch {
                    Issue.record("\(kind.rawValue), \(refusal.rawValue): \(error)")
                    let master = try await scene.redis.master(of: scene.sick)
                    try? await refusal.end(scene.redis, master, scene.sick)
                    try await eventually(
                        "the next one can be tried",
                        isTrue: { try await scene.publish(to: scene.sick).status == 200 }
                    )
                }
            }
        }
    }

    private func check(_ refusal: Refusal, _ scene: Scene) async throws {
        let (node, redis) = (scene.node, scene.redis)
        let master = try await redis.master(of: scene.sick)
        let bayeux = try await BayeuxPublisher(node)
        let linesBefore = node.log.split(separator: "\n").count
        let gapsBefore = try scene.client.received()[0].count { $0.type == "gap" }
        try await refusal.begin(redis, master, scene.sick, in: scene.scratch)
        switch refusal.effect {
        case .nothing:
            try #require(try await scene.publish(to: scene.sick).status == 200)
        case .channel:
            try await checkPublishers(scene, bayeux)
            try #require(await node.readiness == 200)
        case .master, .everything:
            try await eventually(
                "readiness says it",
                isTrue: {
                    let answer = try await node.ask("GET", "/readyz")
                    let isHonest = answer.status == (scene.well == nil || refusal.effect == .everything ? 503 : 200)
                    return isHonest && answer.body.contains(refusal.reason ?? "")
                }
            )
            // Sentinels put another master in the place of one that answers so; it may be there in a moment.
            if !(redis.kind == .sentinel && refusal == .failingDisk) { try await checkPublishers(scene, bayeux) }
        }
        if let well = scene.well, refusal.effect != .everything {
            for _ in 0..<3 { try #require(try await scene.publish(to: well).status == 200) }
        }
        if let reason = refusal.reason {
            try await eventually("the log says why") {
                // One line a second: what is told a moment after another one is told the next time.
                if refusal.effect == .channel { _ = try await scene.publish(to: scene.sick) }
                let lines = node.log.split(separator: "\n").dropFirst(linesBefore)
                return lines.contains { $0.contains(reason) && $0.contains(refusal.advice) } ? () : nil
            }
        }
        // Whatever was tried meanwhile: once for each link, and once more where it was made in between.
        let lines = node.log.split(separator: "\n").dropFirst(linesBefore).filter { $0.contains(refusal.reason ?? "-") }
        try #require(refusal.reason == nil || lines.count <= 4, "\(lines.joined(separator: "\n"))")
        try await refusal.end(redis, master, scene.sick)
        try await checkRecovery(from: refusal, scene, gapsBefore)
    }

    /// Over HTTP, WebSocket and Bayeux: each is answered that it was not done and may be tried again.
    private func checkPublishers(_ scene: Scene, _ bayeux: BayeuxPublisher) async throws {
        try await eventually(
            "HTTP is answered 503",
            isTrue: {
                let answer = try await scene.publish(to: scene.sick)
                return answer.status == 503 && answer.fields["retry-after"] != nil
            }
        )
        let before = try scene.client.received()[0].count { $0.type == "error" }
        try scene.client.send("{\"type\":\"publish\",\"id\":1,\"channel\":\"\(scene.sick)\",\"data\":\"x\"}")
        try await eventually(
            "the WebSocket is answered 503",
            isTrue: {
                let errors = try scene.client.received()[0].filter { $0.type == "error" }
                return errors.count > before && errors.last?.code == 503
            }
        )
        // Its client's session may be at that master, too, and may have to be written before anything is answered to it.
        guard let answer = try await bayeux.publish(to: scene.sick) else { return }
        try #require(answer["successful"] as? Bool == false, "\(answer)")
        try #require((answer["error"] as? String)?.hasPrefix("407:") == true, "\(answer)")
    }

    private func checkRecovery(from refusal: Refusal, _ scene: Scene, _ gapsBefore: Int) async throws {
        let answer = try await eventually("it is published again") {
            let answer = try await scene.publish(to: scene.sick)
            return answer.status == 200 ? answer : nil
        }
        let last = try #require(Position(answer.json["position"] as? String ?? ""))
        try await scene.client.reach(last, in: scene.sick)
        try await eventually(
            "nothing is wrong any more",
            isTrue: {
                let answer = try await scene.node.ask("GET", "/readyz")
                return answer.status == 200 && answer.json["reason"] == nil
            }
        )
        if let well = scene.well {
            try await eventually("others are well, too", isTrue: { try await scene.publish(to: well).status == 200 })
        }
        try #require(scene.client.ended() == [])
        let gaps = try scene.client.received()[0].count { $0.type == "gap" } - gapsBefore
        try #require(gaps == 0 || refusal == .wrongType, "\(gaps) gaps")
    }
}

/// A client of Bayeux that publishes.
private struct BayeuxPublisher {
    let node: PerseidNode
    let id: String

    init(_ node: PerseidNode) async throws {
        self.node = node
        let hello =
            "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\",\"supportedConnectionTypes\":[\"long-polling\"]}]"
        // Its session may be at a master that none of the tried channels is at, and that is reached again a moment after theirs.
        id = try await eventually("a handshake is done") { try await Self.ask(node, hello)?["clientId"] as? String }
    }

    func publish(to channel: String) async throws -> [String: Any]? {
        try await Self.ask(node, "[{\"channel\":\"/\(channel)\",\"clientId\":\"\(id)\",\"data\":\"x\",\"id\":\"1\"}]")
    }

    /// What is answered to the one message that was sent; `nil` if the node says, in HTTP's own words, that it cannot look after the client
    /// at the moment.
    private static func ask(_ node: PerseidNode, _ messages: String) async throws -> [String: Any]? {
        let answer = try await node.ask(
            "POST",
            "/bayeux",
            fields: ["Content-Type": "application/json"],
            body: messages
        )
        if answer.status == 503 {
            try #require(answer.fields["retry-after"] != nil && answer.body == "the backplane is away\n")
            return nil
        }
        let list = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]] ?? []
        return try #require(list.first { $0["successful"] != nil }, "\(answer.body)")
    }
}
