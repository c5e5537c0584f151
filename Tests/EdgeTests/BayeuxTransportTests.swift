import Backplane
import Broker
import Foundation
import Hub
import Reactor
import Testing

@testable import Edge

/// The other ways by which Bayeux comes: WebSocket, callback-polling, Faye's event stream.
@Suite("Bayeux by other ways")
struct BayeuxTransportTests {
    private typealias Message = [String: Any]

    // MARK: WebSocket

    @Test("WebSocket: a handshake, a first connect that is immediate, and pushes without a connect reply")
    func socket() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            #expect(try client.ask(["channel": "/meta/subscribe", "subscription": "/a"])[0].isSuccessful == true)
            try client.send(["channel": "/meta/connect", "connectionType": "websocket", "id": "held"])
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("a", "x")
            let pushed = try client.next()
            #expect(pushed.count == 1 && Set(pushed[0].keys) == ["channel", "data"] && pushed.delivered == ["x"])
            let own = try client.ask(["channel": "/a", "data": ["y": 1]])
            #expect(own.reply("/a")?.isSuccessful == true)
            try eventually("it is counted") { node.metrics.hub.polls.value == 1 }
        }
    }

    @Test("WebSocket: a held connect is only a heartbeat")
    func socketHeartbeat() throws {
        try withNode {
            $0.limits.pollMilliseconds = 750
        } _: { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            let start = monotonicMilliseconds
            let reply = try client.ask(["channel": "/meta/connect", "connectionType": "websocket", "id": "held"])
            #expect(monotonicMilliseconds - start >= 500)
            #expect(reply.count == 1 && reply[0]["id"] as? String == "held" && reply[0].isSuccessful == true)
        }
    }

    @Test("WebSocket: a second connect takes the first one's place, which is never answered")
    func socketDuplicate() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            let connect: Message = ["channel": "/meta/connect", "connectionType": "websocket"]
            try client.send(connect.merging(["id": "old"]) { $1 })
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            let reply = try client.ask(connect.merging(["id": "new", "advice": ["timeout": 0]]) { $1 })
            #expect(reply.count == 1 && reply[0]["id"] as? String == "new")
        }
    }

    @Test("WebSocket: an empty array is ignored, a bare object is a message")
    func socketKeepAlive() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            try client.socket.send("[]")
            try client.socket.send(" [ ] ")
            try client.socket.send(
                BayeuxClient.json(["channel": "/a", "data": 1, "id": "z", "clientId": client.clientID])
            )
            #expect(try client.next()[0]["id"] as? String == "z")
        }
    }

    @Test("WebSocket: what is no message closes it", arguments: [("{", 1_007), ("[1]", 1_007), ("7", 1_007)])
    func socketMalformed(text: String, code: Int) throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            try client.socket.send(text)
            #expect(try client.socket.nextClose().code == code)
        }
    }

    @Test("WebSocket: too many messages at once close it")
    func socketTooMany() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            try client.socket.send("[" + [String](repeating: "{}", count: 129).joined(separator: ",") + "]")
            #expect(try client.socket.nextClose().code == 1_009)
        }
    }

    @Test("WebSocket: a new socket adopts the session, with what it missed, and nobody else's")
    func socketAdoption() throws {
        try withNode { (node: TestNode) throws in
            let first = try BayeuxSocketClient(ready: node)
            try first.ask(["channel": "/meta/subscribe", "subscription": "/a"])
            try node.publish("a", "x")
            #expect(try first.next().delivered == ["x"])
            first.socket.close()
            try node.publish("a", "y")
            let second = try BayeuxSocketClient(node)
            second.clientID = first.clientID
            try second.send(["channel": "/meta/connect", "connectionType": "websocket", "advice": ["timeout": 0]])
            var all: [Message] = []
            while !all.delivered.contains("y") { all += try second.next() }
            // What was pushed before the socket was lost may come again: it was not said that it came.
            #expect(all.delivered == ["y"] || all.delivered == ["x", "y"])
            if all.reply("/meta/connect") == nil { all += try second.next() }
            #expect(all.reply("/meta/connect")?.isSuccessful == true)
            let other = try second.ask([
                "channel": "/meta/connect", "connectionType": "websocket", "clientId": first.clientID + "0",
            ])
            #expect(other[0].isSuccessful == false && other[0].reconnect == "handshake")
        }
    }

    @Test("WebSocket: disconnect is answered, and the connect that is held, too")
    func socketDisconnect() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            try client.send(["channel": "/meta/connect", "connectionType": "websocket", "id": "held"])
            try client.send(["channel": "/meta/disconnect"])
            let all = try client.next() + client.next()
            #expect(all.reply("/meta/disconnect")?.isSuccessful == true)
            #expect(all.reply("/meta/connect")?.reconnect == "none")
            try client.socket.sendClose(1_000)
            #expect(try client.socket.nextClose().code == 1_000)
        }
    }

    @Test("WebSocket: another handshake on it is another session")
    func socketSecondHandshake() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            try client.ask(["channel": "/meta/subscribe", "subscription": "/a"])
            try client.send(BayeuxClient.handshake)
            let clientID = try #require(try client.next()[0]["clientId"] as? String)
            #expect(clientID != client.clientID)
            client.clientID = clientID
            try client.ask(["channel": "/meta/subscribe", "subscription": "/b"])
            try node.publish("a", "x")
            try node.publish("b", "y")
            #expect(try client.next().delivered == ["y"])
        }
    }

    @Test("WebSocket: pages of other sites may not open it")
    func socketOrigin() throws {
        try withNode { (node: TestNode) throws in
            let fields = WebSocketClient.handshake + [("Origin", "https://evil.example")]
            #expect(try node.ask("GET", "/bayeux", fields).status == 403)
        }
    }

    @Test("a connect is answered on a WebSocket, too, that holds a channel which the backplane comes to forbid")
    func forbiddenHeld() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node, ext: ["ack": true])
            try client.ask(["channel": "/meta/subscribe", "subscription": "/a"])
            try client.send(["channel": "/meta/connect", "connectionType": "websocket", "ext": ["ack": 0]])
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            node.node.reports[0].post(.refused(ChannelName("a")!, "NOPERM"))
            let reply = try #require(try client.read(to: "/meta/connect").last)
            #expect(reply.error == "403::Forbidden" && reply.reconnect == "none")
        }
    }

    // MARK: Callback-polling

    private func script(
        _ node: TestNode,
        _ messages: Any,
        callback: String? = "__jsonp1__"
    ) throws -> HTTPAnswer {
        let json = try BayeuxClient.json(messages).addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
        return try node.ask("GET", "/bayeux?message=\(json)" + (callback.map { "&jsonp=\($0)" } ?? ""))
    }

    @Test("JSONP: a script, with what could end it escaped; a bad callback is 400; off unless it is switched on")
    func callbackPolling() throws {
        try withNode {
            $0.answersScripts = true
        } _: { (node: TestNode) throws in
            let answer = try script(node, [BayeuxClient.handshake])
            #expect(answer["Content-Type"]?.hasPrefix("text/javascript") == true)
            #expect(answer["Content-Disposition"]?.contains("attachment") == true)
            #expect(answer.text.hasPrefix("/**/__jsonp1__([{") && answer.text.hasSuffix("}]);\n"))
            #expect(try script(node, [BayeuxClient.handshake], callback: nil).text.hasPrefix("/**/jsonpcallback(["))
            for callback in ["alert(1)", "a-b", "", String(repeating: "a", count: 129)] {
                let encoded = callback.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
                #expect(try script(node, [BayeuxClient.handshake], callback: encoded).status == 400)
            }
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            try node.publish("a", "</script>\u{2028}\u{2029}")
            let poll = try script(node, [client.connectMessage(type: "callback-polling")])
            #expect(!poll.text.contains("</script>") && !poll.text.contains("\u{2028}"))
            #expect(poll.text.contains("\\u2028") && poll.text.contains("\\u003c"))
        }
        try withNode { (node: TestNode) throws in #expect(try script(node, [BayeuxClient.handshake]).status == 403) }
    }

    @Test("JSONP: a connect is held like any other")
    func callbackHeld() throws {
        try withNode {
            $0.answersScripts = true
        } _: { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            let poller = try node.connect()
            let json = try BayeuxClient.json([client.connectMessage(type: "callback-polling")])
                .addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
            try poller.sendRequest("GET", "/bayeux/connect?jsonp=f&message=\(json)")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("a", "x")
            let text = try poller.readAnswer().text
            #expect(text.hasPrefix("/**/f([{\"channel\":\"/a\",\"data\":\"x\"},"))
        }
    }

    // MARK: Event streams

    @Test("event stream: what is published comes by it, connects are heartbeats that say when to come again")
    func eventStream() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            let stream = try node.connect()
            try stream.sendRequest("GET", "/bayeux/\(client.clientID)", [("Accept", "text/event-stream")])
            #expect(try stream.readHead().contains("text/event-stream"))
            try eventually("it is subscribed") { node.metrics.hub.subscriptions.value == 1 }
            let reply = try client.connect(type: "eventsource")[0]
            #expect(reply.isSuccessful == true && reply.reconnect == "retry")
            #expect(reply.advice?["interval"] as? Int == 25_000 && reply.advice?["timeout"] as? Int == 0)
            try node.publish("a", "x")
            #expect(try stream.receive { String(decoding: stream.buffer, as: UTF8.self).contains("\"data\":\"x\"") })
            let text = String(decoding: stream.takeAll(), as: UTF8.self)
            #expect(text.contains("data: [{\"channel\":\"/a\",\"data\":\"x\"}]\n\n") || text.contains("data:[{"))
            #expect(text.contains("retry: 250") || text.contains("retry:250"))
            // A subscription by another request: the stream ends, and its client is told the rest by the next.
            try client.subscribe("/b")
            #expect(stream.ends())
            try node.publish("b", "y")
            let next = try node.connect()
            try next.sendRequest("GET", "/bayeux/\(client.clientID)", [("Accept", "text/event-stream")])
            #expect(try next.receive { String(decoding: next.buffer, as: UTF8.self).contains("\"data\":\"y\"") })
            #expect(try client.connect(type: "eventsource")[0].isSuccessful == true)
        }
    }

    @Test("event stream: of nobody that is known is 401, and a connect without a session 402")
    func strangeEventStream() throws {
        try withNode { (node: TestNode) throws in
            let fields = [("Accept", "text/event-stream")]
            #expect(try node.ask("GET", "/bayeux", fields).status == 401)
            #expect(try node.ask("GET", "/bayeux/x", fields).status == 401)
            #expect(try node.ask("GET", "/bayeux/\(String(repeating: "0", count: 64))", fields).status == 401)
        }
    }

    // MARK: Extensions

    @Test("ack: a lost reply is told again, in order, and one that was not is not")
    func lostReply() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node, ext: ["ack": true])
            try client.subscribe("/a")
            try node.publish("a", "1")
            let first = try client.connect(ext: ["ack": 0])
            #expect(first.delivered == ["1"] && first.last?.ack == 1)
            // It was lost: the client knows of none.
            try node.publish("a", "2")
            let again = try client.connect(ext: ["ack": 0])
            #expect(again.delivered == ["1", "2"])
            let number = try #require(again.last?.ack)
            try node.publish("a", "3")
            let next = try client.connect(ext: ["ack": number])
            #expect(next.delivered == ["3"])
            // A number that is lower than what is kept: told again at once, although nothing is new.
            #expect(try client.connect(ext: ["ack": number]).delivered == ["3"])
        }
    }

    @Test("ack: what is unacknowledged and idle is told at once; what is acknowledged is held")
    func unacknowledged() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node, ext: ["ack": true])
            try client.subscribe("/a")
            try node.publish("a", "1")
            let number = try #require(try client.connect(ext: ["ack": 0]).last?.ack)
            #expect(try client.connect(ext: ["ack": 0]).delivered == ["1"])
            #expect(try client.connect().delivered == ["1"])
            try client.hold(ext: ["ack": number + 2])
            #expect(client.isConnectSilent(for: 0.1))
        }
    }

    @Test("ack: deliveries come with connects only, also of what the client published itself")
    func ackOnlyConnects() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node, ext: ["ack": true])
            let all = try client.ask(
                ["channel": "/meta/subscribe", "subscription": "/a"],
                ["channel": "/a", "data": "x"]
            )
            #expect(all.delivered.isEmpty && all.count == 2)
            #expect(try client.connect(ext: ["ack": 0]).delivered == ["x"])
        }
    }

    @Test("ack: over a WebSocket, too, where a new socket is told what the old one did not acknowledge")
    func ackOverSocket() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node, ext: ["ack": true])
            try client.ask(["channel": "/meta/subscribe", "subscription": "/a"])
            let connect: Message = ["channel": "/meta/connect", "connectionType": "websocket", "ext": ["ack": 0]]
            try client.send(connect)
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            // A channel that it is given meanwhile is held, too.
            try client.ask(["channel": "/meta/subscribe", "subscription": "/b"])
            try node.publish("b", "1")
            let told = try client.next()
            #expect(told.delivered == ["1"] && told.last?.ack == 1)
            client.socket.close()
            let other = try BayeuxSocketClient(node)
            other.clientID = client.clientID
            try other.send(connect)
            let again = try other.next()
            #expect(again.delivered == ["1"] && again.last?.ack == 2)
            try other.send(connect.merging(["ext": ["ack": 2]]) { $1 })
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
        }
    }

    @Test("ack: of connects that come by a WebSocket at once the last is held, and no other")
    func ackOverSocketAtOnce() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node, ext: ["ack": true])
            try client.ask(["channel": "/meta/subscribe", "subscription": "/a"])
            let connects = (0..<3).map { number -> Message in
                [
                    "channel": "/meta/connect", "connectionType": "websocket", "ext": ["ack": 0], "id": "\(number)",
                    "clientId": client.clientID,
                ]
            }
            try client.socket.sendTogether(connects.map { try BayeuxClient.json([$0]) })
            // What comes behind them is answered once they are taken.
            try client.ask(["channel": "/other", "data": 1])
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("a", "1")
            let told = try client.next()
            #expect(told.delivered == ["1"] && told.last?["id"] as? String == "2")
            try eventually("nobody reads it any more") {
                try node.ask("GET", "/channels/a").json["subscribers"] as? Int == 0
            }
        }
    }

    @Test("timesync: what is off is told, and what is not is not")
    func timesync() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(node)
            var message = BayeuxClient.handshake
            let now = Int(Date().timeIntervalSince1970 * 1_000)
            message["ext"] = ["timesync": ["tc": now - 5_000, "l": 0, "o": 0]]
            let reply = try BayeuxClient.messages(client.post(BayeuxClient.json([message])))[0]
            let sync = try #require((reply["ext"] as? Message)?["timesync"] as? [String: Int])
            #expect(sync["tc"] == now - 5_000)
            #expect(abs((sync["ts"] ?? 0) - now) < 10_000 && (sync["p"] ?? -1) >= 0)
            let (a, ts) = (try #require(sync["a"]), try #require(sync["ts"]))
            #expect(a == now - 5_000 - ts)
            message["ext"] = ["timesync": ["tc": Int(Date().timeIntervalSince1970 * 1_000) - 30, "l": 10, "o": 20]]
            let exact = try BayeuxClient.messages(client.post(BayeuxClient.json([message])))[0]
            let off = ((exact["ext"] as? Message)?["timesync"] as? [String: Int])?["a"]
            #expect(off == nil || abs(off ?? 0) >= 25)
            message["ext"] = ["timesync": ["tc": 5]]
            let first = try BayeuxClient.messages(client.post(BayeuxClient.json([message])))[0]
            let plain = try #require((first["ext"] as? Message)?["timesync"] as? [String: Int])
            #expect(plain["a"] == nil && plain["tc"] == 5)
        }
    }

    @Test("replay: -1, -2 and a number, as Salesforce's clients send them")
    func replay() throws {
        try withNode { (node: TestNode) throws in
            for number in 1...3 { try node.publish("topic/x", "{\"number\":\(number)}", json: true) }
            func client(_ from: Int) throws -> [Message] {
                let client = try BayeuxClient(node)
                #expect((try client.shakeHands(ext: ["replay": true])["ext"] as? Message)?["replay"] as? Bool == true)
                _ = try client.connect()
                try client.subscribe("/topic/x", ext: ["replay": ["/topic/x": from]])
                return try client.connect(advice: ["timeout": 0])
            }
            func numbers(_ all: [Message]) -> [Int] {
                all.compactMap { ($0["data"] as? Message)?["number"] as? Int }
            }
            let all = try client(-2)
            #expect(numbers(all) == [1, 2, 3])
            let events = all.compactMap { ($0["data"] as? Message)?["event"] as? Message }
            let ids = events.compactMap { $0["replayId"] as? Int }
            #expect(ids.count == 3 && ids == ids.sorted() && Set(ids).count == 3)
            #expect(ids.allSatisfy { $0 < 9_007_199_254_740_992 })
            #expect(numbers(try client(ids[0])) == [2, 3])
            #expect(numbers(try client(-1)).isEmpty)
        }
    }

    @Test("two clients of one browser wait at the same time")
    func tabs() throws {
        try withNode { (node: TestNode) throws in
            let tabs = try (0..<2).map { _ in try BayeuxClient(ready: node) }
            for tab in tabs { try tab.subscribe("/a") }
            for tab in tabs { try tab.hold() }
            try node.publish("a", "x")
            for tab in tabs { #expect(try tab.readConnect().delivered == ["x"]) }
        }
    }

    @Test("who vanishes while a connect is held, and comes back, is told what it missed")
    func vanished() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            try client.hold()
            client.loseConnect()
            try eventually("that is noticed") { node.metrics.hub.polls.value == 0 }
            try node.publish("a", "x")
            let body = try BayeuxClient.json([client.connectMessage()])
            #expect(try BayeuxClient.messages(client.post(body)).delivered == ["x"])
        }
    }
}
