import Foundation

/// A document in parts, read as strictly as RFC 2046 lets: nothing in front of the first delimiter, and parts of the length that they
/// announce.
final class MultipartClient {
    struct Part {
        let fields: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var cursor: String? { fields["perseid-cursor"] }
    }

    let client: TestClient
    let head: HTTPAnswer
    let boundary: String

    /// Fields that were no part's, but sent to be heard of.
    private(set) var heartbeatCount = 0

    private var body: StreamBody
    private var bytes: [UInt8] = []
    private var hasBegun = false
    private var parts: [Part] = []

    init(_ client: TestClient, _ query: String, fields: [(String, String)] = []) throws {
        self.client = client
        try client.sendRequest("GET", "/multipart\(query)", fields)
        let text = try client.readHead()
        guard text.hasPrefix("HTTP/1.1 200 ") else { throw TestFailure("no document in parts: \(text)") }
        head = HTTPAnswer(status: 200, head: text, body: [])
        body = StreamBody(of: head)
        let type = "multipart/x-mixed-replace; boundary="
        guard let found = head["Content-Type"], found.hasPrefix(type) else { throw TestFailure("no boundary: \(text)") }
        boundary = String(found.dropFirst(type.count))
    }

    /// Whether the body ended as chunked bodies do.
    var hasEndedWell: Bool { body.hasEndedWell }

    /// Takes the parts whose delimiter behind them is there: then a browser shows them.
    private func decode() throws {
        bytes += try body.takePieces(from: client).joined()
        let delimiter = Array("--\(boundary)\r\n".utf8)
        if !hasBegun {
            guard bytes.count >= delimiter.count else { return }
            guard bytes.starts(with: delimiter) else { throw TestFailure("something in front of the first delimiter") }
            bytes.removeFirst(delimiter.count)
            hasBegun = true
        }
        while let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
            var fields: [String: String] = [:]
            for line in String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
            guard let count = fields["content-length"].flatMap({ Int($0) }) else { throw TestFailure("\(fields)") }
            let after = Array("\r\n".utf8) + delimiter
            guard bytes.count >= end.upperBound + count + after.count else { return }
            let body = Array(bytes[end.upperBound..<end.upperBound + count])
            guard bytes[(end.upperBound + count)...].starts(with: after) else {
                throw TestFailure("no delimiter behind \(String(decoding: body, as: UTF8.self))")
            }
            if fields["perseid-heartbeat"] != nil { heartbeatCount += 1 }
            parts.append(Part(fields: fields, body: body))
            bytes.removeFirst(end.upperBound + count + after.count)
        }
    }

    /// The next part, or `nil` at the end.
    func nextPart(within seconds: Double = patience) throws -> Part? {
        if parts.isEmpty {
            _ = try client.receive(within: seconds) {
                try decode()
                return !parts.isEmpty || hasEndedWell
            }
        }
        return parts.isEmpty ? nil : parts.removeFirst()
    }

    /// The next message, which must be of a type.
    @discardableResult
    func next(_ type: String = "message", within seconds: Double = patience) throws -> Message {
        guard let part = try nextPart(within: seconds) else { throw TestFailure("it ended before \(type)") }
        let message = try Message(part.text)
        guard message.type == type else { throw TestFailure("expected \(type), got \(message)") }
        return message
    }
}

extension TestNode {
    func multipart(
        _ query: String,
        receiveBytes: Int32? = nil,
        fields: [(String, String)] = []
    ) throws -> MultipartClient {
        try MultipartClient(connect(receiveBytes: receiveBytes), query, fields: fields)
    }
}
