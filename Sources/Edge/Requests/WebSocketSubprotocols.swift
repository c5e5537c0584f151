internal import Wire

/// Which of the subprotocols that a client offers is agreed on, RFC 6455 §4.2.2 and §11.3.4.
///
/// A browser that offered some closes a WebSocket that was told none (the WebSocket standard, "establish a WebSocket
/// connection"). The messages are the same in each. Pages that cannot set a field put a token there: the answer, which
/// proxies log, never repeats it.
enum WebSocketSubprotocols {
    private static let own = "perseid"
    private static let tokenPrefix = "perseid.bearer."
    /// The next one is a token.
    private static let tokenMark = "bearer"

    /// Chooses ours, else the first that is no token.
    static func choose(from offered: [String]) -> String? {
        var harmless: [String] = []
        var isToken = false
        for name in offered {
            if !isToken, !name.lowercased().hasPrefix(tokenPrefix) { harmless.append(name) }
            isToken = name.lowercased() == tokenMark
        }
        return harmless.contains(own) ? own : harmless.first
    }

    /// The token that stands among them: behind our prefix, or behind the word that says so.
    static func token(among offered: [String]) -> String? {
        for (place, name) in offered.enumerated() {
            if name.lowercased().hasPrefix(tokenPrefix) { return String(name.dropFirst(tokenPrefix.count)) }
            if name.lowercased() == tokenMark, place + 1 < offered.count { return offered[place + 1] }
        }
        return nil
    }

    /// What a request offers, in order; what is no token of RFC 9110 is passed over.
    static func offered(_ request: borrowing HTTPRequest) -> [String] {
        request.texts(of: .secWebSocketProtocol).flatMap { line in
            line.split(separator: ",").map { $0.drop { $0 == " " || $0 == "\t" } }
                .map { String($0.prefix { $0 != " " && $0 != "\t" }) }
                .filter { HTTPField.isToken($0) }
        }
    }
}
