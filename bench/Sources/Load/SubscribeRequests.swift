/// The requests a subscriber sends, written once per channel, or once per token where they are shown.
struct SubscribeRequests {
    /// What is requested before the upgrade on the same connection, if anything.
    let prelude: [UInt8]?
    let expectedStatus: Int
    private let byChannel: [[UInt8]]

    /// With tokens, of which there may be many, the request is made when it is sent.
    private let plan: Plan

    init(plan: Plan) {
        self.plan = plan
        prelude = plan.preludePath.map { Array("GET \($0) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8) }
        expectedStatus = plan.transport == .webSocket ? 101 : 200
        byChannel = (0..<plan.channelCount).map { channel in
            let path = plan.path(plan.subscribePath, channel: channel)
            return Array((SubscribeRequests.head(path, plan.transport) + "\r\n").utf8)
        }
    }

    func subscribe(toChannel channel: Int, connection: Int) -> [UInt8] {
        guard !plan.tokens.isEmpty else { return byChannel[channel] }
        let path = plan.path(plan.subscribePath, channel: channel)
        let shown = "\(path)&access_token=\(plan.tokens[connection % plan.tokens.count])"
        return Array((SubscribeRequests.head(shown, plan.transport) + "\r\n").utf8)
    }

    /// The key is the sample of RFC 6455: a generator has no need of a random one.
    private static func head(_ path: String, _ transport: Transport) -> String {
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        return switch transport {
        case .webSocket:
            request + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        case .eventStream:
            request + "Accept: text/event-stream\r\n"
        }
    }
}
