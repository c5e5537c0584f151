import Broker
import Edge
import Foundation
import Hub
import Reactor
import Synchronization
import TLS
import TestCertificates
import Testing
import Wire

/// Connections with TLS, over real sockets.
@Suite("TLS")
struct SecurityTests {
    private func withSecureNode(
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode) throws -> Void
    ) throws {
        let listener = try TestTLS.listener
        try withNode { configuration in
            configuration.tls = listener
            configuration.answersScripts = true
            configuration.limits.historyCountMax = 5_000
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    // MARK: What works in plain

    @Test("every transport, resumed from its cursor", arguments: Transport.allCases)
    func transports(transport: Transport) throws {
        try withSecureNode { node in
            var reader = try TransportReader(transport, node, channels: ["a", "b"])
            try reader.begin(2)
            try node.publish("a", "one")
            #expect(try reader.next("message").data == "one")
            let long = String(repeating: "0123456789abcde\n", count: 4_096)
            try node.publish("b", long)
            #expect(try reader.next("message").data == long)
            reader.close()
            try node.publish("a", "two")
            reader = try TransportReader(transport, node, channels: ["a", "b"], cursor: reader.cursor)
            #expect(try reader.next("message").data == "two")
        }
    }

    @Test("requests one behind the other, and byte by byte")
    func requests() throws {
        try withSecureNode { node in
            let client = try node.connect()
            let request = "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
            try client.send(request + request)
            for _ in 0..<2 { #expect(try client.readAnswer().status == 200) }
            try client.sendSlowly(request)
            #expect(try client.readAnswer().status == 200)
            try eventually("it is counted") { node.metrics.tlsHandshakes.value == 1 }
        }
    }

    @Test("Bayeux")
    func bayeux() throws {
        try withSecureNode { node in
            let hello =
                #"[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"id":"1"}]"#
            let answer = try node.ask("POST", "/bayeux", [("Content-Type", "application/json")], body: hello)
            #expect(answer.status == 200)
            #expect(answer.text.contains("\"successful\":true"))
        }
    }

    // MARK: Slow readers

    @Test(
        "a reader that stops for a while misses nothing, and holds nobody up",
        arguments: [SlowReaderPolicy.disconnect, .skip, .latest],
        [1_000, 40_000]
    )
    func slowReader(policy: SlowReaderPolicy, byteCount: Int) throws {
        try withSecureNode {
            $0.slowReader = policy
            $0.limits.windowBytesMax = 8 << 20
        } _: { node in
            let slow = try node.webSocket("?channel=a", receiveBytes: 8_192)
            let stream = try node.eventStream("?channel=a", receiveBytes: 8_192)
            let fast = try node.webSocket("?channel=a")
            try slow.begin()
            try stream.begin()
            try fast.begin()
            var last = 0
            for _ in 0..<3 {
                let first = last
                while node.metrics.hub.laggards.value < 2 {
                    try node.publish("a", SlowReaderTests.bodies(last..<last + 5, count: byteCount))
                    for number in last..<last + 5 {
                        #expect(SlowReaderTests.number(try fast.next("message").data) == number)
                    }
                    last += 5
                    guard last < first + 20_000_000 / byteCount else { throw TestFailure("nobody is slow") }
                }
                for number in first..<last {
                    #expect(SlowReaderTests.number(try slow.next("message").data) == number)
                    #expect(SlowReaderTests.number(try stream.next().message.data) == number)
                }
                try eventually("nobody is behind") { node.metrics.hub.laggards.value == 0 }
            }
        }
    }

    @Test("a reader past its window is told, and what it has the beginning of it gets as a whole")
    func pastWindow() throws {
        try withSecureNode {
            $0.slowReader = .skip
            $0.limits.windowBytesMax = 65_536
            // The reader expects publications only.
            $0.limits.heartbeatMilliseconds = 600_000
        } _: { node in
            let slow = try node.webSocket("?channel=a", receiveBytes: 8_192)
            try slow.begin()
            var last = 0
            while node.metrics.hub.skips.value == 0 {
                try node.publish("a", SlowReaderTests.bodies(last..<last + 20))
                last += 20
                guard last < 20_000 else { throw TestFailure("20 MB and nobody is slow") }
            }
            var next = 0
            while true {
                let message = try slow.next()
                if message.type == "gap" { break }
                let number = SlowReaderTests.number(message.data)
                #expect(number == next)
                next = number + 1
            }
            try node.publish("a", "last")
            while try slow.next().data != "last" {}
        }
    }

    @Test("a long answer reaches a client that reads it slowly, and its end is told")
    func longAnswer() throws {
        try withSecureNode { node in
            try node.publish("a", SlowReaderTests.bodies(0..<90, count: 10_000))
            let client = try node.connect(receiveBytes: 8_192)
            let target = "/channels/a/history?since=0-0&limit=90"
            try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            try eventually("what is on the way is full") { node.metrics.hub.laggards.value == 1 }
            let answer = try client.readAnswer()
            #expect(answer.status == 200)
            #expect(answer.body.count > 200_000)
            #expect(client.ends())
            #expect(client.secure?.isPeerDone == true)
        }
    }

    // MARK: Peers that do not keep to it

    @Test("what is not TLS is refused at its port, and what is at the other")
    func wrongPort() throws {
        try withSecureNode { node in
            let plain = try node.connectRaw(secure: true)
            try plain.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(plain.ends())
            // An alert, and no word of HTTP.
            #expect(plain.buffer.isEmpty || plain.buffer.first == 21)
            let secure = try node.connectRaw(secure: false)
            try secure.send([22, 3, 1, 0, 5, 1, 0, 0, 1, 3] + Array("\r\n\r\n".utf8))
            #expect(try secure.readAnswer().status == 400)
            try eventually("it is counted") { node.metrics.tlsHandshakesFailed.value == 1 }
        }
    }

    @Test("who does not go on with its handshake is let go of in time", arguments: [0, 1, 3, 60])
    func stalledHandshake(byteCount: Int) throws {
        try withSecureNode {
            $0.limits.requestMilliseconds = 500
            $0.limits.keepAliveMilliseconds = 60_000
        } _: { node in
            let client = try node.connectRaw(secure: true)
            let hello: [UInt8] = [22, 3, 1, 1, 0] + [UInt8](repeating: 1, count: 250)
            try client.send(Array(hello.prefix(byteCount)))
            #expect(client.ends(within: 40))
            try eventually("it is counted") { node.metrics.timeouts.value == 1 }
        }
    }

    @Test("ends in the middle of a record, by an end and by a reset, cost nothing")
    func truncation() throws {
        try withSecureNode { node in
            for byReset in [false, true] {
                let client = try node.connect()
                let sealed = try #require(try client.secure?.seal(Array("GET /healthz HTTP/1.1\r\n".utf8)))
                try client.sendRaw(Array(sealed.dropLast(3)))
                if byReset {
                    client.reset()
                } else {
                    shutdown(client.descriptor, Int32(SHUT_WR))
                    #expect(client.ends())
                }
            }
            try eventually("all are gone") { node.metrics.httpConnections.value == 0 }
            #expect(try node.ask("GET", "/healthz").status == 200)
        }
    }

    @Test("a record that was changed ends the connection")
    func changedRecord() throws {
        try withSecureNode { node in
            let client = try node.connect()
            var sealed = try #require(try client.secure?.seal(Array("GET /healthz HTTP/1.1\r\n\r\n".utf8)))
            sealed[sealed.count - 1] ^= 1
            try client.sendRaw(sealed)
            #expect(client.ends())
            #expect(client.receivedCount == 0)
        }
    }

    @Test("who says that he will say no more still gets his answer", arguments: [false, true])
    func halfClose(isTruncated: Bool) throws {
        try withSecureNode { node in
            let client = try node.connect()
            try client.send("GET /poll?channel=a&cursor=a@0-0&wait=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if isTruncated { shutdown(client.descriptor, Int32(SHUT_WR)) } else { client.endSending() }
            #expect(try client.readAnswer().status == 200)
            #expect(client.ends())
        }
    }

    @Test("memory for records that are not whole is counted, and those who hold it for longest go first")
    func partialRecords() throws {
        try withSecureNode {
            $0.limits.heldInputBytesMax = 65_536
        } _: { node in
            var clients: [TestClient] = []
            for _ in 0..<12 {
                let client = try node.connect()
                let sealed = try #require(try client.secure?.seal([UInt8](repeating: 32, count: 16_000)))
                try client.sendRaw(Array(sealed.dropLast()))
                clients.append(client)
            }
            try eventually("some are let go of") { node.metrics.evictions.value >= 8 }
            #expect(clients[0].ends())
            #expect(!clients[11].ends(within: 0.3))
        }
    }

    // MARK: Handshakes

    @Test("a storm of handshakes is borne, and a reader hears meanwhile")
    func storm() throws {
        try withSecureNode {
            $0.limits.handshakeSliceMicroseconds = 1
        } _: { node in
            let reader = try node.webSocket("?channel=a")
            try reader.begin()
            let port = node.node.securePort
            let authorities = try TestTLS.authorities
            let group = DispatchGroup()
            let failures = Lock<[String]>([])
            for _ in 0..<8 {
                DispatchQueue.global().async(group: group) {
                    for _ in 0..<25 {
                        do {
                            let client = try TestClient(port: port, trusting: authorities)
                            client.close()
                        } catch {
                            failures.withLock { $0.append("\(error)") }
                        }
                    }
                }
            }
            for number in 0..<100 {
                try node.publish("a", "\(number)")
                #expect(try reader.next("message").data == "\(number)")
            }
            group.wait()
            #expect(failures.withLock { $0 } == [])
            try eventually("all are agreed") { node.metrics.tlsHandshakes.value >= 201 }
        }
    }

    // MARK: Certificates

    @Test("another certificate is shown to those who come later, and nobody is let go of")
    func reload() throws {
        try withAuthority { other in
            let listener = try #require(try TestTLS.listener)
            var configuration = EdgeConfiguration()
            try withSecureNode {
                configuration = $0
            } _: { node in
                let reader = try node.webSocket("?channel=a")
                try reader.begin()
                var policy = listener.policy
                policy.certificates = [try other.issue(["localhost"])]
                configuration.tls = SecureListener(port: 0, policy: policy)
                node.node.change(to: configuration)
                let port = node.node.securePort
                let authorities = try other.pem
                try eventually("the other is shown") { (try? TestClient(port: port, trusting: authorities)) != nil }
                #expect(throws: (any Error).self) { try TestClient(port: port, trusting: try TestTLS.authorities) }
                // One that cannot be used changes nothing.
                policy.certificates = [TLSCertificate(chain: [1], key: [2], name: "broken")]
                configuration.tls = SecureListener(port: 0, policy: policy)
                node.node.change(to: configuration)
                _ = try TestClient(port: port, trusting: authorities)
                let publisher = try TestClient(port: port, trusting: authorities)
                let body = "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
                try publisher.send(body)
                #expect(try publisher.readAnswer().status == 200)
                #expect(try reader.next("message").data == "hello")
            }
        }
    }

    @Test("a client's certificate says who it is, for every request and reader of its connection")
    func clientCertificate() throws {
        let channels = try #require(AccessPattern("user/{sub}/**"))
        let rule = AccessRules.Rule(
            channels: channels,
            permissions: [.subscribe: .owner, .publish: .owner, .history: .owner]
        )
        let authorities = try TestTLS.authorities
        try withSecureNode {
            $0.tls?.policy.clientAuthorities = authorities
            $0.rules = AccessRules([rule])
        } _: { node in
            let alice = try node.connect(certificate: try TestTLS.alice)
            let publish = "POST /channels/user/alice/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"
            try alice.send(publish)
            #expect(try alice.readAnswer().status == 200)
            try alice.send(publish.replacing("alice", with: "bob"))
            #expect(try alice.readAnswer().status == 403)
            try alice.send("GET /poll?channel=user/alice/a&cursor=&wait=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try alice.readAnswer().status == 200)
            let nobody = try node.connect()
            try nobody.send(publish)
            #expect(try nobody.readAnswer().status == 403)
            let stream = try node.connect(certificate: try TestTLS.alice)
            try stream.send("GET /stream?channel=user/alice/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try stream.receive { String(decoding: stream.buffer, as: UTF8.self).contains("\"subscribed\"") })
            try alice.send(publish)
            #expect(try alice.readAnswer().status == 200)
            #expect(try stream.receive { String(decoding: stream.buffer, as: UTF8.self).contains("\"hi\"") })
        }
    }

    @Test("a certificate, which browsers show by themselves, is nobody's for pages that are not trusted by name")
    func clientCertificateOfPages() throws {
        let channels = try #require(AccessPattern("user/{sub}/**"))
        let rule = AccessRules.Rule(channels: channels, permissions: [.subscribe: .owner, .publish: .owner])
        let authorities = try TestTLS.authorities
        try withSecureNode {
            $0.tls?.policy.clientAuthorities = authorities
            $0.rules = AccessRules([rule])
            $0.allowedOrigins = ["*", "https://friend.example"]
        } _: { node in
            let (friend, evil) = ([("Origin", "https://friend.example")], [("Origin", "https://evil.example")])
            let alice = try node.connect(certificate: try TestTLS.alice)
            let poll = "/poll?channel=user/alice/a&session=none&wait=0"
            #expect(try alice.ask("GET", poll, friend).status == 200)
            #expect(try alice.ask("GET", poll, evil).status == 403)
            #expect(try alice.ask("POST", "/channels/user/alice/a", evil, body: "x").status == 403)
            #expect(try alice.ask("GET", poll + "&callback=f").text.contains("403"))
            let frame = "/frame?channel=user/alice/a&session=none&origin=https%3A%2F%2Fevil.example"
            #expect(try alice.ask("GET", frame).status == 403)
            let socket = try WebSocketClient(
                node.connect(certificate: try TestTLS.alice),
                "?channel=user/alice/a",
                fields: evil
            )
            try socket.next("welcome")
            #expect(try socket.next("error").code == 403)
            let other = try WebSocketClient(
                node.connect(certificate: try TestTLS.alice),
                "?channel=user/alice/a",
                fields: friend
            )
            try other.begin()
        }
    }

    // MARK: What is agreed, by OpenSSL's own client

    private func agreed(_ node: TestNode, _ options: [String], input: String = "Q\n") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments =
            ["s_client", "-connect", "127.0.0.1:\(node.node.securePort)", "-servername", "localhost"] + options
        let (output, given) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = given
        try process.run()
        try given.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try given.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }

    @Test("TLS 1.2 and 1.3 with ciphers that authenticate, and nothing less")
    func versions() throws {
        try withSecureNode { node in
            #expect(try agreed(node, ["-tls1_3"]).contains("New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256"))
            #expect(try agreed(node, ["-tls1_2"]).contains("New, TLSv1.2, Cipher is ECDHE-ECDSA-"))
            let weak = [
                ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], ["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"],
                ["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
                ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], ["-alpn", "h2"],
            ]
            for options in weak {
                let text = try agreed(node, options)
                #expect(text.contains("Cipher is (NONE)") || text.contains("alert"), "\(options): \(text.suffix(300))")
            }
            #expect(try agreed(node, ["-alpn", "h2,http/1.1"]).contains("ALPN protocol: http/1.1"))
        }
    }

    @Test("renegotiation is refused")
    func renegotiation() throws {
        try withSecureNode { node in
            let text = try agreed(node, ["-tls1_2"], input: "R\n")
            #expect(text.contains("RENEGOTIATING"))
            #expect(text.contains("no renegotiation"))
        }
    }

    @Test("a session is resumed with its ticket", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        try withSecureNode { node in
            let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID())").path
            defer { try? FileManager.default.removeItem(atPath: file) }
            // A request, so that the ticket has come before the end.
            let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let first = try agreed(node, [version, "-sess_out", file, "-ign_eof"], input: request)
            #expect(first.contains("New, TLSv1."))
            let second = try agreed(node, [version, "-sess_in", file, "-ign_eof"], input: request)
            #expect(second.contains("Reused, TLSv1."))
            #expect(second.contains("HTTP/1.1 200"))
            try eventually("it is counted") { node.metrics.tlsHandshakesResumed.value == 1 }
        }
    }

    @Test("new keys are gone on with, asked for or not", arguments: ["k\n", "K\n"])
    func newKeys(command: String) throws {
        try withSecureNode { node in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments = [
                "s_client", "-connect", "127.0.0.1:\(node.node.securePort)", "-servername", "localhost",
            ]
            let (output, given) = (Pipe(), Pipe())
            (process.standardOutput, process.standardError, process.standardInput) = (output, output, given)
            try process.run()
            var text = ""
            func read(until end: String) throws {
                while !text.contains(end) {
                    let more = output.fileHandleForReading.availableData
                    try #require(!more.isEmpty, "\(end): \(text.suffix(300))")
                    text += String(decoding: more, as: UTF8.self)
                }
            }
            // One that has come with the answer before cannot be in what is read of the next.
            for round in 1...3 {
                text = ""
                try given.fileHandleForWriting.write(contentsOf: Data(command.utf8))
                try read(until: "KEYUPDATE")
                let target = "/channels/round-\(round)"
                let request = "GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n"
                try given.fileHandleForWriting.write(contentsOf: Data(request.utf8))
                try read(until: "round-\(round)\"")
            }
            try given.fileHandleForWriting.write(contentsOf: Data("Q\n".utf8))
            process.waitUntilExit()
            try eventually("it is counted") { node.metrics.tlsHandshakes.value == 1 }
        }
    }

    @Test("a kernel that is asked to encrypt and cannot leaves that to the node")
    func kernel() throws {
        try withSecureNode {
            $0.tls?.policy.asksKernel = true
        } _: { node in
            let text = try agreed(
                node,
                ["-ign_eof"],
                input: "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            #expect(text.contains("HTTP/1.1 200"))
            // Where it can, it must have.
            let hasModule = FileManager.default.fileExists(atPath: "/sys/module/tls")
            try eventually("it is counted") { node.metrics.tlsSealedByKernel.value == (hasModule ? 1 : 0) }
        }
    }
}
