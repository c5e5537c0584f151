import Broker
import Edge
import Foundation
import Hub
import Testing

/// What is answered alike wherever it is asked.
@Suite("Every route")
struct RouteTests {
    /// Each path, with what it needs to be answered at once, and its methods.
    private static let places: [(path: String, query: String, methods: String)] = [
        ("/ws", "", "GET, HEAD, OPTIONS"), ("/sse", "?channel=a", "GET, HEAD, OPTIONS"),
        ("/stream", "?channel=a", "GET, HEAD, OPTIONS"), ("/multipart", "?channel=a", "GET, HEAD, OPTIONS"),
        ("/frame", "?channel=a&callback=f", "GET, HEAD, OPTIONS"),
        ("/poll", "?channel=a&wait=0", "GET, HEAD, OPTIONS"), ("/publish", "", "POST, OPTIONS"),
        ("/channels/a", "?key=k", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("/channels/a/history", "", "GET, HEAD, OPTIONS"),
        ("/channels/a/presence", "", "GET, HEAD, OPTIONS"), ("/healthz", "", "GET, HEAD, OPTIONS"),
        ("/readyz", "", "GET, HEAD, OPTIONS"), ("/metrics", "", "GET, HEAD, OPTIONS"),
        ("/demo", "", "GET, HEAD, OPTIONS"), ("/", "", "GET, HEAD, OPTIONS"),
        ("/channels", "", "GET, HEAD, OPTIONS"), ("/sessions", "", "GET, HEAD, OPTIONS"),
        ("/nodes", "", "GET, HEAD, OPTIONS"), ("/users/alice", "", "GET, HEAD, OPTIONS"),
        ("/users/alice/disconnect", "", "POST, OPTIONS"), ("/users/alice/subscribe", "", "POST, OPTIONS"),
        ("/addresses/127.0.0.1", "", "GET, HEAD, OPTIONS"), ("/addresses/%3a%3a1/disconnect", "", "POST, OPTIONS"),
        ("/tokens/revoke", "", "POST, OPTIONS"), ("/openapi.json", "", "GET, HEAD, OPTIONS"),
        ("/calls/a", "", "POST, OPTIONS"), ("/perseid.mjs", "", "GET, HEAD, OPTIONS"),
        ("/console/console.css", "", "GET, HEAD, OPTIONS"), ("/console/console.mjs", "", "GET, HEAD, OPTIONS"),
        ("/perseid.js", "", "GET, HEAD, OPTIONS"), ("/perseid.d.ts", "", "GET, HEAD, OPTIONS"),
        ("/demo/chat", "", "GET, HEAD, OPTIONS"), ("/demo/note", "", "GET, HEAD, OPTIONS"),
        ("/demo/ticker", "", "GET, HEAD, OPTIONS"), ("/demo/assistant", "", "GET, HEAD, OPTIONS"),
        ("/demo/demo.css", "", "GET, HEAD, OPTIONS"), ("/demo/frame.mjs", "", "GET, HEAD, OPTIONS"),
        ("/demo/sky.mjs", "", "GET, HEAD, OPTIONS"), ("/demo/sequence.mjs", "", "GET, HEAD, OPTIONS"),
    ]

    private func head(_ node: TestNode, _ method: String, _ target: String) throws -> HTTPAnswer {
        let client = try node.connect()
        defer { client.close() }
        try client.sendRequest(method, target)
        let head = try client.readHead()
        let status = Int(head.split(separator: " ")[1]) ?? 0
        return HTTPAnswer(status: status, head: head, body: [])
    }

    @Test("HEAD is answered as GET is, with the same fields and nothing behind them")
    func heads() throws {
        try withNode {
            $0.presence = [ChannelPattern("a")!]
        } _: { node in
            for place in Self.places where place.methods.contains("GET") {
                let get = try head(node, "GET", place.path + place.query)
                let client = try node.connect()
                try client.sendRequest("HEAD", place.path + place.query)
                let text = try client.readHead()
                let answer = HTTPAnswer(status: Int(text.split(separator: " ")[1]) ?? 0, head: text, body: [])
                #expect(answer.status == get.status, "\(place.path)")
                for field in ["Content-Type", "Cache-Control", "Vary", "Location", "Transfer-Encoding"] {
                    #expect(answer[field] == get[field], "\(place.path) \(field)")
                }
                if answer["Connection"] != "close" {
                    // What comes next is the next answer.
                    #expect(try client.ask("GET", "/healthz").status == 200, "\(place.path)")
                } else {
                    #expect(client.ends() && client.takeAll().isEmpty, "\(place.path)")
                }
                client.close()
            }
        }
    }

    @Test("a slash at the end changes nothing")
    func slashes() throws {
        try withNode { node in
            for place in Self.places where place.path != "/" && place.methods.contains("GET") {
                let plain = try head(node, "GET", place.path + place.query)
                let slash = try head(node, "GET", place.path + "/" + place.query)
                #expect(plain.status == slash.status && plain.status != 404 || place.path.hasSuffix("presence"))
            }
            try node.publish("a/", "x")
            #expect(try node.ask("GET", "/channels/a/history/").text.contains("\"data\":\"x\""))
            for path in ["//", "/sse//", "/channels//", "/nothing/"] {
                #expect([400, 404].contains(try node.ask("GET", path).status), "\(path)")
            }
        }
    }

    @Test("other methods are 405, OPTIONS is 204, and both tell the methods there are")
    func methods() throws {
        try withNode { node in
            for place in Self.places {
                let options = try node.ask("OPTIONS", place.path)
                #expect(options.status == 204 && options["Allow"] == place.methods, "\(place.path)")
                let put = try node.ask("PUT", place.path)
                #expect(put.status == 405 && put["Allow"] == place.methods, "\(place.path)")
            }
            #expect(try node.ask("OPTIONS", "/nothing").status == 404)
            #expect(try node.ask("OPTIONS", "*")["Allow"] == "GET, HEAD, POST, DELETE, OPTIONS")
        }
    }

    @Test("every answer says when it was made and that it depends on the page's site, errors too")
    func dates() throws {
        try withNode { node in
            let paths = Self.places.map { ("GET", $0.path + $0.query) }
            for (method, target) in paths + [("DELETE", "/sse"), ("GET", "/nothing"), ("OPTIONS", "/sse")] {
                let answer = try head(node, method, target)
                let date = try #require(answer["Date"], "\(target)")
                let formatter = DateFormatter()
                formatter.locale = Locale(identifier: "en_US_POSIX")
                formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
                formatter.timeZone = TimeZone(identifier: "GMT")
                let parsed = try #require(formatter.date(from: date), "\(date)")
                #expect(abs(parsed.timeIntervalSinceNow) < 60)
                #expect(answer["Vary"] == "Origin", "\(target)")
            }
            let client = try node.connect()
            try client.send("BREW / HTTP/1.1\r\n\r\n")
            #expect(HTTPAnswer(status: 400, head: try client.readHead(), body: [])["Date"] != nil)
        }
    }

    @Test("the balancer's cookie is found among several, in one line or in more")
    func cookies() throws {
        try withNode { node in
            let others = [
                [("Cookie", "a=b; perseid_node=n1")], [("Cookie", "perseid_node=n1"), ("Cookie", "a=b")],
                [("Cookie", "a=b"), ("Cookie", "perseid_node=n1")],
            ]
            for fields in others {
                let answer = try node.ask("GET", "/poll?channel=a&wait=0", fields)
                #expect(answer["Perseid-Session"] != nil && answer["Set-Cookie"] == nil)
            }
            #expect(try node.ask("GET", "/poll?channel=a&wait=0")["Set-Cookie"] != nil)
        }
    }
}
