import Foundation

/// One answer of a node.
struct HTTPAnswer {
    let status: Int
    let head: String
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// A field's value; `nil` where it is absent.
    subscript(field: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == field.lowercased() else {
                continue
            }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    /// The body as a JSON object.
    var json: [String: Any] {
        get throws {
            guard let object = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else {
                throw TestFailure("not a JSON object: \(text)")
            }
            return object
        }
    }

    /// What an error is about.
    var errorField: String? { ((try? json)?["error"] as? [String: Any])?["field"] as? String }

    var position: String {
        get throws {
            guard let position = try json["position"] as? String else { throw TestFailure("no position: \(text)") }
            return position
        }
    }
}

extension TestClient {
    /// Writes a request; the length of the body is added, and the host unless the fields name one.
    static func request(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: [UInt8]? = nil,
        port: UInt16
    ) -> [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if !fields.contains(where: { $0.0 == "Host" }) { text += "Host: 127.0.0.1:\(port)\r\n" }
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.count)\r\n" }
        return Array((text + "\r\n").utf8) + (body ?? [])
    }

    func sendRequest(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: String? = nil
    ) throws {
        try send(Self.request(method, target, fields, body: body.map { Array($0.utf8) }, port: port))
    }

    /// Reads the head of an answer, with the empty line.
    func readHead() throws -> String {
        var end: Int?
        let isThere = try receive {
            end = buffer.endOfHead
            return end != nil
        }
        guard isThere, let end else { throw TestFailure("the connection ended before an answer: \(bufferText)") }
        return String(decoding: take(end), as: UTF8.self)
    }

    /// Reads one whole answer.
    func readAnswer(toHead isHead: Bool = false) throws -> HTTPAnswer {
        let head = try readHead()
        let words = head.split(separator: " ", maxSplits: 2)
        guard words.first == "HTTP/1.1", words.count == 3, let status = Int(words[1]) else {
            throw TestFailure("not an answer: \(head)")
        }
        let bodyless = HTTPAnswer(status: status, head: head, body: [])
        if isHead || status < 200 || status == 204 || status == 304 { return bodyless }
        guard let text = bodyless["Content-Length"] else {
            _ = try receive { false }
            return HTTPAnswer(status: status, head: head, body: takeAll())
        }
        guard let length = Int(text) else { throw TestFailure("not a length: \(head)") }
        guard try receive(until: { buffer.count >= length }) else {
            throw TestFailure("the body ended after \(buffer.count) of \(length) bytes")
        }
        return HTTPAnswer(status: status, head: head, body: take(length))
    }

    /// Asks and reads the answer.
    func ask(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        body: String? = nil
    ) throws -> HTTPAnswer {
        try sendRequest(method, target, fields, body: body)
        return try readAnswer(toHead: method == "HEAD")
    }

    var bufferText: String { String(decoding: buffer, as: UTF8.self) }
}

extension [UInt8] {
    /// Bytes up to and with the first empty line.
    fileprivate var endOfHead: Int? {
        guard count >= 4 else { return nil }
        for index in 3..<count
        where self[index] == 10 && self[index - 1] == 13 && self[index - 2] == 10 && self[index - 3] == 13 {
            return index + 1
        }
        return nil
    }
}
