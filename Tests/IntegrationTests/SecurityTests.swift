import Broker
import Foundation
import TLS
import TestCertificates
import Testing

/// TLS as others speak it: to nodes, and between nodes and Redis.
@Suite struct SecurityTests {
    /// A node with TLS, its certificate for localhost in `node.pem`.
    private func withSecureNode(
        redis: String? = nil,
        _ body: (PerseidNode, UInt16, TestAuthority, Scratch) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let scratch = try Scratch()
        try authority.write(try authority.issue(["localhost", "127.0.0.1"]), as: "node")
        let port = Port.free()
        let node = try await PerseidNode(
            id: "a",
            redis: redis,
            environment: Self.environment(authority, port),
            in: scratch
        )
        do {
            try await body(node, port, authority, scratch)
        } catch {
            Issue.record("the node logged:\n\(node.log.suffix(4_000))")
            throw error
        }
        #expect(try await node.stop() == .exited(0))
    }

    private static func environment(_ authority: TestAuthority, _ port: UInt16) -> [String: String] {
        let place = authority.directory
        return [
            "PERSEID_TLS_LISTEN": "127.0.0.1:\(port)",
            "PERSEID_TLS_CERTIFICATES": "\(place)/node.pem=\(place)/node.key",
        ]
    }

    /// A question by curl.
    private func ask(
        _ port: UInt16,
        _ path: String,
        _ authority: TestAuthority,
        _ scratch: Scratch,
        _ more: [String] = []
    )
        async throws -> String
    {
        let place = "https://localhost:\(port)\(path)"
        let options = ["-sS", "--resolve", "localhost:\(port):127.0.0.1", "--cacert", "\(authority.directory)/ca.pem"]
        return try await ChildProcess.run(["curl"] + options + more + [place], in: scratch)
    }

    @Test("curl and Python's websockets")
    func clients() async throws {
        try await withSecureNode { _, port, authority, scratch in
            #expect(try await ask(port, "/channels/a", authority, scratch, ["-d", "hello"]).contains("position"))
            let told = try await ask(port, "/poll?channel=a&cursor=a@0-0&wait=0", authority, scratch)
            #expect(told.contains("hello"))
            let script = """
                import asyncio, ssl, sys, websockets
                async def main():
                    context = ssl.create_default_context(cafile=sys.argv[2])
                    address = f"wss://localhost:{sys.argv[1]}/ws?channel=b&session=none"
                    async with websockets.connect(address, ssl=context, host="127.0.0.1") as socket:
                        await socket.recv(); await socket.recv()
                        for number in range(50):
                            await socket.send('{"type":"publish","channel":"b","data":%d}' % number)
                        told = []
                        while len(told) < 50:
                            text = await socket.recv()
                            if '"message"' in text: told.append(text)
                        print(len(told))
                asyncio.run(main())
                """
            let arguments = ["/usr/bin/python3", "-c", script, "\(port)", "\(authority.directory)/ca.pem"]
            #expect(try await ChildProcess.run(arguments, in: scratch) == "50\n")
        }
    }

    // MARK: Certificates

    /// The serial number of the certificate that is shown.
    private func serial(_ port: UInt16, _ scratch: Scratch) async throws -> String {
        let script = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return try await ChildProcess.run(["sh", "-c", script], in: scratch)
    }

    @Test("other certificates are shown after SIGHUP; ones that cannot be used change nothing and are told")
    func reload() async throws {
        try await withSecureNode { node, port, authority, scratch in
            let old = try await serial(port, scratch)
            let stream = try StreamClient(
                [StreamClient.Stream(port: node.port, target: "/sse?channel=a")],
                in: scratch
            )
            try await stream.opened()
            let renewed = try authority.issue(["localhost"])
            try Data(renewed.chain).write(to: URL(filePath: "\(authority.directory)/node.pem"))
            node.signal(SIGHUP)
            try await eventually("it is told", isTrue: { node.log.contains("is not that of the certificate") })
            #expect(try await serial(port, scratch) == old)
            try authority.write(renewed, as: "node")
            node.signal(SIGHUP)
            try await eventually("another one is shown", isTrue: { try await serial(port, scratch) != old })
            let answer = try await node.ask("POST", "/channels/a", body: "hello")
            let position = try #require(Position(answer.json["position"] as? String ?? ""))
            try await stream.reach(position, in: "a")
        }
    }

    @Test("other certificates are shown once their files have changed")
    func changedFiles() async throws {
        try await withSecureNode { _, port, authority, scratch in
            let old = try await serial(port, scratch)
            try authority.write(try authority.issue(["localhost"]), as: "node")
            try await eventually("another one is shown", isTrue: { try await serial(port, scratch) != old })
        }
    }

    @Test(
        "a node that other machines reach with TLS stays closed to strangers when the file has neither rules nor tls any more"
    )
    func exposed() async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        let scratch = try Scratch()
        try authority.write(try authority.issue(["localhost"]), as: "node")
        let (place, port) = (authority.directory, Port.free())
        let file = scratch.directory.appending(path: "perseid.yaml")
        let rules = "rules:\n  - {channels: a, subscribe: anyone}\n"
        let pair = "{certificate: \(place)/node.pem, key: \(place)/node.key}"
        let tls = "tls:\n  listen: 0.0.0.0:\(port)\n  certificates:\n    - \(pair)\n"
        try Data((rules + tls).utf8).write(to: file)
        let node = try await PerseidNode(id: "a", redis: nil, arguments: ["--config", file.path], in: scratch)
        func status(_ channel: String) async throws -> String {
            let options = ["-o", "/dev/null", "-w", "%{http_code}"]
            return try await ask(port, "/poll?channel=\(channel)&wait=0", authority, scratch, options)
        }
        #expect(try await status("a") == "200")
        #expect(try await status("b") == "403")
        try Data("log-level: info\n".utf8).write(to: file)
        node.signal(SIGHUP)
        try await eventually("it is told", isTrue: { node.log.contains("the settings stay as they are") })
        #expect(node.log.contains("0.0.0.0 can be reached from other machines"))
        #expect(try await status("b") == "403")
        // With rules the rest of the file is taken, and where the node listens stays as it was.
        try Data("rules:\n  - {channels: b, subscribe: anyone}\n".utf8).write(to: file)
        node.signal(SIGHUP)
        try await eventually("the rules are others", isTrue: { try await status("b") == "200" })
        #expect(try await node.stop() == .exited(0))
    }

    // MARK: Redis

    /// A cluster's Redis that listens with TLS, too, and wants certificates of its clients.
    private func withSecureRedis(_ body: (Cluster, UInt16, TestAuthority) async throws -> Void) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "redis")
        let (port, place) = (Port.free(), authority.directory)
        let options = [
            "--tls-port", "\(port)", "--tls-cert-file", "\(place)/redis.pem", "--tls-key-file", "\(place)/redis.key",
            "--tls-ca-cert-file", "\(place)/ca.pem", "--unixsocket", "\(place)/redis.sock",
        ]
        try await Cluster.with(nodes: 0, redisOptions: options) { try await body($0, port, authority) }
    }

    /// One node publishes, the other hears.
    private func checkDelivery(_ nodes: [PerseidNode], _ scratch: Scratch) async throws {
        let stream = try StreamClient([StreamClient.Stream(port: nodes[1].port, target: "/sse?channel=a")], in: scratch)
        try await stream.opened()
        var last = Position.start
        for number in 0..<50 {
            let body = String(repeating: "\(number % 10)", count: number * 1_000 + 1)
            let answer = try await nodes[0].ask("POST", "/channels/a", body: body)
            last = try #require(Position(answer.json["position"] as? String ?? ""))
        }
        try await stream.reach(last, in: "a")
        #expect(try stream.received()[0].filter { $0.type == "message" }.count == 50)
    }

    @Test("nodes and commands reach Redis with TLS, and trust no other")
    func redis() async throws {
        try await withSecureRedis { cluster, port, authority in
            let (url, place) = ("rediss://localhost:\(port)", authority.directory)
            let environment = [
                "PERSEID_REDIS_TLS_CA": "\(place)/ca.pem", "PERSEID_REDIS_TLS_CERTIFICATE": "\(place)/redis.pem",
                "PERSEID_REDIS_TLS_KEY": "\(place)/redis.key",
            ]
            let install = [PerseidNode.executable, "redis", "install", "--redis", url]
            try await ChildProcess.run(install, environment: environment, in: cluster.scratch)
            let check = [PerseidNode.executable, "check", "--redis", url]
            #expect(
                try await ChildProcess.run(check, environment: environment, in: cluster.scratch).contains(
                    "functions version"
                )
            )
            var nodes: [PerseidNode] = []
            for id in ["a", "b"] {
                nodes.append(try await PerseidNode(id: id, redis: url, environment: environment, in: cluster.scratch))
            }
            try await checkDelivery(nodes, cluster.scratch)
            // It comes back as in plain.
            try await cluster.redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try await eventually(
                "they are back",
                isTrue: {
                    for node in nodes {
                        let losses = try await node.metric("perseid_backplane_losses_total") ?? 0
                        guard losses > 0, await node.readiness == 200 else { return false }
                    }
                    return true
                }
            )
            try await checkDelivery(nodes, cluster.scratch)
            for node in nodes { #expect(try await node.stop() == .exited(0)) }

            let mistakes: [([String: String], String)] = [
                ([:], "certificate"),
                (environment.merging(["PERSEID_REDIS_TLS_SERVER_NAME": "other.example"]) { $1 }, "certificate"),
            ]
            for (environment, expected) in mistakes {
                let node = try PerseidNode(id: "c", redis: url, environment: environment, startedIn: cluster.scratch)
                try await eventually(
                    "it says why",
                    isTrue: { node.log.contains("do not agree on TLS") && node.log.contains(expected) }
                )
                #expect(await node.readiness == 503)
                #expect(try await node.stop() == .exited(0))
            }
        }
    }

    @Test("Redis by a socket in the file system")
    func localSocket() async throws {
        try await withSecureRedis { cluster, _, authority in
            let url = "unix://\(authority.directory)/redis.sock"
            var nodes: [PerseidNode] = []
            for id in ["a", "b"] { nodes.append(try await PerseidNode(id: id, redis: url, in: cluster.scratch)) }
            try await checkDelivery(nodes, cluster.scratch)
            let check = [PerseidNode.executable, "check", "--redis", url]
            #expect(try await ChildProcess.run(check, in: cluster.scratch).contains("functions version"))
            for node in nodes { #expect(try await node.stop() == .exited(0)) }
        }
    }

    @Test("a session of TLS that one node has agreed to is resumed at another", arguments: ["-tls1_2", "-tls1_3"])
    func sharedTickets(version: String) async throws {
        let authority = try TestAuthority()
        defer { authority.remove() }
        try authority.write(try authority.issue(["localhost"]), as: "node")
        try await Cluster.with(nodes: 0) { cluster in
            let ports = [Port.free(), Port.free()]
            var nodes: [PerseidNode] = []
            for (id, port) in zip(["a", "b"], ports) {
                let environment = Self.environment(authority, port)
                nodes.append(
                    try await PerseidNode(
                        id: id,
                        redis: cluster.redis.url,
                        environment: environment,
                        in: cluster.scratch
                    )
                )
            }
            try await eventually(
                "the secrets are there",
                isTrue: {
                    try await cluster.redis.command("KEYS", "perseid:tickets:*").split(separator: "\n").count == 3
                }
            )
            func agreed(_ port: UInt16, _ option: String) async throws -> String {
                let file = "\(authority.directory)/session\(version)"
                let request = #"printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"#
                let client = "openssl s_client -connect 127.0.0.1:\(port) \(version) \(option) \(file) -ign_eof 2>&1"
                return try await ChildProcess.run(["sh", "-c", "\(request) | \(client)"], in: cluster.scratch)
            }
            // Each reactor hears of it in its next turn.
            try await eventually(
                "it is resumed",
                isTrue: {
                    guard try await agreed(ports[0], "-sess_out").contains("New, TLSv1.") else { return false }
                    return try await agreed(ports[1], "-sess_in").contains("Reused, TLSv1.")
                }
            )
            for node in nodes { #expect(try await node.stop() == .exited(0)) }
        }
    }

    // MARK: Weaknesses

    private static let testssl = ["/usr/bin/testssl", "/usr/bin/testssl.sh"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(
        "testssl.sh finds no weakness",
        .enabled(if: testssl != nil, "testssl.sh is not installed (Debian: testssl.sh)")
    )
    func weaknesses() async throws {
        let testssl = try #require(Self.testssl)
        try await withSecureNode { _, port, authority, scratch in
            let report = "\(authority.directory)/report.json"
            // Ends with a number that counts what it found.
            let process = try ChildProcess(
                [
                    testssl, "--quiet", "--color", "0", "--warnings", "batch", "--fast", "--openssl-timeout", "10",
                    "--protocols", "--server-defaults", "--server-preference", "--fs", "--vulnerable", "--std",
                    "--jsonfile", report, "127.0.0.1:\(port)",
                ],
                in: scratch
            )
            _ = try await process.end(within: .seconds(900))
            let data = try Data(contentsOf: URL(filePath: report))
            let found = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: String]])
            #expect(found.count > 30)
            // Of its certificate, which no browser trusts and nobody pins, it is not the judge here.
            let own = ["cert_", "OCSP", "DNS_CAArecord", "overall", "scanTime", "engine"]
            let weak = found.filter { row in
                ["LOW", "MEDIUM", "HIGH", "CRITICAL"].contains(row["severity"] ?? "")
                    && !own.contains { (row["id"] ?? "").hasPrefix($0) }
            }
            #expect(weak.isEmpty, "\(weak)")
        }
    }
}
