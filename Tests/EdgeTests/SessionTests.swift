import Backplane
import Broker
import Edge
import Foundation
import Hub
import Testing
import Wire

@Suite("Sessions")
struct SessionTests {
    private static var token: Regex<Substring> { /[0-9a-f]{32}\.[0-9a-f]{32}/ }

    /// A WebSocket and the token it was welcomed with.
    private func open(_ node: TestNode, _ query: String) throws -> (socket: WebSocketClient, token: String) {
        let socket = try node.webSocket(query)
        let token = try socket.next("welcome")["session"] as? String
        return (socket, try #require(token))
    }

    // MARK: Tokens

    @Test("a WebSocket's welcome names a token, each its own; none is made where it is declined or cannot be told")
    func welcome() throws {
        try withNode { node in
            let tokens = try (0..<3).map { _ in try open(node, "?channel=a").token }
            for token in tokens { #expect(token.wholeMatch(of: Self.token) != nil) }
            #expect(Set(tokens).count == 3)
            let socket = try node.webSocket("?channel=a&session=none")
            #expect(try socket.next("welcome")["session"] == nil)
            _ = try node.webSocket("?channel=a&format=raw")
            #expect(try node.ask("HEAD", "/sse?channel=a")["Perseid-Session"] == nil)
            try eventually("it is counted") { node.node.status.uplink.sessionsOpened.value == 3 }
        }
    }

    @Test("streams and polls have it in a field of their head, streams in their welcome, too")
    func fields() throws {
        try withNode {
            $0.limits.pollMilliseconds = 250
        } _: { node in
            let stream = try node.eventStream("?channel=a")
            let field = try #require(stream.head["Perseid-Session"])
            #expect(field.wholeMatch(of: Self.token) != nil)
            #expect(try stream.next("welcome").message["session"] as? String == field)
            let lines = try node.jsonStream("?channel=a")
            #expect(try lines.next("welcome")["session"] as? String == lines.head["Perseid-Session"])
            let poll = try node.ask("GET", "/poll?channel=a")
            #expect(poll["Perseid-Session"]?.wholeMatch(of: Self.token) != nil)
            let cursor = try #require(try poll.json["cursor"] as? String)
            let stateless = try node.ask("GET", "/poll?channel=a&cursor=\(cursor)")
            #expect(stateless["Perseid-Session"] == nil, "a client that goes on without one needs none")
            for path in ["/sse", "/stream"] {
                let client = try node.connect()
                try client.sendRequest("GET", "\(path)?channel=a&session=none")
                let head = try client.readHead()
                #expect(!head.contains("Perseid-Session") && !head.contains("Set-Cookie"))
            }
        }
    }

    @Test(
        "what is no token, or nobody's, is refused in words",
        arguments: ["x", "", "none.none", String(repeating: "0", count: 65), "UNKNOWN", "SECRET", "UPPER"]
    )
    func refused(_ kind: String) throws {
        try withNode { node in
            let real = try open(node, "?channel=a").token
            let strange = String(repeating: "ab", count: 16)
            let token =
                switch kind {
                case "UNKNOWN": "\(strange).\(strange)"
                case "SECRET": "\(real.prefix(32)).\(strange)"
                case "UPPER": real.uppercased()
                default: kind
                }
            let socket = try node.webSocket("?channel=a&session=\(token)")
            let bye = try socket.next("bye")
            #expect(bye.code == 4_003 && bye["reconnect"] as? Bool == false)
            #expect(try socket.nextClose().code == 4_003)
            for path in ["/sse", "/stream", "/poll"] {
                let answer = try node.ask("GET", "\(path)?channel=a&session=\(token)")
                #expect(answer.status == 401)
                #expect(answer.errorField == "session")
                #expect(answer["WWW-Authenticate"] != nil)
            }
            try eventually("it is counted") { node.metrics.tokensRefused.value == 4 }
        }
    }

    @Test("a right token is taken while hundreds of wrong ones come from the same address")
    func wrongTokensHarmNobody() throws {
        try withNode { node in
            let token = try open(node, "?channel=a").token
            let strange = String(repeating: "ab", count: 16)
            let stranger = try node.connect()
            for _ in 0..<300 {
                #expect(try stranger.ask("GET", "/poll?channel=a&session=\(strange).\(strange)").status == 401)
            }
            try eventually("it is counted") { node.metrics.tokensRefused.value == 300 }
            let client = try node.connect()
            try client.sendRequest("GET", "/sse?channel=a&session=\(token)")
            #expect(try client.readHead().hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("a session does not grow with each request that shows its token")
    func sessionIsBounded() throws {
        try withNode {
            $0.limits.channelsPerConnectionMax = 8
        } _: { node in
            let client = try node.connect()
            func query(_ numbers: Range<Int>) -> String { numbers.map { "channel=c\($0)" }.joined(separator: "&") }
            let first = try client.ask("GET", "/poll?\(query(0..<8))&cursor=c0@1-0")
            #expect(first.status == 200)
            try client.sendRequest("GET", "/poll?channel=c0")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("c0", "x")
            let opened = try client.readAnswer()
            let token = try #require(opened["Perseid-Session"])
            for round in 0..<4 {
                let numbers = (8 * round + 8)..<(8 * round + 16)
                let answer = try client.ask("GET", "/poll?\(query(numbers))&session=\(token)")
                #expect(answer.status == 400)
                #expect(answer.errorField == "channel")
            }
        }
    }

    @Test("sessions opened and abandoned are limited by address, and a client without one is served")
    func abandoned() throws {
        try withNode {
            $0.limits.sessionsPerAddressMax = 5
        } _: { node in
            var sessions = 0
            for _ in 0..<20 {
                let socket = try node.webSocket("?channel=a")
                let welcome = try socket.next("welcome")
                if welcome["session"] != nil { sessions += 1 }
                try socket.next("subscribed")
                socket.close()
            }
            #expect(sessions == 5)
            try eventually("it is counted") { node.metrics.sessionsUnopened.value == 15 }
        }
    }

    @Test("a session that nobody came back to in time is gone")
    func expired() throws {
        try withNode {
            $0.limits.resumeMilliseconds = 250
        } _: { node in
            let (socket, token) = try open(node, "?channel=a")
            try socket.next("subscribed")
            socket.close()
            try eventually("it is let go of") { node.node.status.uplink.sessions.value == 0 }
            // Its time to live.
            usleep(300_000)
            #expect(try node.ask("GET", "/poll?channel=a&session=\(token)&cursor=a@1-0").status == 401)
        }
    }

    // MARK: Resuming

    @Test("a session brings its subscriptions, with the client's cursor exactly, on each transport")
    func resumes() throws {
        try withNode { node in
            let (socket, token) = try open(node, "?channel=a&channel=b")
            for _ in 0..<2 { try socket.next("subscribed") }
            try socket.send(#"{"type":"subscribe","id":1,"channel":"c"}"#)
            try socket.next("subscribed")
            try socket.send(#"{"type":"unsubscribe","id":2,"channel":"b"}"#)
            try socket.next("unsubscribed")
            let seen = try node.publish("a", "seen")
            try socket.next("message")
            socket.close()
            let missed = try node.publish("a", "missed")
            try node.publish("c", "too")

            let again = try node.webSocket("?session=\(token)&cursor=a@\(seen)")
            #expect(try again.next("welcome")["session"] as? String == token)
            var got: [String] = []
            for _ in 0..<4 {
                let message = try again.next()
                got.append([message.type, message.channel ?? "", message.data ?? ""].joined(separator: " "))
                if message.type == "subscribed" { #expect(message.isRecovered == true) }
            }
            #expect(got.sorted() == ["message a missed", "message c too", "subscribed a ", "subscribed c "])
            again.close()

            let stream = try node.eventStream("?session=\(token)&cursor=a@\(missed)")
            try stream.begin(2)
            #expect(try stream.next().message.data == "too")
            stream.close()
            let lines = try node.jsonStream("?session=\(token)&cursor=a@\(seen)")
            try lines.next("welcome")
            for _ in 0..<2 { #expect(try lines.next("subscribed").isRecovered == true) }
            #expect(Set(try (0..<2).map { _ in try lines.next().data }) == ["missed", "too"])
            lines.client.close()
            let poll = try node.ask("GET", "/poll?session=\(token)&cursor=a@\(missed)")
            #expect(
                try (poll.json["publications"] as? [[String: Any]])?.compactMap { $0["data"] as? String } == ["too"]
            )
        }
    }

    @Test("a session without subscriptions is nothing to stream or to poll")
    func nothing() throws {
        try withNode { node in
            let (socket, token) = try open(node, "")
            socket.close()
            for path in ["/sse", "/stream", "/poll"] {
                #expect(try node.ask("GET", "\(path)?session=\(token)").errorField == "channel")
            }
            let again = try node.webSocket("?session=\(token)")
            try again.next("welcome")
        }
    }

    @Test(
        "without a cursor it goes on behind what the client confirmed: nothing it may not have is left out",
        arguments: [true, false]
    )
    func checkpoints(confirms: Bool) throws {
        try withNode {
            $0.limits.checkpointMilliseconds = 250
        } _: { node in
            let (socket, token) = try open(node, "?channel=a")
            try socket.next("subscribed")
            try node.publish("a", "first")
            try socket.next("message")
            let ping = try socket.nextFrame()
            guard case .ping(let payload)? = ping else {
                throw TestFailure("no checkpoint: \(String(describing: ping))")
            }
            if confirms {
                try socket.send(.pong, payload)
                try eventually("it is written") { node.metrics.hub.checkpoints.value == 1 }
            } else {
                // Of an earlier checkpoint, or of no one's.
                try socket.send(.pong, [0, 0, 0, 0])
                try socket.send(.pong, Array("something else".utf8))
            }
            try node.publish("a", "second")
            // Checkpoints that come meanwhile are not answered.
            while true { if case .text? = try socket.nextFrame() { break } }
            socket.close()
            let again = try node.webSocket("?session=\(token)")
            try again.next("welcome")
            #expect(try again.next("subscribed").isRecovered == true)
            if !confirms { #expect(try again.next("message").data == "first") }
            #expect(try again.next("message").data == "second")
        }
    }

    @Test("a checkpoint comes once in an interval, however few connections there are")
    func checkpointInterval() throws {
        try withNode {
            $0.limits.checkpointMilliseconds = 60_000
        } _: { node in
            let (socket, _) = try open(node, "?channel=a")
            try socket.next("subscribed")
            try node.publish("a", "x")
            try socket.next("message")
            // Time in which nothing must happen: a fraction of the interval, and several ticks.
            #expect(socket.client.isSilent(for: 1.5))
        }
    }

    @Test("a stream's checkpoint is what its reader's system has had for a while")
    func streamCheckpoints() throws {
        try withNode {
            $0.limits.checkpointMilliseconds = 250
        } _: { node in
            let stream = try node.eventStream("?channel=a&channel=b")
            try stream.begin(2)
            let token = try #require(stream.head["Perseid-Session"])
            try node.publish("a", "first")
            try stream.next()
            try eventually("its progress is written") { node.metrics.hub.checkpoints.value == 1 }
            stream.close()
            try node.publish("a", "second")
            try node.publish("b", "third")
            let again = try node.eventStream("?session=\(token)")
            try again.begin(2)
            #expect(try again.next().message.data == "second")
            #expect(try again.next().message.data == "third")
        }
    }

    @Test("the last checkpoint is the answer to bye")
    func farewell() throws {
        try withNode {
            $0.limits.drainMilliseconds = 10_000
        } _: { node in
            let (socket, _) = try open(node, "?channel=a")
            try socket.next("subscribed")
            let stream = try node.eventStream("?channel=a")
            try stream.begin()
            try node.publish("a", "first")
            try socket.next("message")
            try stream.next()
            let running = node.node
            let ending = Thread { running.stop() }
            ending.start()
            try socket.next("bye")
            #expect(try socket.nextClose().code == 4_000)
            try socket.sendClose(4_000)
            socket.close()
            try stream.next("bye")
            _ = try stream.nextOrEnd()
            stream.close()
            try eventually("both are written") { node.metrics.hub.checkpoints.value == 2 }
            try eventually("it ends") { ending.isFinished }
        }
    }

    // MARK: Take-over

    @Test(
        "a resume wins over the old connection, dead or alive, on each transport; the old one is told, and does not fight back"
    )
    func takeOver() throws {
        try withNode {
            $0.reactorCount = 2
        } _: { node in
            let (socket, token) = try open(node, "?channel=a")
            try socket.next("subscribed")
            let stream = try node.eventStream("?session=\(token)")
            try stream.begin()
            let bye = try socket.next("bye")
            #expect(bye.code == 4_001 && bye["reconnect"] as? Bool == false)
            #expect(try socket.nextClose().code == 4_001)
            let lines = try node.jsonStream("?session=\(token)")
            try lines.next("welcome")
            try lines.next("subscribed")
            #expect(try stream.next("bye").message.code == 4_001)
            #expect(try stream.nextOrEnd() == nil)
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?session=\(token)")
            #expect(try lines.next("bye").code == 4_001)
            try eventually("it is held") { node.node.status.reactors.reduce(0) { $0 + $1.hub.polls.value } == 1 }
            let last = try node.webSocket("?session=\(token)")
            try last.begin()
            #expect(try poll.readAnswer().status == 409)
            try node.publish("a", "x")
            #expect(try last.next("message").data == "x")
            try eventually("one is left") { node.node.status.uplink.sessions.value == 1 }
            try eventually("it is counted") { node.node.status.uplink.sessionsTaken.value == 4 }
        }
    }

    @Test(
        "two tabs with one token do not take the session from each other for ever: a browser that lost it is told to stay"
    )
    func staysAway() throws {
        try withNode { node in
            let first = try node.eventStream("?channel=a")
            let token = try #require(try first.next("welcome").message["session"] as? String)
            try first.next("subscribed")
            let second = try node.eventStream("?format=raw&session=\(token)")
            let bye = try first.next("bye")
            #expect(bye.id == "!4001")
            #expect(try bye.message.code == 4_001)
            #expect(try first.nextOrEnd() == nil)
            // One that is sent payloads only is told so without an event.
            try node.eventStream("?session=\(token)").begin()
            #expect(try second.nextOrEnd() == nil)
            #expect(second.lastEventID == "!4001")
            for (query, fields) in [("?session=\(token)", [("Last-Event-ID", bye.id)]), ("?lastEventId=!4001", [])] {
                let answer = try node.ask("GET", "/sse\(query)", fields)
                #expect(answer.status == 204 && answer.body.isEmpty)
                #expect(answer["Content-Length"] == nil)
            }
            try node.publish("a", "x")
            // Elsewhere it is no cursor.
            #expect(try node.ask("GET", "/stream?channel=a&cursor=!4001").status == 400)
        }
    }

    @Test("a poll finds its session in memory, and a later one takes the place of one that is held")
    func polls() throws {
        try withNode {
            $0.limits.pollMilliseconds = 30_000
            $0.reactorCount = 2
        } _: { node in
            let position = try node.publish("a", "first")
            try node.publish("a", "second")
            let first = try node.connect()
            try first.sendRequest("GET", "/poll?channel=a")
            try eventually("it is held") { node.node.status.reactors.reduce(0) { $0 + $1.hub.polls.value } == 1 }
            try node.publish("a", "third")
            let answer = try first.readAnswer()
            let token = try #require(answer["Perseid-Session"])
            let cursor = try #require(try answer.json["cursor"] as? String)
            let affinity = [("Cookie", "perseid_node=n1")]
            let held = try node.connect()
            try held.sendRequest("GET", "/poll?session=\(token)&cursor=\(cursor)", affinity)
            try eventually("it is held") { node.node.status.reactors.reduce(0) { $0 + $1.hub.polls.value } == 1 }
            // From the beginning, so that it is answered at once.
            let next = try node.ask("GET", "/poll?session=\(token)&cursor=a@\(position)", affinity)
            #expect(try (next.json["publications"] as? [[String: Any]])?.count == 2)
            #expect(next["Perseid-Session"] == token)
            let displaced = try held.readAnswer()
            #expect(displaced.status == 409 && displaced.errorField == "session")
            #expect(node.node.status.uplink.sessionsResumed.value == 0)
            try eventually("it is counted") { node.node.status.uplink.sessionsFound.value == 2 }
        }
    }

    @Test("without a cursor a poll goes on behind what was confirmed by one")
    func pollCheckpoints() throws {
        try withNode { node in
            let first = try node.connect()
            try first.sendRequest("GET", "/poll?channel=a")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            let position = try node.publish("a", "first")
            let token = try #require(try first.readAnswer()["Perseid-Session"])
            func payloads(_ query: String) throws -> [String]? {
                let answer = try node.ask("GET", "/poll?session=\(token)\(query)")
                return try (answer.json["publications"] as? [[String: Any]])?.compactMap { $0["data"] as? String }
            }
            #expect(try payloads("") == ["first"], "the answer may have been lost")
            try node.publish("a", "second")
            #expect(try payloads("&cursor=a@\(position)") == ["second"])
            #expect(try payloads("") == ["second"])
        }
    }

    @Test("an aborted poll is let go of at once, and its session stays")
    func abortedPoll() throws {
        try withNode { node in
            let first = try node.connect()
            try first.sendRequest("GET", "/poll?channel=a")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            first.close()
            try eventually("it is let go of") { node.metrics.hub.polls.value == 0 }
            try eventually("it is counted") { node.node.status.uplink.sessions.value == 1 }
        }
    }

    // MARK: Affinity

    @Test("the node is offered as a cookie, to who has a session and does not name this node already")
    func cookie() throws {
        try withNode { node in
            func cookie(_ query: String, _ cookies: String? = nil) throws -> String? {
                let fields = cookies.map { [("Cookie", $0)] } ?? []
                return try node.eventStream(query, fields: fields).head["Set-Cookie"]
            }
            #expect(try cookie("?channel=a") == "perseid_node=n1; Path=/; HttpOnly; SameSite=Lax")
            #expect(try cookie("?channel=a", "x=1; perseid_node=n2") != nil)
            #expect(try cookie("?channel=a", "perseid_node=n1x") != nil)
            #expect(try cookie("?channel=a", "x=1; perseid_node=n1; y=2") == nil)
            #expect(try cookie("?channel=a&session=none") == nil)
            let client = try node.connect()
            try client.sendRequest("GET", "/ws?channel=a", WebSocketClient.handshake)
            #expect(try client.readHead().contains("Set-Cookie: perseid_node=n1;"))
        }
    }

    @Test("what a client sends while its session is asked for waits, and is not lost")
    func impatient() throws {
        try withNode { node in
            let client = try node.connect()
            let socket = WebSocketClient(openedOn: client)
            try client.sendRequest("GET", "/ws?channel=a", WebSocketClient.handshake)
            try socket.send(#"{"type":"ping","id":5}"#)
            #expect(try client.readHead().hasPrefix("HTTP/1.1 101"))
            try socket.next("welcome")
            #expect(Set(try (0..<2).map { _ in try socket.next().type }) == ["pong", "subscribed"])
            let pipelined = try node.connect()
            try pipelined.sendRequest("GET", "/poll?channel=a&session=none&cursor=a@1-0")
            try pipelined.sendRequest("GET", "/healthz")
            #expect(try pipelined.readAnswer().status == 200)
            #expect(try pipelined.readAnswer().text.contains("alive"))
        }
    }
}
