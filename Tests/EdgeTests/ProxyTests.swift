import Broker
import Foundation
import Logging
import Testing
import Text

@testable import Edge

@Suite("Proxies")
struct ProxyTests {
    /// What a node says in its log, of whom: each request for what is not there is told.
    private func withProxied(
        trusted: [String] = ["127.0.0.0/8", "10.0.0.0/8"],
        protocol isSpoken: Bool = false,
        field: ForwardedField = .forwardedFor,
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode, RecordedLog) throws -> Void
    ) throws {
        let log = RecordedLog()
        try withNode {
            $0.trustedProxies = trusted.compactMap { AddressBlock($0) }
            $0.proxyProtocol = isSpoken
            $0.forwardedField = field
            $0.logger = Logger(label: "test") { _ in log.handler }
            change(&$0)
        } _: {
            try body($0, log)
        }
    }

    /// The address that the node takes a client for.
    private func address(_ client: TestClient, _ log: RecordedLog, _ fields: [(String, String)] = []) throws -> String {
        let count = log.lines.count
        #expect(try client.ask("GET", "/nothing", fields).status == 404)
        let line = try #require(log.lines.dropFirst(count).first { $0.contains("client: ") })
        return String(line.split(separator: "client: ")[1].prefix { $0 != "," && $0 != " " })
    }

    // MARK: The PROXY protocol

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    private static let fromSix =
        signature + [0x21, 0x21, 0, 39, 0x20, 1, 0x0d, 0xb9] + [UInt8](repeating: 0, count: 11) + [7]
        + [UInt8](repeating: 0, count: 16) + [1, 2, 3, 4, 0xEE, 0, 0]

    @Test(
        "a trusted proxy says where a connection comes from, in one piece with what follows, or byte by byte",
        arguments: [
            (Array("PROXY TCP4 192.0.2.1 10.0.0.1 54321 80\r\n".utf8), "192.0.2.1"), (fromSix, "2001:db9:0:0:0:0:0:7"),
            (signature + [0x20, 0, 0, 0], "127.0.0.1"), (Array("PROXY UNKNOWN\r\n".utf8), "127.0.0.1"),
        ]
    )
    func header(_ header: [UInt8], _ expected: String) throws {
        try withProxied(protocol: true) { node, log in
            let whole = try node.connectRaw(secure: false)
            try whole.send(header + TestClient.request("GET", "/healthz", port: node.port))
            #expect(try whole.readAnswer().status == 200)
            #expect(try address(whole, log) == expected)
            // It says so once: what follows is requests.
            #expect(try address(whole, log, [("X-Forwarded-For", "10.0.0.1")]).isEmpty == false)
            let slow = try node.connectRaw(secure: false)
            for byte in header {
                try slow.send([byte])
                usleep(200)
            }
            #expect(try address(slow, log) == expected)
        }
    }

    @Test(
        "with TLS it stands in front of the handshake, in plain",
        arguments: [Array("PROXY TCP4 192.0.2.1 10.0.0.1 5 8\r\n".utf8), fromSix]
    )
    func secure(_ header: [UInt8]) throws {
        let listener = try TestTLS.listener
        try withProxied(protocol: true) {
            $0.tls = listener
        } _: { node, log in
            let client = try TestClient(
                port: node.node.securePort,
                trusting: try TestTLS.authorities,
                certificate: nil,
                proxyHeader: header
            )
            #expect(try address(client, log) == (header == Self.fromSix ? "2001:db9:0:0:0:0:0:7" : "192.0.2.1"))
            client.close()
            // Without one there is no handshake.
            #expect(throws: (any Error).self) {
                try TestClient(port: node.node.securePort, trusting: try TestTLS.authorities, certificate: nil)
            }
            try eventually("it is counted") { node.metrics.tlsHandshakes.value == 1 }
        }
    }

    @Test("a WebSocket that comes by one is the client's, in the server API as well")
    func webSocket() throws {
        try withProxied(protocol: true) {
            $0.apiKeys = [APIKey(name: "admin", hash: SecretHash(of: "admin-key-of-the-tests"))]
        } _: { node, _ in
            let client = try node.connectRaw(secure: false)
            try client.send("PROXY TCP4 192.0.2.1 10.0.0.1 54321 80\r\n")
            let socket = try WebSocketClient(client, "?channel=a")
            let welcome = try socket.next("welcome")
            let id = try #require((welcome["session"] as? String)?.split(separator: ".").first)
            let operatorClient = try node.connectRaw(secure: false)
            try operatorClient.send("PROXY UNKNOWN\r\n")
            let answer = try operatorClient.ask(
                "GET",
                "/sessions/\(id)",
                [("Authorization", "Bearer admin-key-of-the-tests")]
            )
            #expect(answer.text.contains("\"address\":\"192.0.2.1\""), "\(answer.text)")
        }
    }

    @Test(
        "a trusted proxy that says nothing, or no header, is closed",
        arguments: [
            "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 1.2.3.4\r\n", "\r\n\r\n\0\r\nQUIT\nX",
            "PROXY \(String(repeating: "x", count: 200))",
        ]
    )
    func noHeader(_ text: String) throws {
        try withProxied(protocol: true) { node, _ in
            let client = try node.connectRaw(secure: false)
            try client.send(text)
            #expect(client.ends() && client.buffer.isEmpty)
            try eventually("it is counted") { node.metrics.refused.value == 1 }
        }
    }

    @Test("one that stops in the middle of its header has as long as a request has")
    func stops() throws {
        try withProxied(protocol: true) {
            $0.limits.requestMilliseconds = 500
        } _: { node, _ in
            let client = try node.connectRaw(secure: false)
            try client.send("PROXY TCP4 192.0.2")
            #expect(client.ends())
            try eventually("it is counted") { node.metrics.timeouts.value == 1 }
        }
    }

    @Test(
        "whoever is not trusted gets 400 for one, and so does who is, where it is not spoken",
        arguments: [true, false],
        ["PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\nGET / HTTP/1.1\r\n\r\n", "v2"]
    )
    func untrusted(_ isTrusted: Bool, _ text: String) throws {
        try withProxied(trusted: isTrusted ? ["127.0.0.1"] : ["10.0.0.0/8"], protocol: !isTrusted) { node, _ in
            let client = try node.connectRaw(secure: false)
            try client.send(text == "v2" ? Self.fromSix : Array(text.utf8))
            #expect(try client.readAnswer().status == 400)
            #expect(client.ends())
        }
    }

    @Test(
        "connections are counted as the client's: one too many of it is closed, others come in, and room is made by its end"
    )
    func connections() throws {
        try withProxied(protocol: true) {
            $0.limits.connectionsPerAddressMax = 2
        } _: { node, _ in
            func connect(_ address: String) throws -> TestClient {
                let client = try node.connectRaw(secure: false)
                try client.send("PROXY TCP4 \(address) 10.0.0.1 1 2\r\n")
                return client
            }
            func isServed(_ client: TestClient) -> Bool { (try? client.ask("GET", "/healthz").status) == 200 }
            let first = try connect("192.0.2.1")
            let second = try connect("192.0.2.1")
            #expect(isServed(first) && isServed(second))
            #expect(!isServed(try connect("192.0.2.1")))
            #expect(isServed(try connect("192.0.2.2")))
            first.close()
            try eventually("there is room again") { isServed(try connect("192.0.2.1")) }
        }
    }

    // MARK: Forwarded requests

    @Test("a trusted proxy says for whom a request is, in each anew")
    func forwarded() throws {
        try withProxied { node, log in
            let client = try node.connect()
            #expect(try address(client, log) == "127.0.0.1")
            #expect(try address(client, log, [("X-Forwarded-For", "192.0.2.1")]) == "192.0.2.1")
            #expect(try address(client, log, [("X-Forwarded-For", "6.6.6.6, 192.0.2.2, 10.0.0.1")]) == "192.0.2.2")
            #expect(
                try address(client, log, [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.3")])
                    == "192.0.2.3"
            )
            #expect(try address(client, log, [("X-Forwarded-For", "unknown")]) == "127.0.0.1")
            // The other one is the client's own.
            #expect(try address(client, log, [("Forwarded", "for=6.6.6.6")]) == "127.0.0.1")
            #expect(try address(client, log) == "127.0.0.1")
        }
        try withProxied(field: .forwarded) { node, log in
            let client = try node.connect()
            let fields = [
                ("Forwarded", "for=6.6.6.6, for=\"[2001:db9::1]:4711\";proto=https"), ("X-Forwarded-For", "6.6.6.6"),
            ]
            #expect(try address(client, log, fields) == "2001:db9:0:0:0:0:0:1")
        }
        try withProxied(field: .none) { node, log in
            let client = try node.connect()
            #expect(try address(client, log, [("X-Forwarded-For", "6.6.6.6")]) == "127.0.0.1")
        }
        try withProxied(trusted: ["10.0.0.0/8"]) { node, log in
            let client = try node.connect()
            #expect(try address(client, log, [("X-Forwarded-For", "6.6.6.6")]) == "127.0.0.1")
        }
    }

    @Test("limits count the client and not its proxy: requests, sessions, and what it has open at a time")
    func limits() throws {
        try withProxied {
            $0.limits.connectionsPerAddressMax = 2
            $0.limits.addressRequestsPerSecondMax = 1
            $0.limits.burstMilliseconds = 600_000
        } _: { node, _ in
            let proxy = try node.connect()
            func status(_ address: String) throws -> Int {
                try proxy.ask("GET", "/healthz", [("X-Forwarded-For", address)]).status
            }
            var statuses: [Int] = []
            for _ in 0..<640 { statuses.append(try status("192.0.2.1")) }
            // One comes back each second, and may be there for the last.
            #expect(statuses.prefix(600).allSatisfy { $0 == 200 } && statuses.contains(429))
            #expect(try status("192.0.2.2") == 200)
            // One network of a customer's.
            #expect(try status("2001:db9::1") == 200)
            var sockets: [WebSocketClient] = []
            for _ in 0..<2 {
                sockets.append(
                    try WebSocketClient(node.connect(), "?channel=a", fields: [("X-Forwarded-For", "2001:db9::2")])
                )
            }
            let third = try node.ask("GET", "/healthz", [("X-Forwarded-For", "2001:db9::3")])
            #expect(third.status == 429 && third["Retry-After"] == "1")
            let browser = [("X-Forwarded-For", "2001:db9::3"), ("Accept", "text/event-stream")]
            let putOff = try node.ask("GET", "/sse?channel=a", browser)
            #expect(putOff.status == 200 && putOff["Connection"] == "close" && putOff.text.contains("\"code\":4016"))
            #expect(try node.ask("GET", "/healthz", [("X-Forwarded-For", "2001:dba::3")]).status == 200)
            sockets.removeLast().close()
            try eventually("there is room again") {
                try node.ask("GET", "/healthz", [("X-Forwarded-For", "2001:db9::3")]).status == 200
            }
            // Of the proxy itself nothing is counted, whatever it carries.
            let own = try (0..<700).map { _ in try proxy.ask("GET", "/healthz").status }
            #expect(own.allSatisfy { $0 == 200 })
        }
    }
}
