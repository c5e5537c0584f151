import Backplane
import Broker
import Edge
import Foundation
import Hub
import Logging
import Testing
import Text

/// The server API: what whoever runs the cluster asks of a node.
@Suite("The server API")
struct ControlTests {
    private let admin = [("Authorization", "Bearer a-key-for-tests")]

    private func bearer(_ text: String) -> [(String, String)] { [("Authorization", "Bearer \(text)")] }

    private func json(_ answer: HTTPAnswer) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any], "\(answer.text)")
    }

    /// Asks as an operator, and takes the answer apart.
    private func ask(
        _ node: TestNode,
        _ method: String,
        _ target: String,
        body: String? = nil
    ) throws -> [String: Any] {
        let answer = try node.ask(method, target, admin, body: body)
        try #require(answer.status == 200, "\(method) \(target): \(answer.text)")
        return try json(answer)
    }

    private func session(of socket: WebSocketClient) throws -> String {
        let token = try #require(try socket.next("welcome")["session"] as? String)
        return String(token.prefix { $0 != "." })
    }

    /// All that there is for operators.
    private static let requests: [(method: String, path: String, body: String?)] = [
        ("GET", "/channels", nil), ("GET", "/sessions", nil), ("GET", "/nodes", nil), ("GET", "/users/alice", nil),
        ("POST", "/users/alice/disconnect", nil), ("POST", "/users/alice/subscribe", #"{"channel":"a"}"#),
        ("POST", "/users/alice/unsubscribe", #"{"channel":"a"}"#),
        ("GET", "/sessions/\(String(repeating: "a", count: 32))", nil),
        ("POST", "/sessions/\(String(repeating: "a", count: 32))/disconnect", nil),
        ("GET", "/addresses/10.1.2.3", nil), ("POST", "/addresses/10.1.2.3/disconnect", nil),
        ("POST", "/addresses/10.1.2.3/subscribe", #"{"channel":"a"}"#),
        ("POST", "/tokens/revoke", #"{"user":"bob"}"#),
    ]

    // MARK: Who may

    @Test("each request needs a key with the scope admin, whoever asks and from wherever")
    func rights() async throws {
        let publisher = APIKey(name: "publisher", hash: SecretHash(of: "publisher"), scopes: [.publish, .read])
        let token = try AccessToken.of("alice", ["subscribe": ["**"]])
        try await withRules {
            $0.apiKeys.append(publisher)
        } _: { (node: TestNode) throws in
            for (method, path, body) in Self.requests {
                func status(_ fields: [(String, String)]) throws -> Int {
                    try node.ask(method, path, fields, body: body).status
                }
                let nobody = try node.ask(method, path, body: body)
                #expect(nobody.status == 401 && nobody["WWW-Authenticate"] == "Bearer", "\(path)")
                #expect(try status(bearer(token)) == 401, "\(path)")
                #expect(try status(bearer("another-key")) == 401, "\(path)")
                #expect(try status(bearer("publisher")) == 403, "\(path)")
                #expect(try status(admin + [("Origin", "https://evil.example")]) == 403, "\(path)")
                #expect([200, 404].contains(try status(admin)), "\(path)")
            }
        }
    }

    @Test("a node that is open to whoever reaches it is so for operators, and one with keys is not")
    func open() throws {
        try withNode { (node: TestNode) throws in #expect(try node.ask("GET", "/users/alice").status == 200) }
        try withNode {
            $0.apiKeys = [APIKey(secret: "k")]
        } _: { (node: TestNode) throws in
            #expect(try node.ask("GET", "/users/alice").status == 401)
            #expect(try node.ask("GET", "/users/alice", bearer("k")).status == 200)
        }
    }

    @Test("every act leaves a line with who did what to whom, and no secret; a look does not")
    func audit() async throws {
        let log = RecordedLog()
        let token = try AccessToken.make(["sub": "alice", "aud": "push", "jti": "t-1"])
        try await withRules {
            $0.logger = Logger(label: "test") { _ in log.handler }
        } _: { (node: TestNode) throws in
            _ = try ask(node, "GET", "/users/alice")
            _ = try ask(node, "POST", "/users/alice/subscribe", body: #"{"channel":"room/1"}"#)
            _ = try ask(node, "POST", "/users/alice/disconnect", body: #"{"reconnect":true}"#)
            _ = try ask(node, "POST", "/tokens/revoke", body: #"{"token":"\#(token)"}"#)
        }
        let lines = log.lines.filter { $0.contains("audit") }
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.hasPrefix("notice") && $0.contains("key: a-key-for-tests") })
        #expect(lines[0].contains("act: subscribe") && lines[0].contains("channel: room/1"))
        #expect(lines[1].contains("act: disconnect to reconnect") && lines[1].contains("subject: user alice"))
        #expect(lines[2].contains("act: revoke") && lines[2].contains("subject: token t-1"))
        #expect(!log.lines.contains { $0.contains(token) })
    }

    @Test("what is asked wrongly is 400 and says which part")
    func mistakes() throws {
        try withNode { (node: TestNode) throws in
            let id = String(repeating: "a", count: 32)
            let wrong: [(String, String, String?, String)] = [
                ("GET", "/sessions/short", nil, "session"), ("GET", "/sessions/\(id.uppercased())", nil, "session"),
                ("GET", "/addresses/10.1.2", nil, "address"), ("GET", "/addresses/example.org", nil, "address"),
                ("GET", "/addresses/%ff", nil, "address"), ("GET", "/users/%ff", nil, "user"),
                ("GET", "/users/", nil, "user"),
                ("GET", "/users/\(String(repeating: "x", count: 1_025))", nil, "user"),
                ("POST", "/users/a/subscribe", nil, "channel"), ("POST", "/users/a/subscribe", "{}", "channel"),
                ("POST", "/users/a/subscribe", #"{"channel":7}"#, "channel"),
                ("POST", "/users/a/subscribe", #"{"channel":"a/*/b"}"#, "channel"),
                ("POST", "/users/a/subscribe", #"{"channel":""}"#, "channel"),
                ("POST", "/users/a/disconnect", "[]", "body"), ("POST", "/users/a/disconnect", "rubbish", "body"),
                ("POST", "/users/a/disconnect", #"{"reconnect":"yes"}"#, "reconnect"),
                ("POST", "/tokens/revoke", nil, "body"), ("POST", "/tokens/revoke", "{}", "body"),
                ("POST", "/tokens/revoke", #"{"jti":"a"}"#, "expires"),
                ("POST", "/tokens/revoke", #"{"jti":"a","expires":-1}"#, "expires"),
                ("POST", "/tokens/revoke", #"{"jti":"a","expires":1.5}"#, "expires"),
                ("POST", "/tokens/revoke", #"{"jti":"a","user":"b","expires":1}"#, "body"),
                ("GET", "/channels?match=a/*/b", nil, "match"), ("GET", "/channels?limit=0", nil, "limit"),
                ("GET", "/channels?limit=1001", nil, "limit"), ("GET", "/sessions?after=x", nil, "after"),
                ("GET", "/nodes?after=-1", nil, "after"),
            ]
            for (method, path, body, field) in wrong {
                let answer = try node.ask(method, path, body: body)
                #expect(
                    answer.status == 400 && answer.errorField == field,
                    "\(method) \(path) \(body ?? ""): \(answer.text)"
                )
            }
            for path in ["/users", "/users/a/b", "/users/a/disconnect/x", "/sessions/\(id)/destroy", "/tokens"] {
                #expect(try node.ask("GET", path).status == 404, "\(path)")
            }
            #expect(try node.ask("POST", "/tokens/revoke", body: #"{"token":"garbage"}"#).status == 404)
            #expect(try node.ask("GET", "/users/a/disconnect").status == 405)
            #expect(try node.ask("POST", "/users/a").status == 405)
            #expect(try node.ask("GET", "/healthz").status == 200)
        }
    }

    // MARK: Clients

    @Test("a user is found on every transport, and told of with what is known")
    func describe() async throws {
        let token = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(token))
            let id = try session(of: socket)
            let stream = try node.eventStream("?channel=room/2&session=none&access_token=\(token)")
            try stream.begin()
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?channel=room/3&session=none", bearer(token))
            let other = try node.webSocket("?channel=room/1", fields: bearer(try AccessToken.of("bob")))
            try other.begin()
            try eventually("the poll is held") { node.metrics.hub.polls.value == 1 }
            let told = try ask(node, "GET", "/users/alice")
            #expect(
                told["user"] as? String == "alice" && told["count"] as? Int == 3 && told["complete"] as? Bool == true
            )
            let connections = try #require(told["connections"] as? [[String: Any]])
            #expect(Set(connections.compactMap { $0["transport"] as? String }).count == 3)
            #expect(connections.allSatisfy { $0["node"] as? String == "n1" && $0["user"] as? String == "alice" })
            #expect(connections.allSatisfy { $0["address"] as? String == "127.0.0.1" && $0["expires"] is Int })
            let own = try #require(connections.first { $0["session"] as? String == id })
            #expect(own["channels"] as? [String] == ["room/1"])
            #expect(try ask(node, "GET", "/users/carol")["count"] as? Int == 0)
            #expect(try ask(node, "GET", "/users/a%2Fb%20c")["user"] as? String == "a/b c")
        }
    }

    @Test(
        "who reads from an address is found and sent away, behind a proxy by what that says; who only asks is none of them"
    )
    func address() throws {
        try withNode {
            $0.trustedProxies = [AddressBlock("127.0.0.1")!]
        } _: { (node: TestNode) throws in
            func from(_ address: String) -> [(String, String)] { [("X-Forwarded-For", address)] }
            let socket = try node.webSocket("?channel=room/1", fields: from("2001:db8::7"))
            try socket.begin()
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?channel=room/3&session=none", from("2001:db8::7"))
            try eventually("the poll is held") { node.metrics.hub.polls.value == 1 }
            let other = try node.webSocket("?channel=room/1", fields: from("10.0.0.1"))
            try other.begin()
            let idle = try node.connect()
            #expect(try idle.ask("GET", "/healthz").status == 200)
            // However it is written.
            let told = try ask(node, "GET", "/addresses/2001:DB8:0::7")
            #expect(told["address"] as? String == "2001:db8:0:0:0:0:0:7" && told["count"] as? Int == 2, "\(told)")
            #expect(try ask(node, "GET", "/addresses/127.0.0.1")["count"] as? Int == 0)
            #expect(try ask(node, "POST", "/addresses/2001:db8::7/disconnect")["disconnected"] as? Int == 2)
            #expect(try socket.next("bye").code == 4_012)
            #expect(try poll.readAnswer().status == 401)
            try other.send(#"{"type":"ping","id":1}"#)
            #expect(try other.next("pong").id == 1)
        }
    }

    @Test("who is sent away for good is told so, and its session is over; whoever else stays")
    func disconnect() async throws {
        let (alice, bob) = (try AccessToken.of("alice"), try AccessToken.of("bob"))
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(alice))
            let token = try #require(try socket.next("welcome")["session"] as? String)
            try socket.next("subscribed")
            let stream = try node.eventStream("?channel=room/1&session=none&access_token=\(alice)")
            try stream.begin()
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?channel=room/1&session=none", bearer(alice))
            let other = try node.webSocket("?channel=room/1", fields: bearer(bob))
            try other.begin()
            try eventually("the poll is held") { node.metrics.hub.polls.value == 1 }
            #expect(try ask(node, "POST", "/users/alice/disconnect")["disconnected"] as? Int == 3)
            let bye = try socket.next("bye")
            #expect(bye.code == 4_012 && bye["reconnect"] as? Bool == false)
            #expect(try socket.nextClose().code == 4_012)
            #expect(try Message(stream.next("bye").data).code == 4_012)
            #expect(try poll.readAnswer().status == 401)
            let answer = try node.ask("GET", "/poll?session=\(token)&wait=0", bearer(alice))
            #expect(answer.status == 401 && answer.errorField == "session")
            let position = try node.ask("POST", "/channels/room%2F1", admin, body: "x").position
            #expect(try other.next("message").position == position)
        }
    }

    @Test("who is sent away to come back has its session, and misses nothing")
    func recall() async throws {
        let alice = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(alice))
            let token = try #require(try socket.next("welcome")["session"] as? String)
            try socket.next("subscribed")
            let told = try ask(node, "POST", "/users/alice/disconnect", body: #"{"reconnect":true}"#)
            #expect(told["disconnected"] as? Int == 1)
            let bye = try socket.next("bye")
            #expect(bye.code == 4_013 && bye["reconnect"] as? Bool == true)
            let missed = try node.ask("POST", "/channels/room%2F1", admin, body: "x").position
            let again = try node.webSocket("?session=\(token)", fields: bearer(alice))
            #expect(try again.next("welcome")["session"] as? String == token)
            #expect(try again.next("subscribed").isRecovered == true)
            #expect(try again.next("message").position == missed)
        }
    }

    @Test(
        "of a user's many connections each turn takes a slice, whether they are sent away or their tokens are taken back"
    )
    func many() async throws {
        let (alice, bob) = (try AccessToken.of("alice"), try AccessToken.of("bob"))
        try await withRules { (node: TestNode) throws in
            let count = 200
            func begin(_ token: String) throws -> [WebSocketClient] {
                let sockets = try (0..<count).map { _ in
                    try node.webSocket("?channel=room/1&session=none", fields: bearer(token))
                }
                for socket in sockets { try socket.begin() }
                return sockets
            }
            let other = try node.webSocket("?channel=room/1", fields: bearer(bob))
            try other.begin()
            // Three slices of 64 and what is left, on each of the reactors that has so many.
            func expectSlices(_ before: Int, _ what: String) {
                let turns = node.metrics.errandTurns.value - before
                #expect(turns > count / 64, "\(what): \(turns) turns")
            }
            var before = node.metrics.errandTurns.value
            var sockets = try begin(alice)
            #expect(try ask(node, "POST", "/users/alice/disconnect")["disconnected"] as? Int == count)
            for socket in sockets { #expect(try socket.next("bye").code == 4_012) }
            expectSlices(before, "sent away")
            sockets = try begin(alice)
            before = node.metrics.errandTurns.value
            #expect(try ask(node, "POST", "/tokens/revoke", body: #"{"user":"alice"}"#)["revoked"] as? Bool == true)
            for socket in sockets { #expect(try socket.next("bye").code == 4_010) }
            expectSlices(before, "revoked")
            try other.send(#"{"type":"ping","id":1}"#)
            #expect(try other.next("pong").id == 1)
        }
    }

    @Test("a WebSocket is subscribed and unsubscribed, and told so; what cannot be told is left alone")
    func subscribe() async throws {
        let alice = try AccessToken.of("alice")
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("", fields: bearer(alice))
            let id = try session(of: socket)
            let stream = try node.eventStream("?channel=room/1&session=none&access_token=\(alice)")
            try stream.begin()
            // What a backend decides need be allowed by no rule.
            let body = #"{"channel":"secret/1"}"#
            #expect(try ask(node, "POST", "/users/alice/subscribe", body: body)["subscribed"] as? Int == 1)
            #expect(try socket.next("subscribed").channel == "secret/1")
            #expect(try ask(node, "POST", "/users/alice/subscribe", body: body)["subscribed"] as? Int == 0)
            let position = try node.ask("POST", "/channels/secret%2F1", admin, body: "x").position
            #expect(try socket.next("message").position == position)
            let facts = try ask(node, "GET", "/sessions/\(id)")
            #expect(facts["node"] as? String == "n1")
            #expect((facts["connections"] as? [[String: Any]])?.first?["channels"] as? [String] == ["secret/1"])
            let told = try ask(node, "POST", "/sessions/\(id)/unsubscribe", body: body)
            #expect(told["unsubscribed"] as? Int == 1)
            #expect(try socket.next("unsubscribed").channel == "secret/1")
        }
    }

    @Test("a session is ended also while nobody is connected by it, and one that is not there is 404")
    func sessions() throws {
        try withNode { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=a")
            let token = try #require(try socket.next("welcome")["session"] as? String)
            let id = token.prefix { $0 != "." }
            try socket.next("subscribed")
            socket.client.close()
            try eventually("the session is let go of") { node.node.status.uplink.sessions.value == 0 }
            let facts = try json(node.ask("GET", "/sessions/\(id)"))
            #expect((facts["channels"] as? [[String: Any]])?.map { $0["channel"] as? String } == ["a"])
            #expect((facts["connections"] as? [Any])?.isEmpty == true)
            #expect(
                try json(node.ask("GET", "/sessions"))["sessions"] as? [[String: String]] == [
                    ["session": "\(id)", "node": "n1"]
                ]
            )
            #expect(try node.ask("POST", "/sessions/\(id)/disconnect").status == 200)
            #expect(try node.ask("GET", "/poll?session=\(token)&wait=0").status == 401)
            #expect(try node.ask("GET", "/sessions/\(id)").status == 404)
            #expect(try node.ask("POST", "/sessions/\(id)/disconnect").status == 404)
        }
    }

    @Test("pages of channels, sessions and nodes together have all, each once")
    func pages() throws {
        try withNode { (node: TestNode) throws in
            for number in 0..<25 { try node.publish("page/\(number)", "x") }
            try node.publish("other", "x")
            func all(_ target: String, _ kind: String) throws -> [[String: Any]] {
                var (items, next) = ([[String: Any]](), "")
                repeat {
                    let page = try json(node.ask("GET", "\(target)&after=\(next)"))
                    items += try #require(page[kind] as? [[String: Any]])
                    next = page["next"] as? String ?? ""
                } while !next.isEmpty
                return items
            }
            let found = try all("/channels?match=page/*&limit=10", "channels")
            #expect(Set(found.compactMap { $0["channel"] as? String }).count == 25 && found.count == 25)
            #expect(found.allSatisfy { $0["position"] is String })
            #expect(try all("/channels?limit=7", "channels").count == 26)
            #expect(try all("/channels?match=other", "channels").count == 1)
            #expect(try all("/channels?match=nothing/**", "channels").isEmpty)
            for _ in 0..<30 { try node.webSocket("?channel=a").begin() }
            #expect(try all("/sessions?limit=4", "sessions").count == 30)
            #expect(try all("/nodes?", "nodes").map { $0["node"] as? String } == ["n1"])
        }
    }

    // MARK: Tokens

    @Test(
        "a token that is taken back ends what it allowed, everywhere, and is not taken again",
        arguments: ["jti", "token", "user"]
    )
    func revoke(by means: String) async throws {
        let now = Date.now.timeIntervalSince1970
        func token(_ name: String, issued: Double) throws -> String {
            try AccessToken.make(["sub": "alice", "aud": "push", "jti": name, "exp": now + 3_600, "iat": issued])
        }
        let (bad, good) = (try token("t-1", issued: now - 60), try token("t-2", issued: now + 60))
        try await withRules { (node: TestNode) throws in
            let socket = try node.webSocket("?channel=room/1", fields: bearer(bad))
            try socket.begin()
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?channel=room/1&session=none", bearer(bad))
            let other = try node.webSocket("?channel=room/1", fields: bearer(good))
            try other.begin()
            try eventually("the poll is held") { node.metrics.hub.polls.value == 1 }
            let body =
                switch means {
                case "jti": #"{"jti":"t-1","expires":\#(Int(now) + 3_600)}"#
                case "token": #"{"token":"\#(bad)"}"#
                default: #"{"user":"alice"}"#
                }
            #expect(try ask(node, "POST", "/tokens/revoke", body: body)["revoked"] as? Bool == true)
            #expect(try socket.next("bye").code == 4_010)
            #expect(try poll.readAnswer().status == 401)
            try eventually("it is counted") { node.metrics.accessTokensRevoked.value == 2 }
            for target in ["/poll?channel=room/1&wait=0", "/channels/room%2F1/history", "/channels/room%2F1/presence"] {
                #expect(try node.ask("GET", target, bearer(bad)).status == 401)
                #expect(try node.ask("GET", target, bearer(good)).status == 200)
            }
            #expect(try node.ask("POST", "/channels/room%2F1", bearer(bad), body: "x").status == 401)
            let refused = try node.webSocket("?channel=room/1", fields: bearer(bad))
            try refused.next("bye")
            #expect(try refused.nextClose().code == 4_011)
            try other.send(#"{"type":"authenticate","id":1,"token":"\#(bad)"}"#)
            #expect(try other.next("error").code == 401)
            let position = try node.ask("POST", "/channels/room%2F1", bearer(good), body: "x").position
            #expect(try other.next("message").position == position)
        }
    }

    @Test("a client of Bayeux whose token is taken back may no more than one without")
    func revokeBayeux() async throws {
        let now = Date.now.timeIntervalSince1970
        let token = try AccessToken.make(["sub": "alice", "aud": "push", "jti": "b-1", "exp": now + 3_600])
        try await withRules { (node: TestNode) throws in
            let client = try BayeuxClient(node)
            try client.shakeHands(ext: ["token": token])
            #expect(try client.subscribe("/room/1")["successful"] as? Bool == true)
            _ = try client.connect()
            try client.hold()
            #expect(try ask(node, "GET", "/users/alice")["count"] as? Int == 1)
            _ = try ask(node, "POST", "/tokens/revoke", body: #"{"jti":"b-1","expires":\#(Int(now) + 3_600)}"#)
            let told = try #require(try client.readConnect().first)
            #expect(
                told["successful"] as? Bool == true
                    && (told["advice"] as? [String: Any])?["reconnect"] as? String == "none"
            )
            #expect(try client.subscribe("/room/2")["successful"] as? Bool == false)
            #expect(try client.publish("/room/1", 1)["successful"] as? Bool == false)
        }
    }

    // MARK: Description

    @Test("the description has all paths that there are for backends, and none besides")
    func description() throws {
        try withNode { (node: TestNode) throws in
            let answer = try node.ask("GET", "/openapi.json")
            #expect(answer.status == 200 && answer["Content-Type"] == "application/json")
            let paths = try #require(try json(answer)["paths"] as? [String: [String: Any]])
            let id = String(repeating: "a", count: 32)
            for (path, operations) in paths {
                let target = path.replacing("{channel}", with: "a").replacing("{user}", with: "alice")
                    .replacing("{session}", with: id).replacing("{address}", with: "10.1.2.3")
                let allowed = try #require(try node.ask("OPTIONS", target)["Allow"], "\(path)")
                let methods = Set(allowed.split(separator: ", ").map { $0.lowercased() }).subtracting([
                    "head", "options",
                ])
                #expect(methods == Set(operations.keys), "\(path)")
            }
            for request in Self.requests {
                let path = request.path.replacing("alice", with: "{user}").replacing(id, with: "{session}")
                    .replacing("10.1.2.3", with: "{address}")
                #expect(paths[path]?[request.method.lowercased()] != nil, "\(path)")
            }
        }
    }
}
