import Broker
import Edge
import Foundation
import Hub
import Testing

/// Publications under keys, and channels of which only the newest of each key counts for whoever comes later.
@Suite("Keys")
struct KeyTests {
    /// `prices/**` is keyed, all else is not.
    private func withKeyedNode(
        _ change: (inout EdgeConfiguration) -> Void = { _ in },
        _ body: (TestNode) throws -> Void
    ) throws {
        let everything = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.anyone) })
        try withNode { configuration in
            configuration.rules = AccessRules(
                ["prices/**", "**"].map { text in
                    // bounded: these are patterns
                    AccessRules.Rule(
                        channels: AccessPattern(text)!,
                        permissions: everything,
                        isKeyed: text != "**"
                    )
                }
            )
            configuration.answersScripts = true
            change(&configuration)
        } _: { node in
            try body(node)
        }
    }

    @discardableResult
    private func publish(_ node: TestNode, _ key: String?, _ body: String, in channel: String = "prices/a") throws
        -> String
    {
        let target = "/channels/\(channel.replacingOccurrences(of: "/", with: "%2F"))"
        let answer = try node.ask("POST", target, key.map { [("Perseid-Key", $0)] } ?? [], body: body)
        guard answer.status == 200 else { throw TestFailure("\(answer.status) \(answer.text)") }
        return try answer.position
    }

    /// What a message says: its key and its data.
    private func told(_ message: Message) -> String {
        let value = message["removed"] as? Bool == true ? "gone" : message.data ?? "?"
        return "\(message["key"] as? String ?? "-")=\(value)"
            + (message["snapshot"] as? Bool == true ? " (snapshot)" : "")
    }

    private func read(_ reader: TransportReader, _ count: Int) throws -> [String] {
        try (0..<count).map { _ in told(try reader.next("message")) }
    }

    // MARK: Keys

    @Test("a key travels with its publication, on each way in and in history", arguments: ["prices/a", "plain"])
    func travels(channel: String) throws {
        try withKeyedNode { node in
            let path = "/channels/\(channel.replacingOccurrences(of: "/", with: "%2F"))"
            let socket = try node.webSocket("?channel=\(channel)")
            try socket.begin()
            #expect(try node.ask("POST", path, [("Perseid-Key", "gr\u{fc}n a b")], body: "1").status == 200)
            #expect(try node.ask("POST", path + "?key=b%20%22c", body: "2").status == 200)
            try socket.send(#"{"type":"publish","id":1,"channel":"\#(channel)","data":"3","key":"c"}"#)
            let line = #"{"channel":"\#(channel)","data":"4","key":"d"}"# + "\n"
            let lines = try node.connect()
            try lines.sendRequest("POST", "/publish", [("Connection", "close")], body: line)
            try node.publish(channel, "5")
            var heard: [String] = []
            while heard.count < 5 {
                let message = try socket.next()
                if message.type == "message" { heard.append(told(message)) }
            }
            #expect(Set(heard) == ["gr\u{fc}n a b=1", #"b "c=2"#, "c=3", "d=4", "-=5"])
            let history = try node.ask("GET", path + "/history").json["publications"] as? [[String: Any]] ?? []
            #expect(try Set(history.map { told(try Message($0)) }) == Set(heard))
        }
    }

    @Test("what is no key is refused, and nothing is published")
    func refused() throws {
        try withKeyedNode { node in
            let long = String(repeating: "k", count: 256)
            for target in ["?key=", "?key=%00", "?key=a%7F", "?key=\(long)", "?key=%ff"] {
                #expect(try node.ask("POST", "/channels/prices%2Fa\(target)", body: "x").status == 400, "\(target)")
            }
            #expect(try node.ask("POST", "/channels/prices%2Fa", [("Perseid-Key", long)], body: "x").status == 400)
            let both = try node.ask("POST", "/channels/prices%2Fa?key=a", [("Perseid-Key", "a")], body: "x")
            #expect(both.status == 400 && both.errorField == "key")
            #expect(try node.ask("DELETE", "/channels/prices%2Fa?key=").status == 400)
            for method in ["POST", "DELETE"] {
                let once = [("Idempotency-Key", long)]
                let answer = try node.ask(
                    method,
                    "/channels/prices%2Fa?key=a",
                    once,
                    body: method == "POST" ? "x" : nil
                )
                #expect(answer.status == 400 && answer.errorField == "Idempotency-Key", "\(method)")
            }
            let socket = try node.webSocket()
            try socket.begin(0)
            for field in [
                #""key":7,"data":1"#, #""key":"","data":1"#, #""key":"\u0000","data":1"#, #""key":"\#(long)","data":1"#,
                #""removed":true"#, #""key":"a","removed":true,"data":1"#, #""key":"a","removed":true,"data64":"""#,
                #""key":"a","removed":1"#, #""key":"a","removed":false"#,
            ] {
                try socket.send(#"{"type":"publish","channel":"prices/a",\#(field)}"#)
                #expect(try socket.next("error").code == 400, "\(field)")
            }
            let channel = try node.ask("GET", "/channels/prices%2Fa").json
            #expect(channel["position"] as? String == "0-0")
        }
    }

    @Test("a removal that is asked for again by its Idempotency-Key is answered as the first time, and told once")
    func once() throws {
        try withKeyedNode { node in
            let socket = try node.webSocket("?channel=prices/a")
            try socket.begin()
            func remove(_ once: String) throws -> HTTPAnswer {
                try node.ask("DELETE", "/channels/prices%2Fa?key=eur", [("Idempotency-Key", once)])
            }
            let first = try remove("one")
            try publish(node, "eur", "2")
            #expect(first.status == 200)
            let position = try first.json["position"] as? String
            #expect(try remove("one").json["position"] as? String == position)
            #expect(try socket.next("message")["removed"] as? Bool == true)
            #expect(try socket.next("message").data == "2")
            let other = try remove("two").json["position"] as? String
            #expect(other != position)
            #expect(try socket.next("message")["position"] as? String == other)
        }
    }

    @Test(
        "a reader by Bayeux is told in `ext` what a delivery is about, and that it is gone; of what has no key it is told nothing more"
    )
    func bayeux() throws {
        try withKeyedNode { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/prices/a")
            func next() throws -> [String] {
                for _ in 0..<20 {
                    let told = try client.connect(advice: ["timeout": 500]).filter { $0["data"] != nil }
                    if told.isEmpty { continue }
                    return told.map { delivery in
                        let ext = delivery["ext"] as? [String: Any]
                        let isGone = ext?["removed"] as? Bool == true && delivery["data"] is NSNull
                        let value = isGone ? "gone" : delivery["data"] as? String ?? "?"
                        return "\(ext?["key"] as? String ?? "-")=\(value) \(ext?.count ?? 0)"
                    }
                }
                return []
            }
            try publish(node, "e\"u", "1")
            #expect(try next() == ["e\"u=1 1"])
            #expect(try node.ask("DELETE", "/channels/prices%2Fa?key=e%22u").status == 200)
            #expect(try next() == ["e\"u=gone 2"])
            try publish(node, nil, "2")
            #expect(try next() == ["-=2 0"])
            // Who asks for all that is there is told the newest of each key.
            let replaying = try BayeuxClient(node)
            try replaying.shakeHands(ext: ["replay": true])
            _ = try replaying.connect()
            try replaying.subscribe("/prices/a", ext: ["replay": ["/prices/a": -2]])
            let all = try replaying.connect(advice: ["timeout": 0]).filter { $0["data"] != nil }
            let keys = all.map { ($0["ext"] as? [String: Any])?["key"] as? String ?? "-" }
            #expect(keys == ["e\"u", "-"])
        }
    }

    @Test("a newcomer to a pattern is told the newest of each key of each channel, then what follows")
    func pattern() throws {
        try withKeyedNode { node in
            for number in 0..<6 {
                try publish(node, "k\(number % 2)", "\(number)", in: "prices/a")
                try publish(node, "k\(number % 3)", "\(number)", in: "prices/b")
            }
            let reader = try TransportReader(.webSocket, node, channels: ["prices/*"])
            var told: [String: [String]] = [:]
            for _ in 0..<5 {
                let message = try reader.next("message")
                told[message["channel"] as? String ?? "", default: []].append(self.told(message))
            }
            #expect(told["prices/a"] == ["k0=4", "k1=5"].map { "\($0) (snapshot)" })
            #expect(told["prices/b"] == ["k0=3", "k1=4", "k2=5"].map { "\($0) (snapshot)" })
            try publish(node, "k1", "6", in: "prices/a")
            #expect(self.told(try reader.next("message")) == "k1=6")
        }
    }

    @Test("a removal is told as such: by DELETE, by command and by line; raw readers get null")
    func removals() throws {
        try withKeyedNode { node in
            let socket = try node.webSocket("?channel=prices/a")
            try socket.begin()
            let raw = try node.webSocket("?channel=prices/a&format=raw")
            try eventually("both read") { node.metrics.hub.subscriptions.value == 2 }
            try publish(node, "eur", "1")
            #expect(try node.ask("DELETE", "/channels/prices%2Fa?key=eur").status == 200)
            let publisher = try node.webSocket()
            try publisher.begin(0)
            try publisher.send(#"{"type":"publish","channel":"prices/a","key":"usd","removed":true}"#)
            _ = try publisher.next("published")
            #expect(told(try socket.next("message")) == "eur=1")
            #expect(told(try socket.next("message")) == "eur=gone")
            #expect(told(try socket.next("message")) == "usd=gone")
            let frames = try (0..<3).map { _ in try raw.nextFrame() }
            #expect(frames == [.text("1"), .text("null"), .text("null")])
        }
    }

    // MARK: Keyed channels

    @Test("a newcomer gets the newest of each key, marked, and then what follows", arguments: Transport.allCases)
    func snapshot(transport: Transport) throws {
        try withKeyedNode { node in
            for number in 0..<300 { try publish(node, "k\(number % 3)", "\(number)") }
            #expect(try node.ask("DELETE", "/channels/prices%2Fa?key=k1").status == 200)
            try publish(node, nil, "plain")
            let reader = try TransportReader(transport, node, channels: ["prices/a"])
            let first = try read(reader, 4)
            #expect(first == ["k0=297", "k2=299", "k1=gone", "-=plain"].map { "\($0) (snapshot)" })
            try publish(node, "k0", "300")
            #expect(try read(reader, 1) == ["k0=300"])
        }
    }

    @Test("who comes back gets what changed, once and merged, and no gap", arguments: Transport.allCases)
    func resumes(transport: Transport) throws {
        try withKeyedNode { node in
            for number in 0..<10 { try publish(node, "k\(number)", "old") }
            let reader = try TransportReader(transport, node, channels: ["prices/a"])
            #expect(try read(reader, 10).allSatisfy { $0.hasSuffix("=old (snapshot)") })
            let cursor = reader.cursor
            // More than a node keeps in mind of a channel, so the backplane is asked.
            for number in 0..<500 { try publish(node, "k\(number % 2)", "\(number)") }
            let resumed = try TransportReader(transport, node, channels: ["prices/a"], cursor: cursor)
            #expect(try read(resumed, 2) == ["k0=498", "k1=499"])
            try publish(node, "k9", "new")
            #expect(try read(resumed, 1) == ["k9=new"])
        }
    }

    @Test("whoever stood at what was replaced lacks nothing; whoever stood before what was forgotten is told")
    func floor() throws {
        try withKeyedNode {
            $0.limits.keysMax = 3
        } _: { node in
            let first = try publish(node, "a", "1")
            let second = try publish(node, "a", "2")
            try publish(node, "b", "3")
            try publish(node, "a", "4")
            for position in ["0-0", first, second] {
                let socket = try node.webSocket("?channel=prices/a&cursor=prices%2Fa@\(position)")
                #expect(try socket.begin()[0].isRecovered == true, "\(position)")
                #expect([told(try socket.next("message")), told(try socket.next("message"))] == ["b=3", "a=4"])
            }
            // Five keys, of which three are kept.
            for key in ["c", "d", "e"] { try publish(node, key, "5") }
            let late = try node.webSocket("?channel=prices/a&cursor=prices%2Fa@\(second)")
            #expect(try late.begin()[0].isRecovered == false)
            #expect(try (0..<3).map { _ in told(try late.next("message")) } == ["c=5", "d=5", "e=5"])
            let newcomer = try node.webSocket("?channel=prices/a")
            let subscribed = try newcomer.begin()[0]
            #expect(subscribed.isRecovered == nil && subscribed["keyed"] as? Bool == true)
            #expect(try (0..<3).map { _ in told(try newcomer.next()) } == ["c", "d", "e"].map { "\($0)=5 (snapshot)" })
        }
    }

    @Test("a snapshot that breaks off goes on where it was")
    func brokenSnapshot() throws {
        try withKeyedNode { node in
            for number in 0..<50 { try publish(node, "k\(number)", "\(number)") }
            let socket = try node.webSocket("?channel=prices/a")
            let start = try socket.begin()[0].position ?? ""
            #expect(start == "0-0")
            var position = start
            for _ in 0..<20 { position = try socket.next("message").position ?? "" }
            socket.close()
            try publish(node, "k40", "newer")
            let resumed = try node.webSocket("?channel=prices/a&cursor=prices%2Fa@\(position)")
            #expect(try resumed.begin()[0].isRecovered == true)
            let rest = try (0..<30).map { _ in told(try resumed.next("message")) }
            #expect(rest.first == "k20=20" && rest.last == "k40=newer" && Set(rest).count == 30)
        }
    }

    @Test("other channels are as they were: nothing is told of what came before")
    func plainChannels() throws {
        try withKeyedNode { node in
            try publish(node, "k", "1", in: "plain")
            try publish(node, "k", "2", in: "plain")
            let socket = try node.webSocket("?channel=plain")
            #expect(try socket.begin()[0]["keyed"] == nil)
            try publish(node, "k", "3", in: "plain")
            #expect(told(try socket.next()) == "k=3")
            let all = try node.webSocket("?channel=plain&cursor=plain@0-0")
            try all.begin()
            #expect(try (0..<3).map { _ in told(try all.next("message")) } == ["k=1", "k=2", "k=3"])
        }
    }

    // MARK: Readers that do not keep up

    @Test("merge: a stopped reader costs nothing, and gets each key's newest once it reads")
    func merges() throws {
        try withKeyedNode {
            $0.slowReader = .merge
            $0.limits.windowBytesMax = 65_536
        } _: { node in
            let padding = String(repeating: ".", count: 2_000)
            let slow = try node.webSocket("?channel=prices/a", receiveBytes: 8_192)
            let fast = try node.webSocket("?channel=prices/a")
            try slow.begin()
            try fast.begin()
            var number = 0
            while node.metrics.hub.merges.value == 0 {
                guard number < 20_000 else { throw TestFailure("40 MB and nobody is slow") }
                try publish(node, "k\(number % 20)", "\(number) \(padding)")
                _ = try fast.next("message")
                number += 1
            }
            try eventually("it is no reader of the log") { node.metrics.hub.subscriptions.value == 1 }
            for _ in 0..<200 {
                try publish(node, "k\(number % 20)", "\(number) \(padding)")
                _ = try fast.next("message")
                number += 1
            }
            #expect(node.metrics.hub.logBytes.value <= 2 * FanoutLog.idleBytesMax + 65_536)
            var newest: [String: Int] = [:]
            var last = -1
            while newest.count < 20 || newest.values.min() ?? 0 < number - 20 {
                let message = try slow.next("message")
                let value = SlowReaderTests.number(message.data)
                #expect(value > last, "in order, each once")
                last = value
                newest[message["key"] as? String ?? ""] = value
            }
            try eventually("it reads the log again") { node.metrics.hub.subscriptions.value == 2 }
            try publish(node, "k0", "end")
            #expect(try slow.next("message").data == "end")
            #expect(node.metrics.hub.disconnects.value == 0)
        }
    }
}
