import Broker
import Crypto
import Edge
import Foundation
import Testing

/// `/channels/…`: publishing, reading back, and who may.
@Suite("Channel routes")
struct ChannelRouteTests {
    private func history(_ node: TestNode, _ channel: String, _ query: String = "") throws -> [[String: Any]] {
        let answer = try node.ask("GET", "/channels/\(channel)/history\(query)")
        return try answer.json["publications"] as? [[String: Any]] ?? []
    }

    @Test("a publish is answered with its channel and a position, and positions grow")
    func publishes() throws {
        try withNode { node in
            var positions: [[Int]] = []
            for _ in 0..<20 {
                let answer = try node.ask("POST", "/channels/news", body: "x")
                #expect(answer.status == 200)
                #expect(answer["Content-Type"] == "application/json")
                #expect(try answer.json["channel"] as? String == "news")
                positions.append(try answer.position.split(separator: "-").compactMap { Int($0) })
            }
            #expect(positions.allSatisfy { $0.count == 2 })
            #expect(zip(positions, positions.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test("JSON is validated and embedded on one line, text is a string, anything else is base64")
    func payloads() throws {
        try withNode { node in
            let json = [("Content-Type", "application/json; charset=utf-8")]
            #expect(try node.ask("POST", "/channels/a", json, body: "{\r\n\t\"a\" :\n[1, \"x\\ny\"]}\n").status == 200)
            #expect(try node.ask("POST", "/channels/a", body: "line\r\nbreak \"é\" \u{1}").status == 200)
            let client = try node.connect()
            try client.send(TestClient.request("POST", "/channels/a", body: [0xff, 0x00, 0x41], port: node.port))
            #expect(try client.readAnswer().status == 200)
            #expect(try node.ask("POST", "/channels/a", body: "").status == 200)
            #expect(try node.ask("POST", "/channels/a", json, body: "7").status == 200)

            let text = try node.ask("GET", "/channels/a/history").text
            #expect(!text.contains("\n") && !text.contains("\r"))
            let found = try history(node, "a")
            #expect((found[0]["data"] as? [String: Any])?["a"] as? [AnyHashable] == [1, "x\ny"])
            #expect(found[1]["data"] as? String == "line\r\nbreak \"é\" \u{1}")
            #expect(found[2]["data64"] as? String == "/wBB")
            #expect(found[3]["data"] as? String == "")
            #expect(found[4]["data"] as? Int == 7)
        }
    }

    @Test(
        "what claims to be JSON and is not is 400 and is not published",
        arguments: [
            "", "{", "{\"a\":1,}", "nul", "1 2", "{\"a\":\"\u{1}\"}",
        ]
    )
    func invalidJSON(body: String) throws {
        try withNode { node in
            let answer = try node.ask("POST", "/channels/a", [("Content-Type", "application/json")], body: body)
            #expect(answer.status == 400)
            #expect(answer.errorField == "body")
            #expect(try history(node, "a").isEmpty)
        }
    }

    @Test("names may have slashes, plain or encoded, and any character but controls")
    func names() throws {
        try withNode { node in
            let names = [
                ("chat/room1", "chat/room1"), ("chat%2Froom1", "chat/room1"), ("caf%C3%A9", "caf\u{e9}"),
                ("a%20b", "a b"),
                ("history", "history"), ("a%2Fhistory", "a/history"), ("a+b", "a+b"),
                ("%E8%AA%9E/%F0%9F%98%80", "\u{8a9e}/\u{1f600}"),
            ]
            for (path, name) in names {
                let published = try node.ask("POST", "/channels/\(path)", body: path)
                #expect(try published.json["channel"] as? String == name)
                let facts = try node.ask("GET", "/channels/\(path)")
                #expect(try facts.json["channel"] as? String == name)
            }
            #expect(try history(node, "chat%2Froom1").count == 2)
            #expect(try history(node, "a%2Fhistory").count == 1)
            let long = String(repeating: "n", count: 255)
            #expect(try node.ask("POST", "/channels/\(long)", body: "x").status == 200)
            #expect(try node.ask("POST", "/channels/\(long)n", body: "x").status == 400)
        }
    }

    @Test("the system's channels can be read and not published to")
    func systemNames() throws {
        try withNode { node in
            for path in ["$sys", "%24sys/x"] {
                let answer = try node.ask("POST", "/channels/\(path)", body: "x")
                #expect(answer.status == 403)
                #expect(answer.errorField == "channel")
                #expect(try node.ask("GET", "/channels/\(path)").status == 200)
            }
        }
    }

    @Test("the same idempotency key publishes once")
    func idempotency() throws {
        try withNode { node in
            let key = [("Idempotency-Key", "k1")]
            let first = try node.ask("POST", "/channels/a", key, body: "x").position
            #expect(try node.ask("POST", "/channels/a", key, body: "x").position == first)
            #expect(try node.ask("POST", "/channels/a", [("Idempotency-Key", "k2")], body: "x").position != first)
            #expect(try node.ask("POST", "/channels/b", key, body: "x").status == 200)
            #expect(try history(node, "a").count == 2)
            let long = [("Idempotency-Key", String(repeating: "k", count: 256))]
            #expect(try node.ask("POST", "/channels/a", long, body: "x").errorField == "Idempotency-Key")
            #expect(try node.ask("POST", "/channels/a", [("Idempotency-Key", "")], body: "x").status == 400)
        }
    }

    @Test("an idempotency key that is not text is refused: it could not be kept")
    func idempotencyBytes() throws {
        try withNode { node in
            let client = try node.connect()
            let head = "POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nIdempotency-Key: "
            try client.send(Array(head.utf8) + [0xff, 13, 10, 13, 10, 120])
            let answer = try client.readAnswer()
            #expect(answer.status == 400)
            #expect(answer.errorField == "Idempotency-Key")
        }
    }

    @Test("history brings what followed a position, and says whether that is all")
    func historySince() throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 5
        } _: { node in
            let positions = try node.publish("a", (0..<4).map { Array("\($0)".utf8) })
            let all = try node.ask("GET", "/channels/a/history").json
            #expect(
                (all["publications"] as? [[String: Any]])?.compactMap { $0["data"] as? String } == ["0", "1", "2", "3"]
            )
            #expect(all["position"] as? String == positions[3])
            #expect(all["recovered"] == nil)

            let rest = try node.ask("GET", "/channels/a/history?since=\(positions[1])").json
            #expect((rest["publications"] as? [[String: Any]])?.compactMap { $0["data"] as? String } == ["2", "3"])
            #expect(rest["recovered"] as? Bool == true)
            let none = try node.ask("GET", "/channels/a/history?since=\(positions[3])").json
            #expect((none["publications"] as? [Any])?.isEmpty == true)
            #expect(none["recovered"] as? Bool == true)

            #expect(try history(node, "a", "?limit=2").compactMap { $0["data"] as? String } == ["2", "3"])
            let page = try history(node, "a", "?since=\(positions[0])&limit=2")
            #expect(page.compactMap { $0["data"] as? String } == ["1", "2"])

            try node.publish("a", (4..<8).map { Array("\($0)".utf8) })
            let lost = try node.ask("GET", "/channels/a/history?since=\(positions[0])").json
            #expect((lost["publications"] as? [Any])?.count == 5)
            #expect(lost["recovered"] as? Bool == false)
            let foreign = try node.ask("GET", "/channels/a/history?since=1-1").json
            #expect(foreign["recovered"] as? Bool == false)
        }
    }

    @Test("a history that is more than an answer has room for says so, and is read on from the last position")
    func dividedHistory() throws {
        try withNode { configuration in
            configuration.limits.historyBytesMax = 10_000
        } _: { node in
            let positions = try node.publish("a", (0..<20).map { [UInt8](repeating: 97 + UInt8($0), count: 1_000) })
            var found: [String] = []
            var since = "0-0"
            for _ in 0..<4 {
                let answer = try node.ask("GET", "/channels/a/history?since=\(since)").json
                let page = try #require(answer["publications"] as? [[String: Any]])
                found += page.compactMap { $0["position"] as? String }
                since = try #require(found.last)
                #expect(page.count <= 8)
                #expect(answer["more"] as? Bool == (found.count < 20 ? true : nil))
                #expect(answer["recovered"] as? Bool == true)
                if answer["more"] == nil { break }
            }
            #expect(found == positions)

            let newest = try node.ask("GET", "/channels/a/history").json
            let page = try #require(newest["publications"] as? [[String: Any]])
            #expect(page.compactMap { $0["position"] as? String } == Array(positions.suffix(8)))
            #expect(newest["more"] as? Bool == true)
            #expect(try node.ask("GET", "/metrics").text.contains("perseid_history_divided_total 3\n"))

            try node.publish("a", [[UInt8](repeating: 97, count: 60_000)])
            let large = try node.ask("GET", "/channels/a/history").json
            #expect((large["publications"] as? [Any])?.count == 1, "one may be larger than the answer's room")
        }
    }

    @Test("the history of a channel nobody published to is empty")
    func emptyHistory() throws {
        try withNode { node in
            let answer = try node.ask("GET", "/channels/a/history").json
            #expect((answer["publications"] as? [Any])?.isEmpty == true)
            #expect(answer["position"] as? String == "0-0")
        }
    }

    @Test("a channel's facts count its subscribers")
    func facts() throws {
        try withNode { node in
            #expect(try node.ask("GET", "/channels/a").json["subscribers"] as? Int == 0)
            let position = try node.publish("a", "x")
            let sockets = try (0..<3).map { _ in try node.webSocket("?channel=a") }
            for socket in sockets { try socket.begin() }
            let stream = try node.eventStream("?channel=a&channel=b")
            try stream.begin(2)
            let facts = try node.ask("GET", "/channels/a").json
            #expect(facts["subscribers"] as? Int == 4)
            #expect(facts["nodes"] as? Int == 1)
            #expect(facts["position"] as? String == position)
            for socket in sockets { socket.close() }
            try eventually("one is left") {
                try node.ask("GET", "/channels/a").json["subscribers"] as? Int == 1
            }
        }
    }

    // MARK: Who may

    @Test("with keys set, a publisher must show one of them; readers need none")
    func keys() throws {
        try withNode { configuration in
            configuration.apiKeys = ["secret", "other"].map(APIKey.init(secret:))
        } _: { node in
            let wrong = [nil, "", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret"]
            for value in wrong {
                let fields = value.map { [("Authorization", $0)] } ?? []
                let answer = try node.ask("POST", "/channels/a", fields, body: "x")
                #expect(answer.status == 401, "\(value ?? "none")")
                #expect(answer["WWW-Authenticate"] == "Bearer")
                #expect(answer.errorField == "Authorization")
            }
            for value in ["Bearer secret", "bearer other", "BEARER secret"] {
                #expect(try node.ask("POST", "/channels/a", [("Authorization", value)], body: "x").status == 200)
            }
            #expect(try history(node, "a").count == 3)
        }
    }

    @Test(
        "a body that is encoded for its way is refused instead of being published as it is",
        arguments: ["gzip", "br", "gzip, identity", ""]
    )
    func encodedBody(coding: String) throws {
        try withNode { node in
            let answer = try node.ask("POST", "/channels/a", [("Content-Encoding", coding)], body: "\u{1F}\u{8B}")
            #expect(answer.status == 415)
            #expect(answer.errorField == "Content-Encoding")
            #expect(answer["Accept-Encoding"] == "identity")
            #expect(try node.ask("POST", "/channels/a", [("Content-Encoding", "Identity")], body: "x").status == 200)
            try eventually("it is counted") { node.metrics.publishes.value == 1 }
        }
    }

    @Test("pages of other sites may not publish, unless they are listed")
    func origins() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let own = "http://127.0.0.1:\(node.port)"
            for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", ""] {
                let answer = try node.ask("POST", "/channels/a", [("Origin", origin)], body: "x")
                #expect(answer.status == 403, "\(origin)")
                #expect(answer.errorField == "Origin")
                #expect(answer["Access-Control-Allow-Origin"] == nil)
            }
            for origin in [
                own, own.replacing("http:", with: "https:"), "https://listed.example", "HTTPS://LISTED.example",
            ] {
                #expect(try node.ask("POST", "/channels/a", [("Origin", origin)], body: "x").status == 200, "\(origin)")
            }
        }
    }

    @Test("pages of listed sites can read that what they publish is too long", arguments: [true, false])
    func crossOriginTooLong(isChunked: Bool) throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            for origin in ["https://listed.example", "https://evil.example"] {
                let client = try node.connect()
                let framing =
                    isChunked ? "Transfer-Encoding: chunked\r\n\r\nfffff\r\n" : "Content-Length: 1048575\r\n\r\n"
                try client.send("POST /channels/a HTTP/1.1\r\nHost: localhost\r\nOrigin: \(origin)\r\n\(framing)")
                let answer = try client.readAnswer()
                #expect(answer.status == 413)
                #expect(answer["Access-Control-Allow-Origin"] == (origin.contains("listed") ? origin : nil))
                #expect(answer["Vary"] == "Origin")
                #expect(client.ends())
            }
        }
    }

    @Test("pages of listed sites can read every answer, those of others none")
    func crossOriginAnswers() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let position = try node.publish("a", "x")
            let targets = [
                ("POST", "/channels/a"), ("GET", "/channels/a"), ("GET", "/channels/a/history?since=\(position)"),
                ("GET", "/channels/a/history?since=x"), ("GET", "/nothing"), ("DELETE", "/channels/a"),
                ("GET", "/readyz"),
            ]
            let client = try node.connect()
            for (method, target) in targets {
                let body = method == "POST" ? "x" : nil
                let listed = try client.ask(method, target, [("Origin", "https://listed.example")], body: body)
                #expect(listed["Access-Control-Allow-Origin"] == "https://listed.example", "\(method) \(target)")
                #expect(listed["Vary"] == "Origin", "\(method) \(target)")
                let foreign = try client.ask(method, target, [("Origin", "https://evil.example")], body: body)
                #expect(foreign["Access-Control-Allow-Origin"] == nil, "\(method) \(target)")
                let none = try client.ask(method, target, body: body)
                #expect(none["Access-Control-Allow-Origin"] == nil, "\(method) \(target)")
            }
            // Pipelined, each answer has what its own request asked for.
            let listed = [("Origin", "https://listed.example")]
            try client.send(
                TestClient.request("POST", "/channels/a", listed, body: [65], port: node.port)
                    + TestClient.request("POST", "/channels/a", body: [66], port: node.port)
                    + TestClient.request("GET", "/healthz", listed, port: node.port)
            )
            #expect(try client.readAnswer()["Access-Control-Allow-Origin"] != nil)
            #expect(try client.readAnswer()["Access-Control-Allow-Origin"] == nil)
            #expect(try client.readAnswer()["Access-Control-Allow-Origin"] != nil)
        }
    }

    @Test("OPTIONS tells listed sites what they may, and others nothing")
    func preflight() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            let asks = [("Access-Control-Request-Method", "POST")]
            let listed = try node.ask("OPTIONS", "/channels/a", asks + [("Origin", "https://listed.example")])
            #expect(listed.status == 204)
            #expect(listed["Access-Control-Allow-Origin"] == "https://listed.example")
            #expect(listed["Access-Control-Allow-Methods"]?.contains("POST") == true)
            let fields = try #require(listed["Access-Control-Allow-Headers"])
            #expect(["Authorization", "Content-Type", "Idempotency-Key", "Perseid-Key"].allSatisfy(fields.contains))
            #expect(listed["Content-Length"] == nil)
            let foreign = try node.ask("OPTIONS", "/channels/a", asks + [("Origin", "https://evil.example")])
            #expect(foreign.status == 204)
            #expect(foreign["Access-Control-Allow-Origin"] == nil)
            #expect(foreign["Access-Control-Allow-Methods"] == nil)
            #expect(try node.ask("OPTIONS", "*").status == 204)
            #expect(try node.ask("OPTIONS", "/channels/a")["Allow"] == "GET, HEAD, POST, DELETE, OPTIONS")
        }
    }

    @Test("with every origin allowed, none gets what a browser knows of its user")
    func allOrigins() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["*", "https://listed.example"]
        } _: { node in
            let answer = try node.ask("POST", "/channels/a", [("Origin", "https://any.example")], body: "x")
            #expect(answer.status == 200)
            #expect(answer["Access-Control-Allow-Origin"] == "*")
            #expect(answer["Access-Control-Allow-Credentials"] == nil)
            let listed = try node.ask("GET", "/channels/a", [("Origin", "https://listed.example")])
            #expect(listed["Access-Control-Allow-Credentials"] == "true")
            let stream = try node.eventStream("?channel=a", fields: [("Origin", "null")])
            #expect(stream.head["Access-Control-Allow-Origin"] == "*")
            #expect(stream.head["Access-Control-Allow-Credentials"] == nil)
            let preflight = try node.ask("OPTIONS", "/channels/a", [("Origin", "https://any.example")])
            #expect(preflight["Access-Control-Allow-Origin"] == "*")
            #expect(preflight["Access-Control-Allow-Credentials"] == nil)
        }
    }
}

/// What operators and browsers open.
@Suite("Pages")
struct PageTests {
    @Test("a node is alive, ready, and says so")
    func health() throws {
        try withNode { node in
            #expect(try node.ask("GET", "/healthz").status == 200)
            try eventually("ready") { try node.ask("GET", "/readyz").status == 200 }
            #expect(try node.ask("GET", "/readyz").text == #"{"status":"ready"}"#)
        }
    }

    private static let pages = ["/", "/demo", "/demo/chat", "/demo/note", "/demo/ticker", "/demo/assistant"]

    @Test("a page runs what stands in it and what its node serves, and nothing from elsewhere", arguments: pages)
    func page(path: String) throws {
        try withNode { node in
            let page = try node.ask("GET", path)
            #expect(page.status == 200)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page["Cache-Control"] == "no-cache")
            #expect(page.text.lowercased().hasPrefix("<!doctype html>"))
            let policy = try #require(page["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            // As a browser takes the hash: of all between the tags.
            for element in page.text.matches(of: /(?s)<(script|style)[^>]*>(.*?)<\/\1>/) where !element.2.isEmpty {
                let hash = Data(SHA256.hash(data: Data(element.2.utf8))).base64EncodedString()
                #expect(policy.contains("\(element.1)-src 'self' 'sha256-\(hash)'"))
            }
            #expect(page.text.contains("<script type=\"module\""))
            for address in page.text.matches(of: /(?:href|src|from)[ =]"(\/[^"]*)"/).map(\.1) {
                let status = try node.ask("GET", String(address)).status
                #expect(status == 200, "\(address)")
            }
            let tag = try #require(page["ETag"])
            let again = try node.ask("GET", path, [("If-None-Match", tag)])
            #expect(again.status == 304 && again.body.isEmpty && again["Content-Security-Policy"] == policy)
        }
    }

    @Test(
        "what pages share comes with its type, and is asked for each time",
        arguments: [("/demo/demo.css", "text/css"), ("/demo/frame.mjs", "text/javascript")]
    )
    func shared(path: String, type: String) throws {
        try withNode { node in
            let file = try node.ask("GET", path)
            #expect(file["Content-Type"] == "\(type); charset=utf-8" && file["X-Content-Type-Options"] == "nosniff")
            #expect(file["Cache-Control"] == "no-cache" && file["Cross-Origin-Resource-Policy"] == "same-origin")
            #expect(file["Access-Control-Allow-Origin"] == nil && file["Content-Security-Policy"] == nil)
            let tag = try #require(file["ETag"])
            #expect(try node.ask("GET", path, [("If-None-Match", tag)]).status == 304)
        }
    }

    @Test("the metrics are Prometheus text: each family once, with its help and type before its samples")
    func metrics() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            try node.publish("a", "x")
            try socket.next("message")
            let answer = try node.ask("GET", "/metrics")
            #expect(answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.text.hasSuffix("\n"))
            let samples = try PrometheusText(answer.text).samples
            #expect(samples["perseid_connections{transport=\"websocket\"}"] == 1)
            #expect(samples["perseid_subscriptions"] == 1)
            #expect(samples["perseid_deliveries_total"] == 1)
            #expect(samples["perseid_publishes_total"] == 1)
            #expect(samples["perseid_backplane_up"] == 1)
            #expect(samples["perseid_fanout_latency_milliseconds_bucket{le=\"+Inf\"}"] == 1)
            #expect(samples["perseid_fanout_latency_milliseconds_count"] == 1)
            #expect(samples["perseid_log_bytes"] != nil)
            #expect((samples["perseid_sent_bytes_total"] ?? 0) > 100)
        }
    }
}

/// Reads the text format of Prometheus, strictly.
struct PrometheusText {
    private(set) var samples: [String: Double] = [:]

    init(_ text: String) throws {
        var helped: Set<Substring> = []
        var types: [Substring: Substring] = [:]
        let suffixes = ["_bucket", "_sum", "_count"]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, helped.insert(words[2]).inserted else { throw TestFailure("help: \(line)") }
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, types.updateValue(words[3], forKey: words[2]) == nil,
                    ["counter", "gauge", "histogram", "summary"].contains(words[3])
                else { throw TestFailure("type: \(line)") }
            } else {
                guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                    throw TestFailure("sample: \(line)")
                }
                let series = String(line[..<space])
                var family = series.prefix { $0 != "{" }
                if types[family] == nil, let suffix = suffixes.first(where: { family.hasSuffix($0) }) {
                    family = family.dropLast(suffix.count)
                }
                guard types[family] != nil, helped.contains(family) else { throw TestFailure("no type: \(line)") }
                guard samples.updateValue(value, forKey: series) == nil else { throw TestFailure("twice: \(line)") }
            }
        }
    }
}
