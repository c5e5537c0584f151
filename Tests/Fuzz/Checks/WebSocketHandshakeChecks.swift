@testable import Edge
@testable import Wire

/// The opening handshake of a WebSocket: a request head whose fields are read and partly told again.
enum WebSocketHandshakeChecks {
    static func check(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy throws in
            guard let head = try? HTTPRequestHead(parsing: copy.octets.span, limits: HTTPLimits()) else { return }
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            let request = HTTPRequest(head: head, bytes: copy.readOnly, body: none)
            let offered = WebSocketSubprotocols.offered(request)
            try checkSubprotocols(offered)
            guard WebSocketHandshake.rejection(request) == nil else { return }
            try checkAnswer(WebSocketHandshake.Agreement(request, mayCompress: true), offered)
        }
    }

    private static func checkSubprotocols(_ offered: [String]) throws {
        for name in offered { try require(HTTPField.isToken(name), "a subprotocol that is no token") }
        guard let chosen = WebSocketSubprotocols.choose(from: offered) else { return }
        try require(offered.contains(chosen), "a subprotocol that was not offered")
        try require(!chosen.lowercased().hasPrefix("perseid.bearer."), "a token told again")
        if let token = WebSocketSubprotocols.token(among: offered), token == chosen {
            // Then it was offered a second time, as a name.
            try require(offered.count { $0 == token } > 1, "a token told again")
        }
    }

    /// Nothing that a client sends makes a line of the answer.
    private static func checkAnswer(
        _ agreement: WebSocketHandshake.Agreement,
        _ offered: [String]
    ) throws {
        var output = ByteBuffer()
        WebSocketHandshake.appendAnswer(agreement, to: &output) { _ in }
        let lines = String(decoding: output.bytes, as: UTF8.self).split(
            separator: "\r\n",
            omittingEmptySubsequences: false
        )
        let optional = [agreement.subprotocol, agreement.deflate?.text].compactMap { $0 }
        try requireSame(lines.count, 6 + optional.count, "lines of the answer")
        try requireSame(agreement.accept.utf8.count, 28, "bytes of the proof")
        try require(!output.bytes.dropLast(4).contains(0), "a NUL in the answer")
    }
}
