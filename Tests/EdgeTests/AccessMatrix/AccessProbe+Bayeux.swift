import Broker
import Edge
import Foundation
import Hub
import Wire

// Clients of Bayeux, which show what they have with their handshake.
extension AccessProbe {
    func bayeux(_ deed: AccessDeed) throws -> AccessOutcome {
        if deed == .resume { return try resumeBayeux() }
        if deed == .history { try publishMarker() }
        let client = try BayeuxSpeaker(node, way)
        let greeting = try client.shakeHands(ext: ext)
        if let refusal = Self.refusal(greeting) { return refusal }
        _ = try client.connect()
        switch deed {
        case .subscribe:
            return try subscribe(client, "/\(channel)") { try publishMarker() }
        case .history: return try subscribe(client, "/\(channel)", replay: -2) {}
        case .presence:
            return try subscribe(client, "/$presence/\(channel)", expecting: "join") { try someoneJoins() }
        case .publish:
            let answer = try client.say(["channel": "/\(channel)", "data": Self.marker])
            return try agreed(Self.refusal(answer) ?? .allowed, isDone: isPublished())
        case .call:
            let answer = try client.say(["channel": "/service/\(channel)", "data": 1])
            return try agreed(Self.refusal(answer) ?? .allowed, isDone: isCalled)
        case .resume, .api: throw TestFailure("\(way) cannot \(deed)")
        }
    }

    private var ext: [String: Any] { token.map { ["token": $0, "replay": true] } ?? ["replay": true] }

    private func subscribe(
        _ client: BayeuxSpeaker,
        _ name: String,
        replay: Int? = nil,
        expecting: String = marker,
        _ act: () throws -> Void
    ) throws -> AccessOutcome {
        var message: [String: Any] = ["channel": "/meta/subscribe", "subscription": name]
        if let replay { message["ext"] = ["replay": [name: replay]] }
        let answer = try client.say(message)
        if let refusal = Self.refusal(answer) {
            try act()
            return try agreed(refusal, isDone: try "\(client.connect())".contains(expecting))
        }
        // What is not kept is heard by a connect that is held meanwhile.
        if way == .bayeux, replay == nil {
            return try agreed(.allowed, isDone: "\(client.connect(heldBy: node, act))".contains(expecting))
        }
        try act()
        try eventually("it is told") { try "\(client.connect())".contains(expecting) }
        return .allowed
    }

    /// A user who may began the session; somebody comes on another connection, knows its name, and shows what it has.
    private func resumeBayeux() throws -> AccessOutcome {
        let first = try BayeuxSpeaker(node, .bayeux)
        _ = try first.shakeHands(ext: ["token": try AccessShown.valid.token() ?? ""])
        _ = try first.connect()
        let subscribed = try first.say(["channel": "/meta/subscribe", "subscription": "/\(channel)"])
        guard Self.refusal(subscribed) == nil else { throw TestFailure("not subscribed: \(subscribed)") }
        let second = try BayeuxSpeaker(node, way)
        second.clientID = first.clientID
        let answer = try second.connect(ext: token.map { ["token": $0] })
        try publishMarker()
        if let refusal = Self.refusal(answer) {
            let later = try second.connect(ext: token.map { ["token": $0] })
            return try agreed(refusal, isDone: "\(later)".contains(Self.marker))
        }
        try eventually("it is told") { try "\(second.connect())".contains(Self.marker) }
        return .allowed
    }

    /// What the last reply says that is no success.
    static func refusal(_ messages: [[String: Any]]) -> AccessOutcome? {
        guard let reply = messages.last(where: { $0["successful"] != nil }) else { return .other(0) }
        if reply.isSuccessful == true { return nil }
        return AccessOutcome(reply.error.flatMap { Int($0.prefix(3)) } ?? 0)
    }
}

/// A client of Bayeux that says one message after the other, by requests or by a WebSocket, and is held by none.
final class BayeuxSpeaker {
    var clientID = ""
    private let write: ([[String: Any]]) throws -> Void
    private let read: () throws -> [[String: Any]]
    private let connectionType: String
    private let client: TestClient
    private var lastID = 0

    init(_ node: TestNode, _ way: AccessWay) throws {
        let client = try node.connect()
        self.client = client
        guard way == .bayeuxSocket else {
            connectionType = "long-polling"
            let fields = [("Content-Type", "application/json")]
            write = { try client.sendRequest("POST", "/bayeux", fields, body: BayeuxClient.json($0)) }
            read = { try BayeuxClient.messages(client.readAnswer()) }
            return
        }
        connectionType = "websocket"
        let socket = try WebSocketClient(client, "", path: "/bayeux")
        write = { try socket.send(BayeuxClient.json($0)) }
        read = {
            var all: [[String: Any]] = []
            while !all.contains(where: { $0["successful"] != nil }) {
                switch try socket.nextFrame() {
                case .text(let text)?:
                    all += try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
                case .ping(let payload)?: try socket.send(.pong, payload)
                // A heartbeat, which a slow machine has come meanwhile.
                case .pong([])?: continue
                case let frame: throw TestFailure("not messages: \(String(describing: frame))")
                }
            }
            return all
        }
    }

    /// Says a message, and returns what came up to its reply; something may be done once it is said.
    func say(_ message: [String: Any], _ act: () throws -> Void = {}) throws -> [[String: Any]] {
        lastID += 1
        try write([["id": "\(lastID)", "clientId": clientID].merging(message) { $1 }])
        try act()
        return try read()
    }

    func close() { client.close() }

    func shakeHands(ext: [String: Any]? = nil) throws -> [[String: Any]] {
        var message = BayeuxClient.handshake
        message["ext"] = ext
        let answer = try say(message)
        clientID = answer.last?["clientId"] as? String ?? ""
        return answer
    }

    /// A connect that is not held.
    func connect(ext: [String: Any]? = nil) throws -> [[String: Any]] {
        var message: [String: Any] = [
            "channel": "/meta/connect", "connectionType": connectionType, "advice": ["timeout": 0],
        ]
        message["ext"] = ext
        return try say(message)
    }

    /// A connect that is held while something is done.
    func connect(heldBy node: TestNode, _ act: () throws -> Void) throws -> [[String: Any]] {
        try say(["channel": "/meta/connect", "connectionType": connectionType]) {
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try act()
        }
    }
}
