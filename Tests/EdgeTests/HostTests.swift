import Broker
import Foundation
import Logging
import Synchronization
import Testing

@testable import Edge

@Suite("Hosts and origins")
struct HostTests {
    private static let page = [("Host", "evil.example"), ("Origin", "http://evil.example")]

    @Test(
        "a page whose name resolves to the node may nothing",
        arguments: [
            ("POST", "/channels/a"), ("GET", "/channels/a/history"), ("GET", "/sse?channel=a"),
            ("GET", "/ws?channel=a"),
            ("GET", "/stream?channel=a"), ("GET", "/poll?channel=a"), ("GET", "/demo"), ("OPTIONS", "/channels/a"),
        ]
    )
    func rebinding(method: String, target: String) throws {
        try withNode { node throws in
            for fields in [Self.page, [Self.page[0]]] {
                let upgrade = target.hasPrefix("/ws") ? WebSocketClient.handshake : []
                let answer = try node.ask(method, target, fields + upgrade, body: method == "POST" ? "x" : nil)
                #expect(answer.status == 421)
                #expect(answer.errorField == "Host")
                #expect(answer["Access-Control-Allow-Origin"] == nil)
            }
            #expect(node.metrics.publishes.value == 0)
        }
    }

    @Test("an address in the target counts as the host, whatever Host says")
    func absoluteTarget() throws {
        try withNode { node throws in
            let absolute = "http://evil.example/channels/a"
            #expect(try node.ask("POST", absolute, [("Host", "127.0.0.1")], body: "x").status == 421)
            let own = "http://127.0.0.1:\(node.port)/channels/a"
            #expect(try node.ask("POST", own, [("Host", "evil.example")], body: "x").status == 200)
        }
    }

    @Test("addresses, localhost and what is listed are served")
    func served() throws {
        try withNode { configuration in
            configuration.allowedHosts = ["push.internal"]
            configuration.publicOrigins = ["https://push.example.org:8443"]
        } _: { node throws in
            for host in [
                "127.0.0.1", "10.1.2.3:80", "[::1]", "[2001:db8::1]:8080", "localhost", "LocalHost:1", "a.localhost",
                "localhost.", "push.internal:1", "PUSH.internal", "push.example.org", "push.example.org:8443",
            ] {
                #expect(try node.ask("GET", "/channels/a", [("Host", host)]).status == 200, "\(host)")
            }
            for host in [
                "push.internal.evil.example", "127.0.0.1.evil.example", "1.2.3", "1.2.3.4.5", "256.1.1.1",
                "localhost.evil",
                "evillocalhost", "internal",
            ] {
                #expect(try node.ask("GET", "/channels/a", [("Host", host)]).status == 421, "\(host)")
            }
        }
        try withNode {
            $0.allowedHosts = ["*"]
        } _: { node throws in
            #expect(try node.ask("GET", "/channels/a", [("Host", "any.example")]).status == 200)
        }
    }

    @Test("health checks and backends with a key need no name; who is no browser may have none")
    func exempt() throws {
        try withNode { configuration in
            configuration.apiKeys = ["secret"].map(APIKey.init(secret:))
        } _: { node throws in
            for path in ["/healthz", "/readyz", "/metrics"] {
                #expect(try node.ask("GET", path, [("Host", "perseid")]).status == 200)
            }
            let key = [("Host", "perseid"), ("Authorization", "Bearer secret")]
            #expect(try node.ask("POST", "/channels/a", key, body: "x").status == 200)
            let wrong = [("Host", "perseid"), ("Authorization", "Bearer wrong")]
            #expect(try node.ask("POST", "/channels/a", wrong, body: "x").status == 421)
            let old = try node.connect()
            try old.send("GET /channels/a HTTP/1.0\r\n\r\n")
            #expect(try old.readAnswer().status == 200)
        }
    }

    @Test(
        "a scheme's port is the same whether it is written or not",
        arguments: [
            ("https://push.example.org", "push.example.org:443", true),
            ("https://push.example.org:443", "push.example.org", true),
            ("http://push.example.org", "push.example.org:80", true),
            ("http://push.example.org:80", "PUSH.example.org", true),
            ("https://push.example.org", "push.example.org", true),
            ("http://push.example.org", "push.example.org", true),
            ("https://push.example.org:8443", "push.example.org:8443", true),
            ("http://[::1]", "[::1]:80", true),
            ("https://push.example.org", "push.example.org:80", false),
            ("http://push.example.org", "push.example.org:443", false),
            ("https://push.example.org:8443", "push.example.org", false),
            ("https://push.example.org", "push.example.org:8443", false),
            ("https://push.example.org.evil.example", "push.example.org", false),
            ("https://user@push.example.org", "push.example.org", false),
            ("https://push.example.org:99999", "push.example.org", false),
            ("https://push.example.org/", "push.example.org", false),
            ("null", "null", false), ("", "", false), ("ftp://a", "a", false), ("https://", "", false),
        ]
    )
    func ports(origin: String, host: String, isOwn: Bool) {
        let policy = OriginPolicy(allowed: [])
        #expect(policy.judge(origin: origin, host: host) == (isOwn ? .own : .foreign))
    }

    @Test("behind nginx with $host the port is lost: the public origin is the node's own")
    func publicOrigin() throws {
        try withNode { configuration in
            configuration.publicOrigins = ["https://push.example.org:8443"]
        } _: { node throws in
            let page = [("Host", "push.example.org"), ("Origin", "https://push.example.org:8443")]
            #expect(try node.ask("POST", "/channels/a", page, body: "x").status == 200)
            #expect(try node.ask("GET", "/ws?channel=a", WebSocketClient.handshake + page).status == 101)
            let other = [("Host", "push.example.org"), ("Origin", "https://other.example.org:8443")]
            #expect(try node.ask("POST", "/channels/a", other, body: "x").status == 403)
        }
    }

    @Test("the log tells both values of what was refused")
    func log() throws {
        let log = RecordedLog()
        try withNode { configuration in
            configuration.logger = Logger(label: "test") { _ in log.handler }
        } _: { node throws in
            _ = try node.ask("POST", "/channels/a", Self.page, body: "x")
            _ = try node.ask("POST", "/channels/a", [("Origin", "https://other.example")], body: "x")
            let lines = log.lines
            #expect(lines.contains { $0.contains("host: evil.example") && $0.contains("origin: http://evil.example") })
            #expect(
                lines.contains {
                    $0.contains("host: 127.0.0.1:\(node.port)") && $0.contains("origin: https://other.example")
                }
            )
        }
    }
}
