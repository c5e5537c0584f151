import Foundation
import Testing
import Text
import Wire

/// The transports of Perseid's JSON, each as its clients have it.
enum Transport: String, CaseIterable, CustomTestStringConvertible {
    case webSocket, eventStream, jsonStream, multipart, frame, longPoll, intervalPoll, jsonp

    var testDescription: String { rawValue }

    var isPoll: Bool { [.longPoll, .intervalPoll, .jsonp].contains(self) }

    static var streams: [Transport] { allCases.filter { !$0.isPoll } }
}

/// A reader of channels, by whichever transport, that keeps where it stands as a client of that transport would.
final class TransportReader {
    private enum Connection {
        case webSocket(WebSocketClient)
        case eventStream(EventStreamClient)
        case jsonStream(JSONStreamClient)
        case multipart(MultipartClient)
        case frame(FrameClient)
        case poll(TestClient)
    }

    private let transport: Transport
    private let query: String
    private let connection: Connection
    private var waiting: [Message] = []

    /// Where it stands, once it was told.
    private(set) var cursor: String

    init(
        _ transport: Transport,
        _ node: TestNode,
        channels: [String],
        cursor: String = "",
        receiveBytes: Int32? = nil,
        parameters: String = ""
    ) throws {
        self.transport = transport
        self.cursor = cursor
        let names = channels.map { "channel=\(PercentCoding.encode($0))" }.joined(separator: "&")
        query = "?session=none&\(names)\(parameters)"
        let asked = cursor.isEmpty ? query : "\(query)&cursor=\(PercentCoding.encode(cursor))"
        connection =
            switch transport {
            case .webSocket: .webSocket(try node.webSocket(asked, receiveBytes: receiveBytes))
            case .eventStream: .eventStream(try node.eventStream(asked, receiveBytes: receiveBytes))
            case .jsonStream: .jsonStream(try node.jsonStream(asked, receiveBytes: receiveBytes))
            case .multipart: .multipart(try node.multipart(asked, receiveBytes: receiveBytes))
            case .frame: .frame(try node.frame("\(asked)&callback=f", receiveBytes: receiveBytes))
            case .longPoll, .intervalPoll, .jsonp: .poll(try node.connect(receiveBytes: receiveBytes))
            }
    }

    /// The next message of any type, or `nil` at the end.
    func next(within seconds: Double = patience) throws -> Message? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        switch connection {
        case .webSocket(let socket): return try nextOfSocket(socket)
        case .eventStream(let stream):
            guard let event = try stream.nextOrEnd(within: seconds) else { return nil }
            if !event.id.isEmpty { cursor = event.id }
            return try event.message
        case .jsonStream(let stream):
            // An empty line is a heartbeat.
            var line = try stream.nextLine(within: seconds)
            while line == "" { line = try stream.nextLine(within: seconds) }
            return try told(line)
        case .multipart(let document):
            let part = try document.nextPart(within: seconds)
            if let found = part?.cursor { cursor = found }
            return try part.map { try Message($0.text) }
        case .frame(let frame): return try told(try frame.nextCall(within: seconds))
        case .poll(let client):
            while waiting.isEmpty { try poll(client) }
            return waiting.removeFirst()
        }
    }

    private func told(_ text: String?) throws -> Message? {
        let message = try text.map { try Message($0) }
        if let found = message?["cursor"] as? String { cursor = found }
        return message
    }

    /// A WebSocket tells positions, and its client keeps one for each channel.
    private func nextOfSocket(_ socket: WebSocketClient) throws -> Message? {
        while true {
            switch try socket.nextFrame() {
            case .text(let text):
                let message = try Message(text)
                if let channel = message.channel, let position = message.type == "gap" ? message.to : message.position {
                    let name = PercentCoding.encode(channel)
                    let others = cursor.split(separator: ",").filter { !$0.hasPrefix("\(name)@") }
                    cursor = (others + ["\(name)@\(position)"]).sorted().joined(separator: ",")
                }
                return message
            case .ping(let payload): try socket.send(.pong, payload)
            // A heartbeat, which a slow machine has come meanwhile.
            case .pong([]): continue
            case .close, nil: return nil
            case let other: throw TestFailure("unexpected: \(String(describing: other))")
            }
        }
    }

    private func poll(_ client: TestClient) throws {
        let wait = transport == .intervalPoll ? "&wait=0" : ""
        let callback = transport == .jsonp ? "&callback=f" : ""
        let position = cursor.isEmpty ? "" : "&cursor=\(PercentCoding.encode(cursor))"
        let answer = try client.ask("GET", "/poll\(query)\(wait)\(callback)\(position)")
        guard answer.status == 200 else { throw TestFailure("\(answer.status) \(answer.text)") }
        var text = answer.text
        if transport == .jsonp { text = String(text.dropFirst("/**/f(".count).dropLast(");\n".count)) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        cursor = try #require(object["cursor"] as? String)
        waiting += try (object["gaps"] as? [[String: Any]] ?? []).map { try Message($0) }
        waiting += try (object["publications"] as? [[String: Any]] ?? []).map { try Message($0) }
        // Who asks now and then: often, in a test.
        if waiting.isEmpty, transport == .intervalPoll { usleep(10_000) }
    }

    /// The next message of a type; what else is told in between is passed over.
    func next(_ type: String) throws -> Message {
        while let message = try next() {
            if message.type == type { return message }
            guard ["welcome", "subscribed"].contains(message.type) else {
                throw TestFailure("expected \(type), got \(message)")
            }
        }
        throw TestFailure("it ended before \(type)")
    }

    /// Takes all that it is told until it is subscribed to so many channels; a poll is told nothing of that.
    func begin(_ channelCount: Int = 1) throws {
        guard !transport.isPoll else {
            if case .poll(let client) = connection, cursor.isEmpty { try beginPolling(client) }
            return
        }
        for _ in 0..<channelCount {
            while let message = try next(), message.type != "subscribed" {}
        }
    }

    /// The first answer, at once, tells where it stands.
    private func beginPolling(_ client: TestClient) throws {
        let answer = try client.ask("GET", "/poll\(query)&wait=0")
        cursor = try #require(try answer.json["cursor"] as? String)
    }

    func close() {
        switch connection {
        case .webSocket(let socket): socket.close()
        case .eventStream(let stream): stream.close()
        case .jsonStream(let stream): stream.client.close()
        case .multipart(let document): document.client.close()
        case .frame(let frame): frame.client.close()
        case .poll(let client): client.close()
        }
    }
}
