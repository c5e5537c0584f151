/// The requests a subscriber sends, written once per channel.
struct SubscribeRequests {
    /// What is requested before the upgrade on the same connection, if anything.
    let prelude: [UInt8]?
    let expectedStatus: Int
    private let byChannel: [[UInt8]]

    init(plan: Plan) {
        prelude = plan.preludePath.map { Array("GET \($0) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8) }
        expectedStatus = plan.transport == .webSocket ? 101 : 200
        byChannel = (0..<plan.channelCount).map { channel in
            let path = plan.path(plan.subscribePath, channel: channel)
            return Array((SubscribeRequests.head(path, plan.transport) + "\r\n").utf8)
        }
    }

    func subscribe(toChannel channel: Int) -> [UInt8] { byChannel[channel] }

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
