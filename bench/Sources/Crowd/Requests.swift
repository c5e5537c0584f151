/// How a client asks: for the first time, and when it comes back.
struct Requests {
    let carrier: Carrier
    let channels: Channels

    enum Carrier: String, CaseIterable {
        case webSocket = "websocket"
        /// WebSockets whose node keeps a session in Redis.
        case sessions
        case events
    }

    /// The key is the sample of RFC 6455: a crowd has no need of a random one.
    private static let upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    func connect(_ state: Client, client: UInt32, session: String?) -> [UInt8] {
        var query =
            session.map { "session=\($0)" }
            ?? kinds(state.joined).map { kind in
                "channel=\(channels.name(ofClient: client, kind: kind))"
            }.joined(separator: "&")
        if carrier != .sessions { query += "&session=none" }
        if state.isReturning { query += "&cursor=\(cursor(state, client: client))" }
        let path = carrier == .events ? "/sse" : "/ws"
        let fields = carrier == .events ? "Accept: text/event-stream\r\n" : Requests.upgrade
        return Array("GET \(path)?\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(fields)\r\n".utf8)
    }

    func subscribe(client: UInt32, kind: Int) -> String {
        "{\"type\":\"subscribe\",\"id\":\(kind),\"channel\":\"\(channels.name(ofClient: client, kind: kind))\"}"
    }

    /// A position for each channel. The percent signs of a cursor are encoded once more, as a part of an address.
    func cursor(_ state: Client, client: UInt32) -> String {
        let parts = kinds(state.known).map { kind in
            let name = channels.name(ofClient: client, kind: kind)
            let encoded = name.split(separator: "/").joined(separator: "%252F")
            return "\(encoded)@\(state[positionOf: kind].text)"
        }
        return parts.sorted().joined(separator: ",")
    }

    private func kinds(_ bits: UInt8) -> [Int] { (0..<3).filter { bits & 1 << UInt8($0) != 0 } }
}
