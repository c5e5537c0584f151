import Backplane
import Broker
import Edge
import Foundation
import Hooks
import Reactor
import Synchronization
import Testing
import Trust

/// What a backend is asked, over every transport.
@Suite("Hooks")
struct HookTests {
    private let key = [("Authorization", "Bearer a-key-for-tests")]

    // MARK: Connect

    @Test("who connects is whom the backend says, has the channels that it gives, and goes when it says")
    func identity() throws {
        let end = Int(Date.now.timeIntervalSince1970) + 3_600
        try withBackend([.connect]) {
            $0.hooks[.connect]?.fields = ["cookie", "x-tenant"]
        } answer: { _ in
            .json(#"{"allow":true,"user":"alice","info":{"n":"A"},"channels":["given/1"],"expires":\#(end)}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let fields = [("Cookie", "a=b"), ("X-Tenant", " t1 "), ("X-Other", "no")]
            let socket = try node.webSocket("?channel=room/1", fields: fields)
            let begun = try socket.begin(2)
            #expect(Set(begun.compactMap(\.channel)) == ["given/1", "room/1"])
            let stream = try node.eventStream("?channel=room/1", fields: fields)
            try stream.begin(2)
            #expect(try node.ask("GET", "/poll?channel=room/1&wait=0").status == 200)
            try node.publishWithKey("given/1", "x")
            #expect(try socket.next("message").channel == "given/1")

            let asked = backend.requests("connect")
            #expect(asked.map { $0.json["transport"] as? String } == ["websocket", "eventstream", "poll"])
            #expect(asked[0].json["fields"] as? [String: [String]] == ["cookie": ["a=b"], "x-tenant": ["t1"]])
            #expect(asked[0].json["channels"] as? [String] == ["room/1"])
            #expect(asked[0].json["address"] as? String == "127.0.0.1")
            #expect(asked[0].json["node"] as? String == "n1")
            #expect(asked[0].path == "/connect" && asked[0].method == "POST")
            #expect(asked[0].fields["content-type"] == "application/json")
        }
    }

    @Test("the backend is not told of what a browser sends along for a page that is not trusted by name")
    func fieldsOfPages() throws {
        try withBackend([.connect]) {
            $0.hooks[.connect]?.fields = ["cookie", "authorization", "x-tenant"]
            $0.answersScripts = true
            $0.allowedOrigins = ["*", "https://friend.example"]
        } answer: { _ in
            .json(#"{"allow":true,"user":"alice"}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let basic = [("Cookie", "a=b"), ("Authorization", "Basic YTpi"), ("X-Tenant", "t1")]
            func told(_ target: String, _ fields: [(String, String)]) throws -> [String: [String]]? {
                _ = try node.ask("GET", target, fields)
                return backend.requests("connect").last?.json["fields"] as? [String: [String]]
            }
            let poll = "/poll?channel=room/1&wait=0&session=none"
            let all = ["cookie": ["a=b"], "authorization": ["Basic YTpi"], "x-tenant": ["t1"]]
            let few = ["cookie": [], "authorization": [], "x-tenant": ["t1"]]
            #expect(try told(poll, basic) == all)
            #expect(try told(poll, basic + [("Origin", "https://friend.example")]) == all)
            #expect(try told(poll, basic + [("Origin", "https://evil.example")]) == few)
            #expect(try told(poll + "&callback=f", basic) == few)
            // A page that is not trusted may show a token that it has.
            let bearer = [("Authorization", "Bearer of-the-page"), ("Origin", "https://evil.example")]
            #expect(try told(poll, bearer)?["authorization"] == ["Bearer of-the-page"])
            let handshake = try BayeuxClient.json([BayeuxClient.handshake])
            let message = try #require(handshake.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            #expect(try told("/bayeux?message=\(message)", basic) == few)
            #expect(backend.requests("connect").count == 6)
        }
    }

    @Test("who showed a token that is taken back while the backend is asked does not come")
    func revokedMeanwhile() async throws {
        let token = try AccessToken.make(["sub": "alice", "aud": "push", "jti": "t"])
        let keys = try await TokenKey.hmac(AccessToken.secret, name: nil)
        let shown = [("Authorization", "Bearer \(token)")]
        let gate = HookBackend.Gate()
        try withBackend([.connect]) {
            $0.tokens.keys = keys
            $0.tokens.audience = "push"
            $0.hooks[.connect]?.timeoutMilliseconds = 20_000
        } answer: { _ in
            .once(gate, #"{"allow":true}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            defer { gate.open() }
            let (socket, stream, poll) = (try node.connect(), try node.connect(), try node.connect())
            try socket.sendRequest("GET", "/ws?channel=room/1", WebSocketClient.handshake + shown)
            try stream.sendRequest("GET", "/sse?channel=room/1", shown)
            try poll.sendRequest("GET", "/poll?channel=room/1", shown)
            try eventually("the backend is asked") { backend.requests("connect").count == 3 }
            let body = #"{"token":"\#(token)"}"#
            #expect(try node.ask("POST", "/tokens/revoke", key, body: body).status == 200)
            try eventually("it is known") { try node.ask("GET", "/channels/room%2F1", shown).status == 401 }
            gate.open()
            #expect(try socket.readHead().contains(" 101 "))
            #expect(try WebSocketClient(openedOn: socket).next("bye").code == 4_010)
            #expect(try stream.receive { stream.bufferText.contains("\"code\":4010") })
            #expect(try poll.readAnswer().status == 401)
        }
    }

    @Test("what the backend says ends when it says, with 4010")
    func expiry() throws {
        try withBackend([.connect]) { _ in
        } answer: { _ in
            .json(#"{"allow":true,"user":"alice","expires":\#(Date.now.timeIntervalSince1970 + 5)}"#)
        } _: { (node: TestNode, _: HookBackend) throws in
            let socket = try node.webSocket("?channel=room/1")
            try socket.begin()
            #expect(try socket.next("bye").code == 4_010)
        }
    }

    @Test("a poll of a session is known by it, and not asked about again")
    func pollSession() throws {
        try withBackend([.connect]) { _ in
        } answer: { _ in
            .json(#"{"allow":true,"user":"alice"}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let first = try node.ask("GET", "/poll?channel=room/1&wait=0")
            let token = try #require(first["Perseid-Session"])
            let cookie = [("Cookie", "perseid_node=n1")]
            for fields in [[], cookie] {
                #expect(try node.ask("GET", "/poll?channel=room/1&wait=0&session=\(token)", fields).status == 200)
            }
            #expect(backend.requests.count == 1)
        }
    }

    @Test("a session of a WebSocket is polled by whom the backend says that it is of, and by nobody else")
    func pollOfOther() throws {
        let user = Lock("alice")
        try withBackend([.connect]) { _ in
        } answer: { _ in
            .json(#"{"allow":true,"user":"\#(user.withLock { $0 })"}"#)
        } _: { (node: TestNode, _: HookBackend) throws in
            let socket = try node.webSocket("?channel=room/1")
            let token = try #require(try socket.next("welcome")["session"] as? String)
            try socket.next("subscribed")
            socket.close()
            #expect(try node.ask("GET", "/poll?channel=room/1&wait=0&session=\(token)").status == 200)
            user.withLock { $0 = "mallory" }
            let other = try node.webSocket("?channel=room/1&session=\(token)")
            #expect(try other.next("bye").code == 4_003)
        }
    }

    @Test("whom the backend refuses is told so, and comes back no more; nobody is a session")
    func refused() throws {
        try withBackend([.connect]) { _ in
        } answer: { _ in
            .no
        } _: { (node: TestNode, _: HookBackend) throws in
            #expect(try node.ask("GET", "/sse?channel=public/a").status == 403)
            #expect(try node.ask("GET", "/stream?channel=public/a").status == 403)
            #expect(try node.ask("GET", "/poll?channel=public/a&wait=0").status == 403)
            let socket = try node.webSocket("?channel=public/a")
            let bye = try socket.next("bye")
            #expect(bye.code == 4_014 && bye["reconnect"] as? Bool == false)
            #expect(try socket.nextClose().code == 4_014)
            let handshake = try BayeuxClient(node).post(BayeuxClient.json([BayeuxClient.handshake]))
            let reply = try BayeuxClient.messages(handshake)[0]
            #expect(reply.error?.hasPrefix("403") == true && reply.reconnect == "none")
            try eventually("it is counted") { node.node.status.uplink.sessions.value == 0 }
            // A backend's own key, and what reads nothing, are not asked about.
            #expect(try node.ask("GET", "/poll?channel=public/a&wait=0", key).status == 200)
            #expect(try node.ask("GET", "/channels/public%2Fa/history").status == 200)
        }
    }

    @Test(
        "Bayeux: who shakes hands is whom the backend says, and has the channels that it gives",
        arguments: [false, true]
    )
    func bayeuxIdentity(isSocket: Bool) throws {
        try withBackend([.connect]) { _ in
        } answer: { _ in
            .json(#"{"allow":true,"user":"alice","channels":["given/1"]}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            if isSocket {
                let client = try BayeuxSocketClient(ready: node)
                #expect(
                    try client.ask(["channel": "/meta/subscribe", "subscription": "/room/1"])
                        .reply("/meta/subscribe")?.isSuccessful == true
                )
                try node.publishWithKey("given/1", "\"x\"", json: true)
                #expect(try client.next().delivered == ["x"])
            } else {
                let client = try BayeuxClient(ready: node)
                #expect(try client.subscribe("/room/1").isSuccessful == true)
                try client.hold()
                try node.publishWithKey("given/1", "\"x\"", json: true)
                #expect(try client.readConnect().delivered == ["x"])
            }
            #expect(backend.requests.map { $0.json["transport"] as? String } == ["bayeux"])
        }
    }

    // MARK: Backends that fail

    @Test(
        "a backend that is not one refuses everybody, in time; or nobody, where that is said",
        arguments: [
            HookBackend.Reply.silence, .close, .bytes("rubbish\r\n\r\n"), .json("rubbish"), .json("{}"),
            .json("", status: 500),
            .json(#"{"allow":true}"#, status: 302, fields: "Location: /elsewhere\r\n"), .json("", status: 401),
            .json(#"{"allow":true,"x":"\#(String(repeating: "x", count: 300_000))"}"#),
            .drip("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"allow\":true}"),
            .bytes("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"allow\""),
            .bytes(
                "HTTP/1.1 200 OK\r\n"
                    + String(repeating: "X-Long: \(String(repeating: "y", count: 9_000))\r\n", count: 40)
            ),
        ]
    )
    func failures(_ reply: HookBackend.Reply) throws {
        for isAllowed in [false, true] {
            try withBackend([.connect, .subscribe, .publish, .call]) {
                for hook in HookName.allCases {
                    // Longer than a busy machine takes to have the backend asked at all.
                    $0.hooks[hook]?.timeoutMilliseconds = 1_000
                    $0.hooks[hook]?.breakerFailures = 1_000
                    $0.hooks[hook]?.allowsOnFailure = isAllowed && hook != .call
                }
            } answer: { _ in
                reply
            } _: { (node: TestNode, backend: HookBackend) throws in
                let start = monotonicMilliseconds
                #expect(try node.ask("GET", "/poll?channel=public/a&wait=0").status == (isAllowed ? 200 : 503))
                #expect(monotonicMilliseconds - start < 5_000)
                let published = try node.ask("POST", "/channels/hook%2F1", body: "x")
                #expect(published.status == (isAllowed ? 200 : 503))
                if !isAllowed { #expect(published["Retry-After"] != nil) }
                #expect(try node.ask("GET", "/channels/hook%2F1/history").status == (isAllowed ? 200 : 503))
                #expect(try node.ask("POST", "/calls/svc%2F1", body: "x").status == 503)
                if !isAllowed {
                    let socket = try node.webSocket("?channel=public/a")
                    #expect(try socket.next("bye").code == 4_015)
                    let stream = try node.eventStream("?channel=public/a")
                    try stream.next("welcome")
                    #expect(try stream.next("bye").message["reconnect"] as? Bool == true)
                }
                #expect(!backend.requests.contains { $0.path == "/elsewhere" })
                // The backend may read a question only once nobody waits for it any more.
                try eventually("each question to it is counted") {
                    let counted = node.node.status.hooks[.connect].failures.reduce(0) { $0 + $1.value }
                    return counted == backend.requests.count { $0.path == "/connect" }
                }
            }
        }
    }

    @Test("a backend that hangs costs its own questions: others are served meanwhile, and each is refused in its time")
    func hangs() throws {
        try withBackend([.connect]) {
            $0.hooks[.connect]?.timeoutMilliseconds = 10_000
            $0.hooks[.connect]?.requestsMax = 16
            $0.hooks[.connect]?.breakerFailures = 1_000
        } answer: { _ in
            .silence
        } _: { (node: TestNode, backend: HookBackend) throws in
            let live = try node.eventStream("?channel=public/a", fields: key)
            try live.begin()
            let waiting = try (0..<200).map { _ in try node.connect() }
            let start = monotonicMilliseconds
            for client in waiting { try client.sendRequest("GET", "/poll?channel=public/a&wait=0") }
            for number in 0..<20 {
                try node.publishWithKey("public/a", "\(number)")
                #expect(try live.next().data.contains("\"\(number)\""))
            }
            #expect(monotonicMilliseconds - start < 10_000, "nobody was refused yet")
            for client in waiting { #expect(try client.readAnswer().status == 503) }
            // Sixteen at a time, one after the other, would be two minutes.
            #expect(monotonicMilliseconds - start < 30_000)
            try eventually("it is counted") { node.node.status.hooks[.connect].failures(.timeout)?.value == 200 }
            // Who waited for nearly all of the time is asked about for what is left of it.
            #expect(backend.requests.count < 200)
        }
    }

    @Test("after failures in a row a backend is let alone, and one question tries it again")
    func breaker() throws {
        let isWell = Lock(false)
        try withBackend([.connect]) {
            $0.hooks[.connect]?.breakerFailures = 3
            // Longer than a busy machine takes for ten questions.
            $0.hooks[.connect]?.breakerMilliseconds = 5_000
        } answer: { _ in
            isWell.withLock { $0 } ? .yes : .json("", status: 500)
        } _: { (node: TestNode, backend: HookBackend) throws in
            func status() throws -> Int { try node.ask("GET", "/poll?channel=public/a&wait=0").status }
            for _ in 0..<10 { #expect(try status() == 503) }
            #expect(backend.requests.count == 3)
            // It is counted a moment behind the answer.
            try eventually("that is counted") { node.node.status.hooks[.connect].isOpen.value == 1 }
            isWell.withLock { $0 = true }
            try eventually("it is asked again") { try status() == 200 }
            try eventually("that is counted") { node.node.status.hooks[.connect].isOpen.value == 0 }
            try eventually("it is counted") { node.node.status.hooks[.connect].failures(.breaker)?.value ?? 0 >= 7 }
        }
    }

    // MARK: Subscribe

    @Test("a channel that is left to the backend is asked about each time it is begun with, over every transport")
    func subscribe() throws {
        try withBackend([.subscribe]) { _ in
        } answer: { request in
            request.channel == "hook/no" ? .no : .yes
        } _: { (node: TestNode, backend: HookBackend) throws in
            for path in ["/sse", "/stream"] {
                #expect(try node.ask("GET", "\(path)?channel=hook/no").status == 403)
                #expect(try node.ask("GET", "\(path)?channel=hook/yes&channel=hook/no").status == 403)
            }
            #expect(try node.ask("GET", "/poll?channel=hook/no&wait=0").status == 403)
            #expect(try node.ask("GET", "/poll?channel=hook/yes&wait=0").status == 200)
            try node.eventStream("?channel=hook/yes").begin()
            #expect(try node.ask("GET", "/channels/hook%2Fno/history").status == 403)
            #expect(try node.ask("GET", "/channels/hook%2Fyes/presence").status == 200)
            #expect(try node.ask("GET", "/channels/hook%2Fyes").status == 200)

            let socket = try node.webSocket("?channel=hook/yes&channel=hook/no&channel=public/a")
            try socket.next("welcome")
            #expect(try socket.next("error").code == 403)
            for _ in 0..<2 { try socket.next("subscribed") }
            try socket.send(#"{"type":"subscribe","id":1,"channel":"hook/no"}"#)
            let error = try socket.next("error")
            #expect(error.id == 1 && error.code == 403)
            try socket.send(#"{"type":"subscribe","id":2,"channel":"hook/**"}"#)
            #expect(try socket.next("subscribed").id == 2)
            #expect(backend.requests.last?.channel == "hook/**")

            let bayeux = try BayeuxClient(ready: node)
            #expect(try bayeux.subscribe("/hook/no").error?.hasPrefix("403") == true)
            #expect(try bayeux.subscribe(["/hook/yes", "/hook/no"]).isSuccessful == false)
            #expect(try bayeux.subscribe(["/hook/yes", "/public/a"]).isSuccessful == true)
            try bayeux.hold()
            try node.publishWithKey("hook/yes", "1", json: true)
            #expect(try bayeux.readConnect().delivered == ["1"])

            let actions = Set(backend.requests.compactMap { $0.json["action"] as? String })
            #expect(actions == ["subscribe", "history", "presence"])
        }
    }

    // MARK: Publish

    @Test("what is published is what the backend says, or nothing")
    func publish() throws {
        try withBackend([.publish]) { _ in
        } answer: { request in
            switch request.json["data"] as? String {
            case "no": .no
            case "other": .json(#"{"allow":true,"data":{"is":"other"}}"#)
            case "bytes": .json(#"{"allow":true,"data64":"AAE="}"#)
            default: .yes
            }
        } _: { (node: TestNode, backend: HookBackend) throws in
            let reader = try node.webSocket("?channel=hook/1", fields: key)
            try reader.begin()
            func seen() throws -> String {
                let message = try reader.next("message")
                return message.data ?? message.data64 ?? "\(message["data"] ?? "")"
            }
            #expect(try node.ask("POST", "/channels/hook%2F1", body: "no").status == 403)
            #expect(try node.ask("POST", "/channels/hook%2F1", body: "as it is").status == 200)
            #expect(try seen() == "as it is")
            #expect(try node.ask("POST", "/channels/hook%2F1", body: "bytes").status == 200)
            #expect(try seen() == "AAE=")
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(#"{"type":"publish","id":1,"channel":"hook/1","data":"no"}"#)
            #expect(try socket.next("error").code == 403)
            try socket.send(#"{"type":"publish","id":2,"channel":"hook/1","data":"other"}"#)
            #expect(try socket.next("published").id == 2)
            #expect(try seen().contains("other"))
            let bayeux = try BayeuxClient(ready: node)
            #expect(try bayeux.publish("/hook/1", "no").error?.hasPrefix("403") == true)
            #expect(try bayeux.publish("/hook/1", "other").isSuccessful == true)
            #expect(try seen().contains("other"))
            // A backend publishes as it likes, and what cannot be published is asked of nobody.
            let count = backend.requests.count
            try node.publishWithKey("hook/1", "no")
            #expect(try seen() == "no")
            let broken = try node.ask("POST", "/channels/hook%2F1", [("Content-Type", "application/json")], body: "{")
            #expect(broken.status == 400)
            #expect(backend.requests.count == count)
        }
    }

    @Test("lines of one body are published in their order, however late the backend says so to one of them")
    func lines() throws {
        let gate = HookBackend.Gate()
        try withBackend([.publish]) {
            $0.hooks[.publish]?.timeoutMilliseconds = 30_000
        } answer: { request in
            switch request.json["data"] as? String {
            case "1": .once(gate, #"{"allow":true}"#)
            case "4": .no
            default: .yes
            }
        } _: { (node: TestNode, backend: HookBackend) throws in
            let reader = try node.webSocket("?channel=hook/1&channel=public/a", fields: key)
            try reader.begin(2)
            let channels = ["hook/1", "hook/1", "public/a", "hook/1", "hook/1"]
            let lines = channels.enumerated().map { #"{"channel":"\#($1)","data":"\#($0 + 1)","id":\#($0 + 1)}"# }
            let client = try node.connect()
            try client.sendRequest("POST", "/publish", body: lines.joined(separator: "\n"))
            try eventually("all are asked about") { backend.requests.count == 4 }
            #expect(node.metrics.publishes.value == 0)
            gate.open()
            var text = ""
            _ = try client.receive {
                text += String(decoding: client.takeAll(), as: UTF8.self)
                return text.hasSuffix("0\r\n\r\n")
            }
            let ids = text.matches(of: /"id":(\d)/).compactMap { Int($0.1) }
            #expect(ids == [1, 2, 3, 4, 5])
            #expect(text.contains("403"))
            let seen = try (0..<4).map { _ in try reader.next("message") }
            #expect(seen.filter { $0.channel == "hook/1" }.map(\.data) == ["1", "2", "5"])
        }
    }

    // MARK: Order and ends

    @Test("a client's commands keep their order while one waits for the backend, and others do not wait")
    func order() throws {
        let gate = HookBackend.Gate()
        try withBackend([.subscribe]) {
            $0.hooks[.subscribe]?.timeoutMilliseconds = 30_000
        } answer: { _ in
            .once(gate, #"{"allow":false}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(
                #"[{"type":"subscribe","id":1,"channel":"hook/1"},{"type":"publish","id":2,"channel":"public/a","data":1}]"#
            )
            try socket.send(#"{"type":"ping","id":3}"#)
            try eventually("it is asked") { backend.requests.count == 1 }
            #expect(socket.client.isSilent(for: 0.2))
            let other = try node.webSocket("?channel=public/a")
            try other.begin()
            #expect(node.metrics.publishes.value == 0)
            gate.open()
            #expect(try socket.next("error").id == 1)
            let rest = [try socket.next(), try socket.next()]
            #expect(Set(rest.compactMap(\.id)) == [2, 3])
            #expect(try other.next("message").channel == "public/a")
        }
    }

    @Test(
        "a client that goes while the backend is asked about it leaves nothing behind",
        arguments: ["sse", "ws", "poll"]
    )
    func gone(_ path: String) throws {
        let gate = HookBackend.Gate()
        try withBackend([.connect, .subscribe, .publish]) {
            for hook in HookName.allCases { $0.hooks[hook]?.timeoutMilliseconds = 30_000 }
        } answer: { _ in
            .once(gate, #"{"allow":true}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let client = try node.connect()
            try client.sendRequest("GET", "/\(path)?channel=hook/1", path == "ws" ? WebSocketClient.handshake : [])
            let publisher = try node.connect()
            try publisher.sendRequest("POST", "/channels/hook%2F1", body: "x")
            try eventually("it is asked") { backend.requests.count == 2 }
            client.reset()
            publisher.reset()
            try eventually("they are gone") { node.metrics.httpConnections.value == 0 }
            gate.open()
            try eventually("it was answered") { node.node.status.hooks[.connect].allowed.value == 1 }
            try eventually("it was answered") { node.node.status.hooks[.publish].allowed.value == 1 }
            #expect(try node.ask("GET", "/healthz").status == 200)
            #expect(backend.requests("subscribe").isEmpty && node.metrics.publishes.value == 0)
            try eventually("it is counted") { node.node.status.uplink.sessions.value == 0 }
        }
    }

    @Test("a node that ends lets those go who wait for a backend, in its time")
    func drain() throws {
        let backend = try HookBackend { _ in .silence }
        defer { backend.stop() }
        var configuration = EdgeConfiguration()
        configuration.port = 0
        configuration.limits.drainMilliseconds = 500
        configuration.hooks[.connect] = HookPolicy(url: backend.url())
        configuration.hooks[.connect]?.timeoutMilliseconds = 60_000
        let node = try TestNode(configuration)
        let clients = try (0..<20).map { _ in try node.connect() }
        for client in clients { try client.sendRequest("GET", "/sse?channel=a") }
        try eventually("they wait") { node.node.status.hooks[.connect].underWay.value == 20 }
        let start = monotonicMilliseconds
        node.node.stop()
        #expect(monotonicMilliseconds - start < 10_000)
        for client in clients { #expect(client.ends()) }
    }

    @Test("more questions than may wait are refused at once")
    func full() throws {
        let gate = HookBackend.Gate()
        try withBackend([.connect]) {
            $0.hooks[.connect]?.timeoutMilliseconds = 30_000
            $0.hooks[.connect]?.requestsMax = 1
            $0.hooks[.connect]?.waitingMax = 2
        } answer: { _ in
            .once(gate, #"{"allow":true}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let clients = try (0..<10).map { _ in try node.connect() }
            try clients[0].sendRequest("GET", "/poll?channel=public/a&wait=0")
            // Only then it is certain that it does not wait itself.
            try eventually("the first is asked about") { backend.requests.count == 1 }
            for client in clients[1...] { try client.sendRequest("GET", "/poll?channel=public/a&wait=0") }
            try eventually("the others are told") { node.node.status.hooks[.connect].failures(.busy)?.value ?? 0 >= 7 }
            gate.open()
            let answers = try clients.map { try $0.readAnswer().status }
            #expect(answers.count { $0 == 200 } == 3 && answers.count { $0 == 503 } == 7)
        }
    }

    @Test("a time that is shorter from now on is over for those who wait, and the node goes on")
    func shorterTime() throws {
        let gate = HookBackend.Gate()
        let time: UInt64 = 60_000
        try withBackend([.connect]) {
            $0.hooks[.connect]?.timeoutMilliseconds = time
            $0.hooks[.connect]?.requestsMax = 1
        } answer: { _ in
            .once(gate, #"{"allow":true}"#)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let clients = try (0..<4).map { _ in try node.connect() }
            for client in clients { try client.sendRequest("GET", "/poll?channel=public/a&wait=0") }
            try eventually("one is asked about") { node.node.status.hooks[.connect].underWay.value == 1 }
            try eventually("the others wait") { node.node.status.hooks[.connect].waiting.value == 3 }
            var changed = EdgeConfiguration()
            changed.hooks[.connect] = HookPolicy(url: backend.url("/connect"))
            changed.hooks[.connect]?.timeoutMilliseconds = 1
            let start = monotonicMilliseconds
            node.node.change(to: changed)
            try eventually("the others are told") { node.node.status.hooks[.connect].failures(.timeout)?.value == 3 }
            #expect(monotonicMilliseconds - start < Double(time) / 2)
            gate.open()
            let answers = try clients.map { try $0.readAnswer().status }
            #expect(answers.sorted() == [200, 503, 503, 503])
        }
    }

    @Test(
        "a question that there is no room for is one that the backend did not answer, and means what that means",
        arguments: [true, false],
        [true, false]
    )
    func noRoom(isAllowed: Bool, isForCount: Bool) throws {
        try withBackend([.connect, .subscribe, .publish, .call]) {
            if isForCount { $0.limits.hookQuestionsMax = 0 } else { $0.limits.hookBytesMax = 1 }
            for hook in HookName.allCases { $0.hooks[hook]?.allowsOnFailure = isAllowed && hook != .call }
        } answer: { _ in
            .yes
        } _: { (node: TestNode, backend: HookBackend) throws in
            let expected = isAllowed ? 200 : 503
            #expect(try node.ask("GET", "/poll?channel=public/a&wait=0").status == expected)
            #expect(try node.ask("POST", "/channels/hook%2F1", body: "x").status == expected)
            #expect(try node.ask("GET", "/channels/hook%2F1/history").status == expected)
            #expect(try node.ask("POST", "/calls/svc%2F1", body: "x").status == 503)
            #expect(node.metrics.hookQuestionsRefused.value == 4)
            #expect(backend.requests.isEmpty)
        }
    }

    // MARK: Calls

    @Test("a service is asked over WebSocket, HTTP and Bayeux, and answers who asked")
    func calls() throws {
        try withBackend([.call]) { _ in
        } answer: { request in
            switch request.json["data"] as? String {
            case "no": .json(#"{"error":"not now","code":409}"#)
            default: .json("{\"data\":{\"echo\":\n\"\(request.json["data"] ?? "-")\",\"of\":\"\(request.channel)\"}}")
            }
        } _: { (node: TestNode, backend: HookBackend) throws in
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(#"{"type":"call","id":1,"channel":"svc/x","data":"hello"}"#)
            let result = try socket.next("result")
            #expect(result.id == 1 && result.channel == "svc/x")
            #expect((result["data"] as? [String: String])?["echo"] == "hello")
            try socket.send(#"{"type":"call","id":2,"channel":"svc/x","data":"no"}"#)
            let error = try socket.next("error")
            #expect(error.id == 2 && error.code == 409 && error.text.contains("not now"))
            try socket.send(#"{"type":"call","id":3,"channel":"svc/x"}"#)
            #expect(try socket.next("result").id == 3)
            try socket.send(#"{"type":"call","id":4,"channel":"room/1","data":1}"#)
            #expect(try socket.next("error").code == 403)

            let answer = try node.ask("POST", "/calls/svc/x", body: "hello")
            #expect(answer.status == 200 && answer.text.contains(#""echo": "hello""#), "\(answer.text)")
            let refused = try node.ask("POST", "/calls/svc/x", body: "no")
            #expect(refused.status == 409 && refused.text.contains("not now"))
            #expect(try node.ask("POST", "/calls/other", body: "x").status == 403)
            #expect(try node.ask("GET", "/calls/svc/x").status == 405)
            #expect(try node.ask("POST", "/calls/svc/*", body: "x").status == 400)
            let foreign = [("Origin", "https://evil.example")]
            #expect(try node.ask("POST", "/calls/svc/x", foreign, body: "x").status == 403)

            let bayeux = try BayeuxClient(ready: node)
            let both = try bayeux.ask(
                ["channel": "/service/x", "data": "hello", "id": "77"],
                ["channel": "/service/x", "data": "no"],
                ["channel": "/public/a", "data": 1]
            )
            #expect(both.filter { $0["successful"] == nil }.map { $0["id"] as? String } == ["77"])
            #expect(both.compactMap(\.isSuccessful) == [true, false, true])
            #expect(both.compactMap(\.error) == ["409::not now"])
            let ofSocket = try BayeuxSocketClient(ready: node)
            let said = try ofSocket.ask(["channel": "/service/x", "data": "hello"])
            #expect(said.contains { ($0["data"] as? [String: String])?["of"] == "service/x" })
            #expect(backend.requests.last?.json["transport"] as? String == "bayeux")
        }
    }

    @Test("without a backend there are no services")
    func noServices() throws {
        try withNode { (node: TestNode) throws in
            #expect(try node.ask("POST", "/calls/x", body: "1").status == 404)
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(#"{"type":"call","id":1,"channel":"x","data":1}"#)
            #expect(try socket.next("error").code == 404)
        }
    }

    // MARK: Disconnect

    @Test(
        "that a reader with a name or a session is gone is told, with why; also while the backend is away for a moment"
    )
    func disconnect() throws {
        let isWell = Lock(false)
        try withBackend([.connect, .disconnect]) {
            $0.hooks[.disconnect]?.breakerMilliseconds = 100
            $0.hooks[.disconnect]?.breakerFailures = 1
        } answer: { request in
            if request.path == "/connect" { return .json(#"{"allow":true,"user":"alice"}"#) }
            return isWell.withLock { $0 } ? .json("") : .json("", status: 500)
        } _: { (node: TestNode, backend: HookBackend) throws in
            let socket = try node.webSocket("?channel=room/1")
            try socket.begin()
            let stream = try node.eventStream("?channel=room/1&session=none")
            try stream.begin()
            let withKey = try node.eventStream("?channel=room/1", fields: key)
            try withKey.begin()
            #expect(try node.ask("GET", "/poll?channel=room/1&wait=0").status == 200)
            socket.close()
            stream.close()
            withKey.close()
            try eventually("it is told in vain") { !backend.requests("disconnect").isEmpty }
            isWell.withLock { $0 = true }
            try eventually("it is told") { node.node.status.hooks[.disconnect].allowed.value == 2 }
            let told = backend.requests("disconnect").suffix(2)
            #expect(told.allSatisfy { $0.user == "alice" && $0.json["reason"] as? String == "closed" })
            #expect(Set(told.map { $0.json["transport"] as? String }) == ["websocket", "eventstream"])
            #expect(told.count { $0.json["session"] != nil } == 1)
        }
    }

    @Test("a node that ends tells of all its readers before it is gone")
    func disconnectAtEnd() throws {
        let backend = try HookBackend { request in
            request.path == "/connect" ? .json(#"{"allow":true,"user":"alice"}"#) : .json("")
        }
        defer { backend.stop() }
        var configuration = EdgeConfiguration()
        configuration.port = 0
        configuration.limits.drainMilliseconds = 500
        for hook in [HookName.connect, .disconnect] {
            configuration.hooks[hook] = HookPolicy(url: backend.url("/\(hook.rawValue)"))
            // For so long it waits at its end until all is told.
            configuration.hooks[hook]?.timeoutMilliseconds = 30_000
        }
        let node = try TestNode(configuration)
        let sockets = try (0..<50).map { _ in try node.webSocket("?channel=a") }
        for socket in sockets { try socket.begin() }
        node.node.stop()
        let told = backend.requests("disconnect")
        #expect(told.count == 50)
        #expect(told.allSatisfy { $0.json["reason"] as? String == "the node is going away" })
    }

    // MARK: Requests

    @Test("requests are signed, and connections are kept")
    func requests() throws {
        try withBackend([.publish]) {
            $0.hooks[.publish]?.secrets = [Array("a secret of this test".utf8)]
        } answer: { _ in
            .yes
        } _: { (node: TestNode, backend: HookBackend) throws in
            for _ in 0..<5 { #expect(try node.ask("POST", "/channels/hook%2F1", body: "x").status == 200) }
            let all = backend.requests
            #expect(Set(all.map(\.connection)).count == 1)
            for request in all {
                #expect(request.fields["perseid-hook"] == "publish")
                let seconds = try #require(UInt64(request.fields["perseid-timestamp"] ?? ""))
                #expect(abs(Date.now.timeIntervalSince1970 - Double(seconds)) < 60)
                var policy = HookPolicy(url: "http://127.0.0.1/")
                policy.secrets = [Array("a secret of this test".utf8)]
                let expected = HookFields.all(.publish, policy, body: request.body, seconds: seconds)
                #expect(expected.contains("Perseid-Signature: \(request.fields["perseid-signature"] ?? "")"))
            }
        }
    }

    @Test("backends are others from the next question on, without letting anybody go")
    func change() throws {
        let other = try HookBackend { _ in .no }
        defer { other.stop() }
        try withBackend([.subscribe]) { _ in
        } answer: { _ in
            .yes
        } _: { (node: TestNode, _: HookBackend) throws in
            let reader = try node.webSocket("?channel=hook/1")
            try reader.begin()
            var changed = EdgeConfiguration()
            changed.apiKeys = ["a-key-for-tests"].map(APIKey.init(secret:))
            changed.rules = AccessRules([
                AccessRules.Rule(channels: AccessPattern("**")!, permissions: [.subscribe: .hook, .publish: .anyone])
            ])
            changed.hooks[.subscribe] = HookPolicy(url: other.url())
            node.node.change(to: changed)
            try eventually("the other is asked") { try node.ask("GET", "/poll?channel=hook/1&wait=0").status == 403 }
            try node.publishWithKey("hook/1", "x")
            #expect(try reader.next("message").data == "x")
        }
    }
}

extension TestNode {
    /// Publishes as a backend does.
    func publishWithKey(_ channel: String, _ body: String, json: Bool = false) throws {
        let fields =
            [("Authorization", "Bearer a-key-for-tests")] + (json ? [("Content-Type", "application/json")] : [])
        let name = channel.replacing("/", with: "%2F")
        let answer = try ask("POST", "/channels/\(name)", fields, body: body)
        guard answer.status == 200 else { throw TestFailure("publish: \(answer.status) \(answer.text)") }
    }
}
