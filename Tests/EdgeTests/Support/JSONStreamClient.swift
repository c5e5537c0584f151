import Foundation
import Wire

/// A JSON stream of a node, as `curl -N` or `fetch` has it.
final class JSONStreamClient {
    let client: TestClient
    let head: HTTPAnswer

    /// Lines that came in chunks of their own, and those that did not.
    private(set) var chunkCount = 0

    private var body: StreamBody
    private var lines: [String] = []

    init(_ client: TestClient, _ query: String, fields: [(String, String)] = []) throws {
        self.client = client
        try client.sendRequest("GET", "/stream\(query)", fields)
        let text = try client.readHead()
        guard text.hasPrefix("HTTP/1.1 200 ") else { throw TestFailure("no JSON stream: \(text)") }
        head = HTTPAnswer(status: 200, head: text, body: [])
        body = StreamBody(of: head)
    }

    /// Whether the body ended as chunked bodies do.
    var hasEndedWell: Bool { body.hasEndedWell }

    private func take(_ chunk: [UInt8]) {
        chunkCount += 1
        let text = String(decoding: chunk, as: UTF8.self)
        lines += text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The next line, or `nil` at the end of the stream.
    func nextLine(within seconds: Double = patience) throws -> String? {
        if lines.isEmpty {
            let isThere = try client.receive(within: seconds) {
                for chunk in try body.takePieces(from: client) { take(chunk) }
                return !lines.isEmpty || hasEndedWell
            }
            if !isThere || lines.isEmpty { return nil }
        }
        return lines.removeFirst()
    }

    /// The next message, which must be of a type.
    @discardableResult
    func next(_ type: String = "message", within seconds: Double = patience) throws -> Message {
        var line = try nextLine(within: seconds)
        // A heartbeat, which a slow machine has come meanwhile.
        while line == "" { line = try nextLine(within: seconds) }
        guard let line else { throw TestFailure("the stream ended before \(type)") }
        let message = try Message(line)
        guard message.type == type else { throw TestFailure("expected \(type), got \(message)") }
        return message
    }
}

extension TestNode {
    func jsonStream(
        _ query: String,
        receiveBytes: Int32? = nil,
        fields: [(String, String)] = []
    ) throws -> JSONStreamClient {
        try JSONStreamClient(connect(receiveBytes: receiveBytes), query, fields: fields)
    }
}
