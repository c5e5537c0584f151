import Broker
import Edge
import Foundation
import Logging
import Reactor
import Synchronization
import Testing
import Wire

/// What an operator sees who wants to know why clients are refused or gone.
@Suite struct DebugLogTests {
    /// Keeps what is logged.
    private final class Lines: Sendable {
        let all = Lock<[String]>([])
        var text: String { all.withLock { $0.joined(separator: "\n") } }
    }

    private struct Keeper: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
            lines.all.withLock { $0.append("\(event.message) \(facts.joined(separator: " "))") }
        }
    }

    /// Lets clients be refused in every way, and returns what was logged of it.
    private func log(at level: Logger.Level) throws -> String {
        let lines = Lines()
        try withNode { configuration in
            configuration.logger = Logger(label: "test") { _ in Keeper(lines: lines, logLevel: level) }
            configuration.apiKeys = ["right-key"].map(APIKey.init(secret:))
            configuration.limits.requestMilliseconds = 2_000
        } _: { node in
            let handshake = WebSocketClient.handshake
            _ = try node.ask("GET", "/ws", handshake + [("Origin", "https://evil.example")])
            _ = try node.ask("GET", "/sse?channel=a", [("Host", "evil.example")])
            _ = try node.ask("GET", "/ws", [("Upgrade", "websocket")])
            _ = try node.ask("POST", "/channels/a", [("Authorization", "Bearer wrong-key")], body: "secret-payload")
            _ = try node.ask("GET", "/sse?channel=a&session=not-a-token-at-all")
            _ = try node.ask("GET", "/poll?channel=a&cursor=secret-cursor")
            let socket = try WebSocketClient(node.connect(), "?channel=a")
            try socket.send(#"{"type":"publish","channel":"a","data":"secret-payload"}"#)
            try socket.send(.binary, [1, 2, 3])
            let slow = try node.connect()
            try slow.send("GET / HT")
            #expect(slow.ends())
            let garbled = try node.connect()
            try garbled.send("BREW / HTCPCP/1.0\r\n\r\n")
            #expect(garbled.ends())
        }
        return lines.text
    }

    @Test("debug tells refused origins, keys and handshakes, and why clients are closed; and no secret")
    func told() throws {
        let text = try log(at: .debug)
        #expect(text.contains("a page of another site host=127.0.0.1:"))
        #expect(text.contains("origin=https://evil.example"))
        #expect(text.contains("a host that is not served here host=evil.example"))
        #expect(
            text.contains("refused client=127.0.0.1 field=Authorization reason=a valid API key is needed status=401")
        )
        #expect(text.contains("a WebSocket handshake is needed status=426"))
        #expect(text.contains("reason=there is no such session status=401"))
        #expect(text.contains("command refused client=127.0.0.1 code=401"))
        #expect(
            text.contains("WebSocket closed client=127.0.0.1 code=1003 reason=commands are text; bytes are")
        )
        #expect(text.contains("closed: the request took too long"))
        #expect(text.contains("request not understood"))
        for secret in ["right-key", "wrong-key", "secret-payload", "not-a-token", "secret-cursor"] {
            #expect(!text.contains(secret), "\(secret)")
        }
    }

    @Test("without it nothing is told of single clients")
    func silent() throws {
        let text = try log(at: .info)
        #expect(!text.contains("client=") && !text.contains("evil.example"), "\(text)")
    }
}
