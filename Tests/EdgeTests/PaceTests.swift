import Broker
import Edge
import Foundation
import Hub
import Testing
import Wire

/// Readers that ask to be told only so often, or are by a rule.
@Suite("Paces")
struct PaceTests {
    /// `prices/**` is keyed; of `slow/**` nobody is told more than five times a second, and of `newest/**` only the newest.
    private func withPacedNode(
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode) throws -> Void
    ) throws {
        let everything = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.anyone) })
        let slow = PaceRule(rateMax: MaxRate("5"))
        let newest = PaceRule(rateMax: MaxRate("5"), tellsNewestOnly: true)
        let rows = [("prices/**", true, PaceRule()), ("slow/**", false, slow), ("newest/**", false, newest)]
        try withNode { configuration in
            configuration.rules = AccessRules(
                (rows + [("**", false, PaceRule())]).map { text, isKeyed, pace in
                    AccessRules.Rule(
                        channels: AccessPattern(text)!,  // bounded: these are patterns
                        permissions: everything,
                        compression: text == "prices/**" ? .shared : .off,
                        isKeyed: isKeyed,
                        pace: pace
                    )
                }
            )
            configuration.answersScripts = true
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    private func publish(_ node: TestNode, _ key: String, _ body: String, in channel: String = "prices/a") throws {
        let target = "/channels/\(channel.replacingOccurrences(of: "/", with: "%2F"))"
        guard try node.ask("POST", target, [("Perseid-Key", key)], body: body).status == 200 else {
            throw TestFailure("not published")
        }
    }

    private func value(_ message: Message) -> String { "\(message["key"] as? String ?? "-")=\(message.data ?? "?")" }

    @Test(
        "on every transport: fewer messages, each key's last value, nothing twice, from the cursor on",
        arguments: Transport.allCases
    )
    func everywhere(transport: Transport) throws {
        try withPacedNode { node in
            let parameters = "&max-rate=5"
            let begin = monotonicMilliseconds
            var reader = try TransportReader(transport, node, channels: ["prices/a"], parameters: parameters)
            try reader.begin()
            var newest: [String: Int] = [:]
            var count = 0
            var last = -1
            for round in 0..<3 {
                for number in round * 100..<round * 100 + 100 {
                    try publish(node, "k\(number % 3)", "\(number)")
                    if number == 150 {
                        reader.close()
                        let cursor = reader.cursor
                        reader = try TransportReader(
                            transport,
                            node,
                            channels: ["prices/a"],
                            cursor: cursor,
                            parameters: parameters
                        )
                    }
                }
                while newest.count < 3 || newest.values.min() ?? 0 < round * 100 + 97 {
                    let message = try reader.next("message")
                    let number = try #require(message.data.flatMap { Int($0) })
                    #expect(number > last, "in order, each once")
                    last = number
                    newest[message["key"] as? String ?? ""] = number
                    count += 1
                }
            }
            // Of three keys five times a second: a slow machine publishes for so long that it is told of more. Who asks now and then asks
            // as often as it likes.
            let most = max(150, 30 + Int(15 * (monotonicMilliseconds - begin) / 1_000))
            if transport != .intervalPoll { #expect(count < most, "\(count) of 300") }
        }
    }

    @Test("the batches are as far apart as was asked for, and a rule's are for everybody")
    func distances() throws {
        try withPacedNode { node in
            for (query, channel, rate, milliseconds) in [
                ("&max-rate=4", "prices/a", 4.0, 250.0), ("", "slow/a", 5.0, 200.0),
                ("&max-rate=20", "newest/a", 5.0, 200.0),
            ] {
                let reader = try node.webSocket("?channel=\(channel)\(query)")
                #expect(try reader.begin()[0]["max-rate"] as? Double == rate)
                let publisher = BackgroundPublishing(node, channel: channel)
                defer { publisher.stop() }
                // From one to the sixth behind it, for a machine may be late with one of them; the longest of three, for it may be late with
                // the first.
                var longest = 0.0
                var times: [Double] = []
                for _ in 0..<3 where longest < 5.2 * milliseconds {
                    times = []
                    while times.count < 7 {
                        _ = try reader.next("message")
                        let now = Date().timeIntervalSince1970 * 1_000
                        if now - (times.last ?? 0) > milliseconds / 4 { times.append(now) }
                    }
                    longest = max(longest, times[6] - times[0])
                }
                #expect(longest >= 5.2 * milliseconds, "\(channel): \(times)")
            }
        }
    }

    /// Publishes as fast as it goes, until it is stopped.
    private final class BackgroundPublishing: @unchecked Sendable {
        private let lock = NSLock()
        private var isStopped = false
        private let done = DispatchSemaphore(value: 0)

        init(_ node: TestNode, channel: String) {
            let target = "/channels/\(channel.replacingOccurrences(of: "/", with: "%2F"))?key=k"
            let port = node.port
            Thread.detachNewThread { [self] in
                let client = try? TestClient(port: port)
                while !lock.withLock({ isStopped }) { _ = try? client?.ask("POST", target, body: "x") }
                done.signal()
            }
        }

        func stop() {
            lock.withLock { isStopped = true }
            done.wait()
        }
    }

    @Test("a rate is a number from 0.1 to 20, and nothing else")
    func nonsense() throws {
        try withPacedNode { node in
            for path in ["/ws", "/sse", "/stream", "/poll", "/multipart"] {
                for rate in ["0", "-1", "0.05", "20.5", "1e9", "", "x", "2%202", "99999999999999999999"] {
                    let fields =
                        path == "/ws"
                        ? [
                            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                        ] : []
                    let answer = try node.ask("GET", "\(path)?channel=a&max-rate=\(rate)", fields)
                    #expect(answer.status == 400 && answer.errorField == "max-rate", "\(path) \(rate)")
                }
            }
            let socket = try node.webSocket()
            try socket.begin(0)
            for rate in ["0", "-1", "0.05", "21", "1e1", "\"2\"", "true", "[2]", "{}"] {
                try socket.send(#"{"type":"subscribe","id":1,"channel":"a","max-rate":\#(rate)}"#)
                let error = try socket.next("error")
                #expect(error.code == 400, "\(rate)")
            }
            try socket.send(#"{"type":"subscribe","id":1,"channel":"a/*","max-rate":2}"#)
            #expect(try socket.next("subscribed")["max-rate"] as? Double == 2)
            try socket.send(#"{"type":"subscribe","id":1,"channel":"a","max-rate":2.7}"#)
            #expect(try socket.next("subscribed")["max-rate"] as? Double == 2)
            try socket.send(#"{"type":"subscribe","id":2,"channel":"b","max-rate":null}"#)
            #expect(try socket.next("subscribed")["max-rate"] == nil)
        }
    }

    @Test("one WebSocket reads channels at rates of their own; what its address says is for the others")
    func commands() throws {
        try withPacedNode { node in
            let socket = try node.webSocket("?channel=a&max-rate=2")
            #expect(try socket.begin()[0]["max-rate"] as? Double == 2)
            // The second of b would come in ten seconds, which is longer than a busy machine takes for all of this.
            try socket.send(#"{"type":"subscribe","channel":"b","max-rate":0.1}"#)
            try socket.send(#"{"type":"subscribe","channel":"c"}"#)
            #expect(try socket.next("subscribed")["max-rate"] as? Double == 0.1)
            #expect(try socket.next("subscribed")["max-rate"] as? Double == 2)
            for number in 0..<5 { for channel in ["a", "b", "c"] { try node.publish(channel, "\(number)") } }
            var heard: [String: [String]] = [:]
            while heard["a"]?.count ?? 0 < 5 || heard["c"]?.count ?? 0 < 5 {
                let message = try socket.next("message")
                heard[message.channel ?? "", default: []].append(message.data ?? "")
            }
            #expect(heard["a"] == ["0", "1", "2", "3", "4"] && heard["c"] == heard["a"] && heard["b"] == ["0"])
            try socket.send(#"{"type":"unsubscribe","channel":"b"}"#)
            _ = try socket.next("unsubscribed")
            try eventually("nothing is held back for b") { node.metrics.hub.pacers.value == 2 }
        }
    }

    @Test("who reads a channel by a pattern, too, is told both together, each once, as often as the slower of them")
    func patterns() throws {
        try withPacedNode { node in
            let socket = try node.webSocket("?channel=p/a&max-rate=2")
            try socket.begin()
            try node.publish("p/a", "0")
            #expect(try socket.next("message").data == "0")
            // From before what is told with the first batch: whoever looks once it is there may be late.
            let began = Date()
            for number in 1..<4 { try node.publish("p/a", "\(number)") }
            try socket.send(#"{"type":"subscribe","channel":"p/*","max-rate":20}"#)
            // What was held back for it comes first: a client takes it that it has all up to where it is subscribed.
            #expect(try (1..<4).map { _ in try socket.next("message").data } == ["1", "2", "3"])
            #expect(try socket.next("subscribed")["max-rate"] as? Double == 2)
            for number in 4..<8 { try node.publish(number % 2 == 0 ? "p/a" : "p/b", "\(number)") }
            #expect(try (4..<8).map { _ in try socket.next("message").data } == ["4", "5", "6", "7"])
            #expect(Date().timeIntervalSince(began) >= 0.45)
            try socket.send(#"{"type":"unsubscribe","channel":"p/*"}"#)
            _ = try socket.next("unsubscribed")
            try node.publish("p/a", "8")
            #expect(try socket.next("message").data == "8")
        }
    }

    @Test("a rule's rate holds for who reads by a pattern, on every stream", arguments: Transport.streams)
    func ceilings(transport: Transport) throws {
        try withPacedNode { node in
            try node.publish("slow/a", "first")
            let reader = try TransportReader(transport, node, channels: ["slow/*"], parameters: "")
            try reader.begin()
            let began = Date()
            for number in 0..<20 {
                try node.publish("slow/\(number % 2 == 0 ? "a" : "b")", "\(number)")
                Thread.sleep(forTimeInterval: 0.03)
            }
            var told: [Int] = []
            while told.last != 19 {
                if let number = try reader.next()?.data.flatMap({ Int($0) }) { told.append(number) }
            }
            #expect(told == Array(0..<20))
            // Only those who are held back are told in batches, and nobody else reads.
            let batches = node.metrics.hub.paceBatches.value
            #expect(batches > 0 && Double(batches) <= Date().timeIntervalSince(began) * 5 + 2)
        }
    }

    @Test("a client of Bayeux says in its handshake how often it wants to be told, and is by long-polling, too")
    func bayeux() throws {
        try withPacedNode { node in
            let client = try BayeuxClient(node)
            for wrong: Any in ["2", 0.01, true, [2]] {
                let refused = try client.tryToShakeHands(ext: ["max-rate": wrong])
                #expect(refused["successful"] as? Bool == false)
                #expect((refused["error"] as? String)?.hasPrefix("400:max-rate:") == true, "\(refused)")
            }
            try client.shakeHands(ext: ["max-rate": 1])
            _ = try client.connect()
            try client.subscribe("/prices/a")
            var told: [String] = []
            let began = Date()
            for number in 0..<3 {
                for step in 0..<5 { try publish(node, "k\(step % 2)", "\(number)-\(step)") }
                let deliveries = try client.connect().filter { $0["data"] != nil }
                told += deliveries.compactMap { $0["data"] as? String }
            }
            #expect(told == ["0-3", "0-4", "1-3", "1-4", "2-3", "2-4"])
            #expect(Date().timeIntervalSince(began) >= 2.9)
        }
    }

    @Test("so is one of Bayeux with a WebSocket")
    func bayeuxSocket() throws {
        try withPacedNode { node in
            let client = try BayeuxSocketClient(ready: node, ext: ["max-rate": 0.5])
            #expect(
                try client.ask(["channel": "/meta/subscribe", "subscription": "/prices/a"])[0].isSuccessful == true
            )
            try eventually("it is held back") { node.metrics.hub.pacers.value == 1 }
            let began = Date()
            var told: [String] = []
            for number in 0..<2 {
                for step in 0..<4 { try publish(node, "k", "\(number)-\(step)") }
                while told.last != "\(number)-3" { told += try client.next().compactMap { $0["data"] as? String } }
            }
            #expect(told.count <= 4 && Date().timeIntervalSince(began) >= 1.9)
        }
    }

    @Test("compressed streams have the same batches, and newcomers in between get none of it twice")
    func compressed() throws {
        try withPacedNode {
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            var readers: [WebSocketClient] = []
            var newest: [String: Int] = [:]
            for number in 0..<400 {
                if number % 40 == 0 {
                    let target = "?channel=prices/a&max-rate=20"
                    readers.append(try node.webSocket(target, fields: CompressingNode.offer))
                    try readers.last?.begin()
                }
                try publish(node, "k\(number % 5)", "\(number) \(String(repeating: "tick ", count: 30))")
                newest["k\(number % 5)"] = number
            }
            for reader in readers {
                var (told, last) = ([String: Int](), -1)
                while told != newest {
                    let message = try reader.next("message")
                    let number = SlowReaderTests.number(message.data)
                    #expect(number > last)
                    (last, told[message["key"] as? String ?? ""]) = (number, number)
                }
            }
            try eventually("it is counted") { node.metrics.hub.compressedMessages.value > 0 }
        }
    }

    @Test(
        "streams that are compressed as a whole end well, also of who came between two batches",
        arguments: ContentCoding.allCases
    )
    func compressedStreams(_ coding: ContentCoding) throws {
        try withPacedNode {
            $0.limits.compressionFlushBytes = 1
        } _: { node in
            var streams: [(stream: EventStreamClient, token: String)] = []
            var newest: [String: Int] = [:]
            for number in 0..<300 {
                if number % 50 == 0 {
                    let stream = try node.eventStream(
                        "?channel=prices/a&max-rate=20",
                        fields: CompressingNode.fields(coding)
                    )
                    let token = try #require(try stream.next("welcome").message["session"] as? String)
                    try stream.next("subscribed")
                    streams.append((stream, token))
                }
                try publish(node, "k\(number % 5)", "\(number) \(String(repeating: "tick ", count: 30))")
                newest["k\(number % 5)"] = number
            }
            for (stream, token) in streams {
                var (told, last) = ([String: Int](), -1)
                while told != newest {
                    let message = try stream.next().message
                    guard message.type == "message" else { continue }
                    let number = SlowReaderTests.number(message.data)
                    #expect(number > last)
                    (last, told[message["key"] as? String ?? ""]) = (number, number)
                }
                let other = try node.eventStream(
                    "?channel=prices/a&session=\(token)",
                    fields: CompressingNode.fields(coding)
                )
                try stream.next("bye")
                #expect(try stream.nextOrEnd() == nil)
                #expect(stream.hasInflatedAll && stream.hasEndedWell)
                other.close()
            }
        }
    }

    @Test("strangers with ten thousand rates have a dozen feeds made, and not ten thousand")
    func manyRates() throws {
        try withPacedNode { node in
            let socket = try node.webSocket()
            try socket.begin(0)
            var sockets: [WebSocketClient] = []
            for number in 0..<120 {
                let rate = "\(number % 20).\(String(1_000 + number * 83 % 1_000).dropFirst())"
                guard MaxRate(rate) != nil else { continue }
                sockets.append(try node.webSocket("?channel=prices/a&session=none&max-rate=\(rate)"))
            }
            for socket in sockets { try socket.begin() }
            #expect(node.metrics.hub.pacers.value <= 12)
            for number in 0..<50 { try publish(node, "k", "\(number)") }
            for socket in sockets.prefix(100) where try socket.next("message").data != nil {}
            for socket in sockets { socket.close() }
            try eventually("nothing is held back") { node.metrics.hub.pacers.value == 0 }
        }
    }

    @Test("merge and pace: a reader that stood still has each key's newest, and goes on at its pace")
    func stopped() throws {
        try withPacedNode {
            $0.slowReader = .merge
            $0.limits.windowBytesMax = 65_536
        } _: { node in
            let padding = String(repeating: ".", count: 2_000)
            let slow = try node.webSocket("?channel=prices/a&max-rate=20", receiveBytes: 8_192)
            try slow.begin()
            var number = 0
            while node.metrics.hub.merges.value == 0 {
                guard number < 40_000 else { throw TestFailure("80 MB and nobody is slow") }
                try publish(node, "k\(number % 40)", "\(number) \(padding)")
                number += 1
            }
            var newest: [String: Int] = [:]
            var last = -1
            while newest.count < 40 || newest.values.min() ?? 0 < number - 40 {
                let message = try slow.next("message")
                let value = SlowReaderTests.number(message.data)
                #expect(value > last, "in order, each once")
                (last, newest[message["key"] as? String ?? ""]) = (value, value)
            }
            try publish(node, "k0", "end")
            #expect(try slow.next("message").data == "end")
            #expect(node.metrics.hub.disconnects.value == 0)
        }
    }

    @Test("a flood that is more than an answer has room for reaches a slow poll at once, each of it once")
    func floodOfPolls() throws {
        try withPacedNode {
            $0.limits.pollBytesMax = 20_000
        } _: { node in
            let client = try node.connect()
            let target = "/poll?channel=a&session=none&max-rate=0.1"
            try node.publish("a", "start")
            let history = try client.ask("GET", "/channels/a/history").json["publications"] as? [[String: Any]]
            var cursor = "a@\(history?.last?["position"] as? String ?? "")"
            let padding = String(repeating: ".", count: 2_000)
            for number in 0..<95 { try node.publish("a", "\(number) \(padding)") }
            let began = Date()
            var last = -1
            for _ in 0..<8 {
                let answer = try client.ask("GET", "\(target)&cursor=\(cursor)").json
                cursor = try #require(answer["cursor"] as? String)
                for each in answer["publications"] as? [[String: Any]] ?? [] {
                    let number = SlowReaderTests.number(each["data"] as? String)
                    #expect(number == last + 1)
                    last = number
                }
            }
            // The first of them to be held would be for ten seconds.
            #expect(last >= 70 && Date().timeIntervalSince(began) < 9)
        }
    }

    @Test("polls come as often as was asked for, and no oftener; the first, and who does not wait, at once")
    func polls() throws {
        try withPacedNode { node in
            let client = try node.connect()
            try publish(node, "k", "0")
            let target = "/poll?channel=prices/a&session=none&max-rate=4"
            let start = Date()
            var answer = try client.ask("GET", target)
            #expect(Date().timeIntervalSince(start) < 0.2 || answer.text.contains("snapshot"))
            let began = Date()
            for number in 1...4 {
                try publish(node, "k", "\(number)")
                let cursor = try #require(answer.json["cursor"] as? String)
                answer = try client.ask("GET", "\(target)&cursor=\(cursor.replacingOccurrences(of: "/", with: "%2F"))")
                #expect(answer.text.contains("\"\(number)\""), "\(answer.text)")
            }
            #expect(Date().timeIntervalSince(began) >= 0.99)
            let cursor = try #require(answer.json["cursor"] as? String)
            let now = Date()
            answer = try client.ask(
                "GET",
                "\(target)&wait=0&cursor=\(cursor.replacingOccurrences(of: "/", with: "%2F"))"
            )
            #expect(answer.status == 200 && Date().timeIntervalSince(now) < 5)
            // One that is left while it waits leaves nothing behind.
            try client.sendRequest("GET", "\(target)&cursor=\(cursor.replacingOccurrences(of: "/", with: "%2F"))")
            client.close()
            try eventually("its channel is let go of") { node.metrics.hub.topics.value == 0 }
        }
    }
}
