import Broker
import Edge
import Foundation
import Hub
import Testing

/// Channels that are read by a pattern, over each transport.
@Suite("Patterns")
struct PatternTests {
    private func texts(_ messages: [Message]) -> [String] {
        messages.filter { $0.type == "message" }.map { "\($0.channel ?? "")=\($0.data ?? "")" }
    }

    private func read(_ socket: WebSocketClient, _ count: Int) throws -> [String] {
        texts(try (0..<count).map { _ in try socket.next() })
    }

    private func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    @Test("a pattern brings what is published in each of its channels, and nothing else")
    func reads() throws {
        try withNode { node in
            try node.publish("chat/old", "before")
            let one = try node.webSocket("?channel=chat/*")
            let all = try node.webSocket("?channel=chat/**")
            let subscribed = try one.begin()[0]
            #expect(subscribed.channel == "chat/*" && subscribed.position != nil && subscribed.isRecovered == nil)
            try all.begin()
            for channel in ["chat/a", "chat", "chatty", "chat/a/b", "chat/old", "other/a"] {
                try node.publish(channel, "x")
            }
            try node.publish("chat/a", "last")
            #expect(try read(one, 3) == ["chat/a=x", "chat/old=x", "chat/a=last"])
            #expect(try read(all, 4) == ["chat/a=x", "chat/a/b=x", "chat/old=x", "chat/a=last"])
        }
    }

    @Test("positions are those of the channel, and history of each goes on as it was")
    func positions() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=chat/*")
            try socket.begin()
            let position = try node.publish("chat/a", "x")
            #expect(try socket.next().position == position)
            #expect(try node.ask("GET", "/channels/chat/a/history").json["publications"] is [Any])
        }
    }

    @Test("a channel that is left as a pattern that stands for it is asked for is heard by the pattern")
    func leftForThePattern() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=chat/a&channel=chat/b")
            try socket.begin(2)
            try socket.send(
                #"[{"type":"subscribe","channel":"chat/*"},{"type":"unsubscribe","channel":"chat/a"}]"#
            )
            _ = (try socket.next(), try socket.next())
            try node.publish("chat/a", "x")
            try node.publish("chat/b", "y")
            #expect(try read(socket, 2) == ["chat/a=x", "chat/b=y"])
        }
    }

    @Test("by command: subscribed and unsubscribed, and told what cannot be")
    func commands() throws {
        try withNode {
            $0.limits.patternsPerConnectionMax = 2
        } _: { node in
            let socket = try node.webSocket()
            try socket.begin(0)
            try socket.send(#"{"type":"subscribe","id":1,"channel":"chat/*"}"#)
            #expect(try socket.next("subscribed").channel == "chat/*")
            try socket.send(#"{"type":"subscribe","id":2,"channel":"chat/*"}"#)
            #expect(try socket.next("error").code == 409)
            try socket.send(#"{"type":"subscribe","id":3,"channel":"*/a"}"#)
            #expect(try socket.next("error").code == 400)
            try socket.send(#"{"type":"subscribe","id":4,"channel":"news/**"}"#)
            try socket.next("subscribed")
            try socket.send(#"{"type":"subscribe","id":5,"channel":"more/**"}"#)
            #expect(try socket.next("error").code == 400)
            try socket.send(#"{"type":"unsubscribe","id":6,"channel":"chat/*"}"#)
            try socket.next("unsubscribed")
            try node.publish("chat/a", "x")
            try node.publish("news/a", "y")
            #expect(try read(socket, 1) == ["news/a=y"])
            for command in ["publish", "presence"] {
                try socket.send(#"{"type":"\#(command)","id":7,"channel":"chat/*","data":1}"#)
                if command == "publish" { #expect(try socket.next("error").code == 400) } else { _ = try socket.next() }
            }
            #expect(try node.ask("POST", "/channels/chat/*", body: "x").status == 400)
            #expect(try node.ask("GET", "/channels/chat/*/history").status == 400)
            #expect(try node.ask("GET", "/sse?channel=*/a").status == 400)
            #expect(try node.ask("GET", "/sse?channel=a/*&channel=b/*&channel=c/*").status == 400)
        }
    }

    @Test("a connection has no more patterns than it may, though its client asks for all of them at once")
    func limitAtOnce() throws {
        try withNode {
            $0.limits.patternsPerConnectionMax = 2
        } _: { node in
            let socket = try node.webSocket()
            try socket.begin(0)
            let commands = (0..<6).map { #"{"type":"subscribe","id":\#($0),"channel":"p\#($0)/*"}"# }
            try socket.send("[\(commands.joined(separator: ","))]")
            let types = try (0..<6).map { _ in try socket.next().type }
            #expect(types.count { $0 == "subscribed" } == 2 && types.count { $0 == "error" } == 4, "\(types)")
        }
    }

    @Test("nor do a session and the requests that go on with it together")
    func limitOfSession() throws {
        try withNode {
            $0.limits.patternsPerConnectionMax = 2
        } _: { node in
            for path in ["/ws", "/stream", "/poll"] {
                let first = try node.connect()
                let fields = path == "/ws" ? WebSocketClient.handshake : []
                try first.sendRequest("GET", "\(path)?channel=a/*&channel=b/*&channel=c&wait=0", fields)
                let head = try first.readHead()
                #expect(head.contains(path == "/ws" ? " 101 " : " 200 "))
                let token = try #require(HTTPAnswer(status: 0, head: head, body: [])["Perseid-Session"])
                // A session has what its client was told that it is subscribed to.
                let answers =
                    path == "/poll"
                    ? ["\"cursor\""] : ["a/*", "b/*", "c"].map { "\"subscribed\",\"channel\":\"\($0)\"" }
                #expect(try first.receive { answers.allSatisfy(first.bufferText.contains) }, "\(path)")
                first.close()
                let again = try node.ask("GET", "\(path)?session=\(token)&channel=d/*&wait=0", fields)
                #expect(again.status == 400 && again.errorField == "channel", "\(path)")
                let known = try node.connect()
                try known.sendRequest("GET", "\(path)?session=\(token)&channel=d&channel=a/*&wait=0", fields)
                #expect(try known.readHead().contains(path == "/ws" ? " 101 " : " 200 "))
            }
        }
    }

    @Test("nor does a session of Bayeux, in one message and in several", arguments: [AccessWay.bayeux, .bayeuxSocket])
    func limitOfBayeux(way: AccessWay) throws {
        try withNode {
            $0.limits.patternsPerConnectionMax = 2
        } _: { node in
            let client = try BayeuxSpeaker(node, way)
            _ = try client.shakeHands()
            _ = try client.connect()
            func subscribe(_ channels: String...) throws -> [String: Any]? {
                try client.say(["channel": "/meta/subscribe", "subscription": channels]).last
            }
            #expect(try subscribe("/a/*")?.isSuccessful == true)
            #expect(try subscribe("/b/**", "/c/*", "/d/*")?.error?.hasPrefix("413:") == true)
            #expect(try subscribe("/e/*")?.error?.hasPrefix("413:") == true)
            #expect(try subscribe("/a/*", "/plain")?.isSuccessful == true)
            _ = try client.say(["channel": "/meta/unsubscribe", "subscription": "/a/*"])
            #expect(try subscribe("/e/*")?.isSuccessful == true)
        }
    }

    @Test("who reads a channel in several ways is told everything once, and goes on when one of them ends")
    func overlapping() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=chat/a")
            try socket.begin()
            try node.publish("chat/a", "1")
            #expect(try read(socket, 1) == ["chat/a=1"])
            try socket.send(#"{"type":"subscribe","id":1,"channel":"chat/*"}"#)
            try socket.next("subscribed")
            try socket.send(#"{"type":"subscribe","id":2,"channel":"chat/**"}"#)
            try socket.next("subscribed")
            for (channel, text) in [("chat/a", "2"), ("chat/b", "3"), ("chat/b/c", "4")] {
                try node.publish(channel, text)
            }
            #expect(try read(socket, 3) == ["chat/a=2", "chat/b=3", "chat/b/c=4"])
            try socket.send(#"{"type":"unsubscribe","id":3,"channel":"chat/**"}"#)
            try socket.next("unsubscribed")
            for (channel, text) in [("chat/b/c", "5"), ("chat/a", "6"), ("chat/b", "7")] {
                try node.publish(channel, text)
            }
            #expect(try read(socket, 2) == ["chat/a=6", "chat/b=7"])
            try socket.send(#"{"type":"unsubscribe","id":4,"channel":"chat/*"}"#)
            try socket.next("unsubscribed")
            for (channel, text) in [("chat/b", "8"), ("chat/a", "9")] { try node.publish(channel, text) }
            #expect(try read(socket, 1) == ["chat/a=9"])
        }
    }

    @Test(
        "a stream goes on from its cursor in each channel that it saw, and from the beginning of one that came meanwhile"
    )
    func resumes() throws {
        try withNode { node in
            try node.publish("chat/a", "a0")
            try node.publish("chat/quiet", "q0")
            let first = try EventStreamClient(node.connect(), "?channel=chat/*")
            _ = try first.next("welcome")
            _ = try first.next("subscribed")
            try node.publish("chat/a", "a1")
            let event = try first.next()
            let cursor = event.id
            #expect(cursor.contains("chat%2Fa@") && cursor.hasPrefix("chat%2F%2A@"))
            first.close()
            for (channel, text) in [("chat/a", "a2"), ("chat/new", "n1"), ("chat/new", "n2"), ("chat/quiet", "q1")] {
                try node.publish(channel, text)
            }
            let second = try EventStreamClient(node.connect(), "?channel=chat/*", fields: [("Last-Event-ID", cursor)])
            _ = try second.next("welcome")
            #expect(try second.next("subscribed").message.isRecovered == true)
            var got: Set<String> = []
            for _ in 0..<4 { got.formUnion(texts([try second.next().message])) }
            #expect(got == ["chat/a=a2", "chat/new=n1", "chat/new=n2", "chat/quiet=q1"])
            try node.publish("chat/new", "n3")
            #expect(texts([try second.next().message]) == ["chat/new=n3"])
        }
    }

    @Test("what a channel of a pattern no longer remembers is told as a gap in that channel")
    func gaps() throws {
        try withNode {
            $0.limits.historyCountMax = 2
            $0.limits.tailBytesMax = 1
        } _: { node in
            let socket = try node.webSocket("?channel=chat/*")
            try socket.begin()
            try node.publish("chat/a", "1")
            try node.publish("chat/b", "1")
            let messages = [try socket.next(), try socket.next()]
            let entries = try messages.map { "\(encoded(try #require($0.channel)))@\(try #require($0.position))" }
            socket.close()
            for number in 2...6 { try node.publish("chat/a", "\(number)") }
            let cursor = encoded((["chat%2F%2A@1-0"] + entries).joined(separator: ","))
            let next = try node.webSocket("?channel=chat/*&cursor=\(cursor)")
            try next.next("welcome")
            #expect(try next.next("subscribed").isRecovered == false)
            let gap = try next.next("gap")
            #expect(gap.channel == "chat/a")
            #expect(try read(next, 2) == ["chat/a=5", "chat/a=6"])
        }
    }

    @Test("polls with a pattern: held, answered, and gone on with by their cursor")
    func polls() throws {
        try withNode { node in
            try node.publish("chat/a", "old")
            let client = try node.connect()
            try client.sendRequest("GET", "/poll?channel=chat/*&session=none")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("chat/b", "x")
            var answer = try client.readAnswer()
            func told() throws -> [String] {
                texts(try (try #require(try answer.json["publications"] as? [[String: Any]])).map { try Message($0) })
            }
            #expect(try told() == ["chat/b=x"])
            for (channel, text) in [("chat/a", "1"), ("chat/new", "2"), ("chat/b", "3")] {
                try node.publish(channel, text)
            }
            let cursor = encoded(try #require(try answer.json["cursor"] as? String))
            answer = try client.ask("GET", "/poll?channel=chat/*&session=none&cursor=\(cursor)")
            #expect(try Set(told()) == ["chat/a=1", "chat/new=2", "chat/b=3"])
            #expect(try answer.json["recovered"] as? Bool == true)
        }
    }

    @Test("a cursor names the channels that moved of late, and is no longer for those before")
    func manyChannels() throws {
        try withNode { node in
            let stream = try EventStreamClient(node.connect(), "?channel=ticker/**")
            _ = try stream.next("welcome")
            _ = try stream.next("subscribed")
            var last = ""
            for round in 0..<3 {
                for number in 0..<150 { try node.publish("ticker/\(number)", "\(round)") }
                for _ in 0..<150 { last = try stream.next().id }
                #expect(last.split(separator: ",").count <= 80)
            }
            stream.close()
            for number in 0..<150 { try node.publish("ticker/\(number)", "3") }
            let next = try EventStreamClient(node.connect(), "?channel=ticker/**", fields: [("Last-Event-ID", last)])
            _ = try next.next("welcome")
            #expect(try next.next("subscribed").message.isRecovered == true)
            var got: [String] = []
            for _ in 0..<150 { got += texts([try next.next().message]) }
            #expect(Set(got) == Set((0..<150).map { "ticker/\($0)=3" }) && got.count == 150)
        }
    }

    @Test("a session knows its pattern: who comes back with the token alone misses nothing")
    func sessions() throws {
        try withNode {
            $0.limits.checkpointMilliseconds = 250
        } _: { node in
            let first = try node.webSocket("?channel=chat/*")
            let token = try #require(try first.next("welcome")["session"] as? String)
            try first.next("subscribed")
            try node.publish("chat/a", "1")
            #expect(try read(first, 1) == ["chat/a=1"])
            first.close()
            try node.publish("chat/b", "2")
            let second = try node.webSocket("?session=\(token)")
            try second.next("welcome")
            #expect(try second.next("subscribed").channel == "chat/*")
            var got: [String] = []
            while !got.contains("chat/b=2") { got += try read(second, 1) }
            #expect(Set(got).isSubset(of: ["chat/a=1", "chat/b=2"]))
        }
    }

    @Test("channels beyond a pattern's limit are not heard by it, and counted")
    func tooMany() throws {
        try withNode {
            $0.limits.channelsPerPatternMax = 2
        } _: { node in
            let socket = try node.webSocket("?channel=chat/*")
            try socket.begin()
            for channel in ["chat/a", "chat/b", "chat/c", "chat/a"] { try node.publish(channel, "x") }
            #expect(try read(socket, 3) == ["chat/a=x", "chat/b=x", "chat/a=x"])
            #expect(try node.ask("GET", "/metrics").text.contains("perseid_pattern_channels_refused_total 1\n"))
        }
    }

    @Test("when its last reader goes a pattern is heard no longer, and its channels cost nothing")
    func releases() throws {
        try withNode {
            $0.limits.lingerMilliseconds = 1
        } _: { node in
            let socket = try node.webSocket("?channel=chat/*")
            try socket.begin()
            for channel in ["chat/a", "chat/b"] { try node.publish(channel, "x") }
            _ = try read(socket, 2)
            try eventually("it is counted") { node.metrics.hub.topics.value == 3 }
            socket.close()
            try eventually("it is let go of") { node.metrics.hub.topics.value == 0 }
            try eventually("by the uplink, too") {
                let text = try node.ask("GET", "/metrics").text
                return text.contains("perseid_patterns 0\n") && text.contains("perseid_pattern_channels 0\n")
                    && text.contains("perseid_channels 0\n")
            }
        }
    }

    // MARK: Bayeux

    @Test(
        "Bayeux: /a/*, /a/**, /** by their truth table",
        arguments: [
            ("/a/*", ["/a/b", "/a/c"]), ("/a/**", ["/a/b", "/a/c", "/a/b/c"]), ("/*", ["/a", "/ab"]),
            ("/**", ["/a", "/a/b", "/a/c", "/a/b/c", "/ab", "/b/b"]),
        ]
    )
    func bayeux(pattern: String, expected: [String]) throws {
        try withNode { node in
            let poller = try BayeuxClient(ready: node)
            let socket = try BayeuxSocketClient(ready: node)
            #expect(try poller.subscribe(pattern).isSuccessful == true)
            #expect(try socket.ask(["channel": "/meta/subscribe", "subscription": pattern])[0].isSuccessful == true)
            for name in ["a", "a/b", "a/c", "a/b/c", "ab", "b/b"] { try node.publish(name, "x") }
            var told: [[String: Any]] = []
            while told.delivered.count < expected.count { told += try poller.connect() }
            // Each channel has an order, and all of them together have none.
            #expect(
                told.compactMap { $0["data"] == nil ? nil : $0["channel"] as? String }.sorted() == expected.sorted()
            )
            var pushed: [[String: Any]] = []
            while pushed.count < expected.count { pushed += try socket.next() }
            #expect(pushed.map { $0["channel"] as? String } == expected)
        }
    }

    @Test("Bayeux: one that is subscribed in several ways is told everything once", arguments: [false, true])
    func bayeuxDeduplicated(hasAck: Bool) throws {
        try withNode { node in
            let ext: [String: Any]? = hasAck ? ["ack": true] : nil
            let poller = try BayeuxClient(ready: node, ext: ext)
            let socket = try BayeuxSocketClient(ready: node)
            let all = ["/a/*", "/a/**", "/**", "/a/b"]
            #expect(try poller.subscribe(all).isSuccessful == true)
            try socket.ask(["channel": "/meta/subscribe", "subscription": all])
            for text in ["1", "2"] { try node.publish("a/b", text) }
            let first = try poller.connect(ext: hasAck ? ["ack": 0] : nil)
            #expect(first.delivered == ["1", "2"])
            var pushed: [[String: Any]] = []
            while pushed.count < 2 { pushed += try socket.next() }
            #expect(pushed.delivered == ["1", "2"])
            try poller.ask(["channel": "/meta/unsubscribe", "subscription": ["/a/**", "/a/b"]])
            try node.publish("a/b", "3")
            try node.publish("a/c", "4")
            let next = try poller.connect(ext: hasAck ? ["ack": first.last?.ack ?? 0] : nil)
            #expect(next.delivered == ["3", "4"])
            try poller.ask(["channel": "/meta/unsubscribe", "subscription": ["/**", "/a/*"]])
            try node.publish("a/b", "5")
            try poller.hold(ext: hasAck ? ["ack": next.last?.ack ?? 0] : nil)
            #expect(poller.isConnectSilent(for: 0.1))
        }
    }

    @Test(
        "Bayeux over a WebSocket: a new socket goes on with the patterns of the session, with all that came meanwhile"
    )
    func bayeuxSocketAdoption() throws {
        try withNode {
            $0.limits.checkpointMilliseconds = 250
        } _: { (node: TestNode) throws in
            let first = try BayeuxSocketClient(ready: node)
            try first.ask(["channel": "/meta/subscribe", "subscription": "/chat/*"])
            try node.publish("chat/a", "1")
            #expect(try first.next().delivered == ["1"])
            first.socket.close()
            try node.publish("chat/a", "2")
            try node.publish("chat/b", "3")
            let second = try BayeuxSocketClient(node)
            second.clientID = first.clientID
            try second.send(["channel": "/meta/connect", "connectionType": "websocket"])
            var all: [[String: Any]] = []
            while Set(all.delivered).isSuperset(of: ["2", "3"]) == false { all += try second.next() }
            // What was pushed right before the first was lost may come again, and each channel is in its order.
            #expect(all.delivered.filter { $0 != "3" } == ["1", "2"] || all.delivered.filter { $0 != "3" } == ["2"])
            try node.publish("chat/new", "4")
            #expect(try second.next().delivered == ["4"])
        }
    }

    @Test("Bayeux: publishing to a pattern is refused, and so is a wildcard anywhere else")
    func bayeuxRefusals() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            #expect(try client.publish("/a/*", 1).error == "405:/a/*:Invalid channel")
            for pattern in ["/a/*/b", "/**/a", "/a*", "/a/b*", "/meta/*", "/meta/**"] {
                #expect(try client.subscribe(pattern).isSuccessful == false)
            }
        }
    }

    @Test("Bayeux with ack: what a pattern brought is told again after a lost reply, and once otherwise")
    func bayeuxAck() throws {
        try withNode { node in
            try node.publish("a/old", "no")
            let client = try BayeuxClient(ready: node, ext: ["ack": true])
            try client.subscribe("/a/*")
            for (channel, text) in [("a/b", "1"), ("a/c", "2")] { try node.publish(channel, text) }
            #expect(try client.connect(ext: ["ack": 0]).delivered == ["1", "2"])
            let again = try client.connect(ext: ["ack": 0])
            #expect(Set(again.delivered) == ["1", "2"])
            let number = try #require(again.last?.ack)
            for (channel, text) in [("a/b", "3"), ("a/old", "4"), ("a/new", "5")] { try node.publish(channel, text) }
            let next = try client.connect(ext: ["ack": number])
            #expect(Set(next.delivered) == ["3", "4", "5"] && next.delivered.count == 3)
            try client.hold(ext: ["ack": next.last?.ack ?? 0])
            #expect(client.isConnectSilent(for: 0.1))
        }
    }
}
