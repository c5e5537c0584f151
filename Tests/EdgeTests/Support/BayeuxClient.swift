import Broker
import Edge
import Foundation
import Hub
import Testing
import Wire

/// A client of Bayeux over long-polling, with one connection for its connects and one for all else, as browsers have.
final class BayeuxClient {
    typealias Message = [String: Any]

    let node: TestNode
    let path: String
    private let connects: TestClient
    private let requests: TestClient
    private(set) var clientID = ""
    private var lastID = 0

    init(_ node: TestNode, path: String = "/bayeux") throws {
        self.node = node
        self.path = path
        connects = try node.connect()
        requests = try node.connect()
    }

    /// Shakes hands and connects, so that the next connect is held.
    convenience init(ready node: TestNode, ext: Message? = nil) throws {
        try self.init(node)
        try shakeHands(ext: ext)
        try sendConnect(ext: ext == nil ? nil : ["ack": 0])
        _ = try readConnect()
    }

    // MARK: Raw

    static func json(_ messages: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: messages), as: UTF8.self)
    }

    /// The messages of an answer, which must be an array.
    static func messages(_ answer: HTTPAnswer) throws -> [Message] {
        guard answer.status == 200, let all = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [Message]
        else { throw TestFailure("not messages: \(answer.status) \(answer.text)") }
        return all
    }

    func post(
        _ body: String,
        type: String? = "application/json",
        path: String? = nil,
        _ fields: [(String, String)] = []
    ) throws -> HTTPAnswer {
        let label = type.map { [("Content-Type", $0)] } ?? []
        return try requests.ask("POST", path ?? self.path, label + fields, body: body)
    }

    /// Sends messages, each with the client's id and an id of its own unless it names another, and reads the answer.
    @discardableResult
    func ask(_ messages: Message...) throws -> [Message] {
        try Self.messages(post(Self.json(messages.map(complete))))
    }

    func complete(_ message: Message) -> Message {
        lastID += 1
        return ["id": "\(lastID)", "clientId": clientID].merging(message) { $1 }
    }

    // MARK: What clients do

    @discardableResult
    func shakeHands(ext: Message? = nil) throws -> Message {
        let answer = try tryToShakeHands(ext: ext)
        clientID = try #require(answer["clientId"] as? String)
        return answer
    }

    /// The same where it may be refused.
    func tryToShakeHands(ext: Message?) throws -> Message {
        var message = Self.handshake
        message["ext"] = ext
        return try Self.messages(post(Self.json([message])))[0]
    }

    static var handshake: Message {
        [
            "id": "h", "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"],
        ]
    }

    func connectMessage(ext: Message? = nil, advice: Message? = nil, type: String = "long-polling") -> Message {
        var message: Message = ["channel": "/meta/connect", "connectionType": type]
        message["ext"] = ext
        message["advice"] = advice
        return complete(message)
    }

    func sendConnect(ext: Message? = nil, advice: Message? = nil, type: String = "long-polling") throws {
        let body = try Self.json([connectMessage(ext: ext, advice: advice, type: type)])
        try connects.sendRequest("POST", "\(path)/connect", [("Content-Type", "application/json")], body: body)
    }

    func readConnect() throws -> [Message] { try Self.messages(connects.readAnswer()) }

    func readRawConnect() throws -> HTTPAnswer { try connects.readAnswer() }

    /// A connect that is answered, with what was published.
    func connect(ext: Message? = nil, advice: Message? = nil, type: String = "long-polling") throws -> [Message] {
        try sendConnect(ext: ext, advice: advice, type: type)
        return try readConnect()
    }

    /// Sends a connect and waits until it is held.
    func hold(ext: Message? = nil, advice: Message? = nil) throws {
        let before = node.metrics.hub.polls.value
        try sendConnect(ext: ext, advice: advice)
        try eventually("the connect is held") { node.metrics.hub.polls.value == before + 1 }
    }

    func isConnectSilent(for seconds: Double) -> Bool { connects.isSilent(for: seconds) }

    /// Loses the connection that its connect waits on.
    func loseConnect() { connects.close() }

    @discardableResult
    func subscribe(_ subscription: Any, ext: Message? = nil) throws -> Message {
        var message: Message = ["channel": "/meta/subscribe", "subscription": subscription]
        message["ext"] = ext
        return try #require(try ask(message).last)
    }

    @discardableResult
    func publish(_ channel: String, _ data: Any) throws -> Message {
        try #require(try ask(["channel": channel, "data": data]).last)
    }
}

extension [[String: Any]] {
    /// What was delivered of them, as text.
    var delivered: [String] { filter { $0["successful"] == nil }.map { "\($0["data"] ?? "")" } }

    /// The reply of a channel.
    func reply(_ channel: String) -> [String: Any]? { last { $0["channel"] as? String == channel } }
}

extension [String: Any] {
    var error: String? { self["error"] as? String }
    var isSuccessful: Bool? { self["successful"] as? Bool }
    var advice: [String: Any]? { self["advice"] as? [String: Any] }
    var reconnect: String? { advice?["reconnect"] as? String }
    var ack: Int? { (self["ext"] as? [String: Any])?["ack"] as? Int }
}

/// A client of Bayeux over a WebSocket.
final class BayeuxSocketClient {
    let socket: WebSocketClient
    var clientID = ""
    private var lastID = 0

    init(_ node: TestNode, path: String = "/bayeux", fields: [(String, String)] = []) throws {
        socket = try WebSocketClient(node.connect(), "", path: path, fields: fields)
    }

    convenience init(ready node: TestNode, ext: [String: Any]? = nil, fields: [(String, String)] = []) throws {
        try self.init(node, fields: fields)
        var message = BayeuxClient.handshake
        message["ext"] = ext
        try send(message)
        clientID = try #require(try next()[0]["clientId"] as? String)
        try send(["channel": "/meta/connect", "connectionType": "websocket"])
        _ = try next()
    }

    /// Sends messages in one frame.
    func send(_ messages: [String: Any]...) throws {
        let all = messages.map { message in
            lastID += 1
            return ["id": "\(lastID)", "clientId": clientID].merging(message) { $1 }
        }
        try socket.send(BayeuxClient.json(all))
    }

    /// The next frame's messages. What asks whether all before it arrived is answered.
    func next() throws -> [[String: Any]] {
        while true {
            switch try socket.nextFrame() {
            case .text(let text)?:
                return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            case .ping(let payload)?: try socket.send(.pong, payload)
            // A heartbeat, which a slow machine has come meanwhile.
            case .pong([])?: continue
            case let frame: throw TestFailure("not messages: \(String(describing: frame))")
            }
        }
    }

    /// Messages up to the reply of a channel.
    func read(to channel: String) throws -> [[String: Any]] {
        var all: [[String: Any]] = []
        repeat {
            all += try next()
        } while !all.contains { $0["channel"] as? String == channel && $0["successful"] != nil }
        return all
    }

    @discardableResult
    func ask(_ message: [String: Any]) throws -> [[String: Any]] {
        try send(message)
        return try read(to: message["channel"] as? String ?? "")
    }
}
