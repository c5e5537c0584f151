import Reactor

/// A node as the command line talks to it: one request on one connection, in plain HTTP.
struct NodeAddress {
    let host: String
    let port: UInt16

    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Time without a byte after which a connect or an ordinary answer is given up.
    private static let timeoutMilliseconds: Int32 = 10_000

    /// Reads `http://host[:port]`, with or without a slash behind it.
    init?(_ url: String) {
        guard url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst("http://".count).prefix { $0 != "/" }
        let colon = rest.lastIndex(of: ":")
        if let colon, !rest[colon...].contains("]") {
            guard let port = UInt16(rest[rest.index(after: colon)...]) else { return nil }
            self.port = port
            host = Self.unbracketed(rest[..<colon])
        } else {
            port = 80
            host = Self.unbracketed(rest)
        }
        if host.isEmpty { return nil }
    }

    private static func unbracketed(_ host: Substring) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// Sends a request and hands over what comes back until `body` says false or the node ends the connection.
    func exchange(
        _ request: UnsafeRawBufferPointer,
        isEndless: Bool = false,
        _ body: (UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let socket = try Socket.connect(host: host, port: port)
        defer { socket.close() }
        let poller = try Poller()
        try poller.add(socket.descriptor, token: 0, for: .write)
        var rest = request
        while !rest.isEmpty {
            try wait(poller, milliseconds: Self.timeoutMilliseconds)
            if let error = socket.connectionError { throw error }
            if case .moved(let count) = socket.send(rest) { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        }
        try poller.modify(socket.descriptor, token: 0, for: .read)
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                try wait(poller, milliseconds: isEndless ? -1 : Self.timeoutMilliseconds)
                switch socket.receive(into: buffer) {
                case .moved(let count):
                    guard try body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
                case .wouldBlock: continue
                case .endOfStream: return
                case .failed(let code): throw SystemError(call: "recv", result: -Int(code))
                }
            }
        }
    }

    private func wait(_ poller: borrowing Poller, milliseconds: Int32) throws {
        var isReady = false
        poller.wait(milliseconds: milliseconds) { _, _ in isReady = true }
        guard isReady || milliseconds < 0 else { throw Timeout() }
    }

    /// The node said nothing for too long.
    struct Timeout: Error, CustomStringConvertible {
        var description: String { "no answer in \(NodeAddress.timeoutMilliseconds) ms" }
    }
}

/// A whole answer, read until the connection ended.
enum HTTPAnswer {
    /// Status and body of an answer with `Content-Length` or none.
    static func split(_ bytes: [UInt8]) -> (status: Int, body: String) {
        let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, String(decoding: bytes[(endOfHead(bytes) ?? bytes.count)...], as: UTF8.self))
    }

    /// Where the body begins, once the head is whole.
    static func endOfHead(_ bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        return bytes.indices.dropLast(3).first { bytes[$0..<($0 + 4)].elementsEqual(mark) }.map { $0 + 4 }
    }
}
