import Foundation

/// A forever frame, read as a browser does: a page, and a script for each message.
final class FrameClient {
    let client: TestClient
    let head: HTTPAnswer

    /// All of the page so far.
    private(set) var text = ""

    private var body: StreamBody
    private var bytes: [UInt8] = []
    private var calls: [String] = []

    init(_ client: TestClient, _ query: String, fields: [(String, String)] = []) throws {
        self.client = client
        try client.sendRequest("GET", "/frame\(query)", fields)
        let text = try client.readHead()
        guard text.hasPrefix("HTTP/1.1 200 ") else { throw TestFailure("no frame: \(text)") }
        head = HTTPAnswer(status: 200, head: text, body: [])
        body = StreamBody(of: head)
    }

    /// Whether the body ended as chunked bodies do.
    var hasEndedWell: Bool { body.hasEndedWell }

    /// What the page has before the first message.
    var preamble: String { String(text.prefix(upTo: text.range(of: "<script>p(")?.lowerBound ?? text.endIndex)) }

    private func decode() throws {
        bytes += try body.takePieces(from: client).joined()
        while let end = bytes.firstIndex(of: 10) {
            let line = String(decoding: bytes[..<end], as: UTF8.self)
            bytes.removeFirst(end + 1)
            text += line + "\n"
            guard line.hasPrefix("<script>p("), line.hasSuffix(")</script>") else { continue }
            let argument = line.dropFirst("<script>p(".count).dropLast(")</script>".count)
            // Nothing in it may end the script, or begin a comment.
            guard !argument.contains("<"), !argument.contains("\u{2028}"), !argument.contains("\u{2029}") else {
                throw TestFailure("not safe in a script: \(argument)")
            }
            // A string of JavaScript that JSON can have, too.
            let options = JSONSerialization.ReadingOptions.fragmentsAllowed
            guard
                let call = try JSONSerialization.jsonObject(with: Data(argument.utf8), options: options) as? String
            else { throw TestFailure("not a string: \(argument)") }
            calls.append(call)
        }
    }

    /// What the page's function is called with next, or `nil` at the end.
    func nextCall(within seconds: Double = patience) throws -> String? {
        if calls.isEmpty {
            _ = try client.receive(within: seconds) {
                try decode()
                return !calls.isEmpty || hasEndedWell
            }
        }
        return calls.isEmpty ? nil : calls.removeFirst()
    }

    /// The next message, which must be of a type.
    @discardableResult
    func next(_ type: String = "message", within seconds: Double = patience) throws -> Message {
        guard let call = try nextCall(within: seconds) else { throw TestFailure("it ended before \(type)") }
        let message = try Message(call)
        guard message.type == type else { throw TestFailure("expected \(type), got \(message)") }
        return message
    }
}

extension TestNode {
    func frame(
        _ query: String,
        receiveBytes: Int32? = nil,
        fields: [(String, String)] = []
    ) throws -> FrameClient {
        try FrameClient(connect(receiveBytes: receiveBytes), query, fields: fields)
    }
}
