import Foundation

/// One HTTP/1.1 connection, kept from request to request. It blocks, so it belongs on a thread of its own.
final class HTTPConnection {
    struct Answer: Sendable {
        let status: Int
        /// By lowercased name.
        let fields: [String: String]
        let body: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
        }
    }

    /// No answer came: the request may have been done or not.
    struct Broken: Error {}

    private let descriptor: Int32
    private let port: UInt16
    private var rest: [UInt8] = []

    init(port: UInt16, timeoutSeconds: Int = 60) throws {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        guard Port.withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { throw Broken() }
    }

    deinit { close(descriptor) }

    func request(_ method: String, _ target: String, fields: [String: String] = [:], body: String = "") throws -> Answer
    {
        try send(method, target, fields: fields, body: body)
        return try readAnswer()
    }

    /// Asks, and leaves the answer unread.
    func send(_ method: String, _ target: String, fields: [String: String] = [:], body: String = "") throws {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        if method == "POST" { text += "Content-Length: \(body.utf8.count)\r\n" }
        let bytes = Array((text + "\r\n" + body).utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { throw Broken() }
    }

    private func readAnswer() throws -> Answer {
        var lines: [String] = []
        while let line = try readLine() { lines.append(line) }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        guard let status else { throw Broken() }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let count = fields["content-length"].flatMap { Int($0) } ?? 0
        while rest.count < count { try receive() }
        defer { rest.removeFirst(count) }
        return Answer(status: status, fields: fields, body: String(decoding: rest.prefix(count), as: UTF8.self))
    }

    /// The next line of a head, or `nil` for the empty one that ends it.
    private func readLine() throws -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeFirst(end + 1) }
                let line = String(decoding: rest[..<max(end - 1, 0)], as: UTF8.self)
                return line.isEmpty ? nil : line
            }
            try receive()
        }
    }

    private func receive() throws {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Broken() }
        rest += buffer[..<count]
    }

    /// Asks once, on a connection for this request alone.
    static func ask(
        _ method: String,
        _ target: String,
        port: UInt16,
        fields: [String: String] = [:],
        body: String = ""
    ) async throws -> Answer {
        try await onThread {
            try HTTPConnection(port: port).request(method, target, fields: fields, body: body)
        }
    }
}
