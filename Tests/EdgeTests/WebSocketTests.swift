import Broker
import Edge
import Foundation
import Hub
import TestRandomness
import Testing
import Wire

@Suite("WebSocket handshake")
struct WebSocketHandshakeTests {
    private func without(_ name: String, adding: [(String, String)] = []) -> [(String, String)] {
        WebSocketClient.handshake.filter { $0.0 != name } + adding
    }

    @Test("a right handshake is answered as the RFC's example")
    func accepts() throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask("GET", "/ws", WebSocketClient.handshake)
            #expect(answer.status == 101)
            #expect(answer["Upgrade"] == "websocket")
            #expect(answer["Connection"] == "Upgrade")
            #expect(answer["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(answer["Sec-WebSocket-Extensions"] == nil)
            #expect(answer["Sec-WebSocket-Protocol"] == nil)
        }
    }

    @Test("wrong handshakes are refused, and the connection goes on as HTTP")
    func refuses() throws {
        try withNode { node in
            let client = try node.connect()
            let cases: [([(String, String)], Int, String)] = [
                ([], 426, "Upgrade"),
                (without("Upgrade"), 426, "Upgrade"),
                (without("Upgrade", adding: [("Upgrade", "h2c")]), 426, "Upgrade"),
                (without("Connection"), 426, "Upgrade"),
                (without("Sec-WebSocket-Version"), 426, "Sec-WebSocket-Version"),
                (
                    without("Sec-WebSocket-Version", adding: [("Sec-WebSocket-Version", "8")]), 426,
                    "Sec-WebSocket-Version"
                ),
                (without("Sec-WebSocket-Key"), 400, "Sec-WebSocket-Key"),
                (without("Sec-WebSocket-Key", adding: [("Sec-WebSocket-Key", "c2hvcnQ=")]), 400, "Sec-WebSocket-Key"),
                (without("Sec-WebSocket-Key", adding: [("Sec-WebSocket-Key", "!")]), 400, "Sec-WebSocket-Key"),
            ]
            for (fields, status, field) in cases {
                let answer = try client.ask("GET", "/ws?channel=a", fields)
                #expect(answer.status == status)
                #expect(answer.errorField == field)
                #expect(answer["Sec-WebSocket-Version"] == "13")
                if status == 426 { #expect(answer["Upgrade"] == "websocket" && answer["Connection"] == "Upgrade") }
            }
            try client.send("GET /ws HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            #expect(try client.readAnswer().status == 426)
        }
    }

    @Test(
        "a list of protocols to upgrade to is read as one, in one line or in several",
        arguments: [
            ["h2c, websocket"], ["websocket,h2c"], ["h2c", "WebSocket"], ["websocket", "h2c"], ["  websocket\t"],
        ]
    )
    func upgradeList(_ lines: [String]) throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask("GET", "/ws", without("Upgrade", adding: lines.map { ("Upgrade", $0) }))
            #expect(answer.status == 101)
        }
    }

    @Test(
        "a protocol that only looks like it is none to upgrade to",
        arguments: ["websocket/13", "xwebsocket", "web socket"]
    )
    func notInList(_ value: String) throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask("GET", "/ws", without("Upgrade", adding: [("Upgrade", value)]))
            #expect(answer.status == 426)
        }
    }

    @Test("only GET upgrades")
    func refusesHead() throws {
        try withNode { node in
            let client = try node.connect()
            let answer = try client.ask("HEAD", "/ws", WebSocketClient.handshake)
            #expect(answer.status == 426)
            #expect(try client.ask("GET", "/healthz").status == 200)
        }
    }

    @Test("words of the handshake may be in any case and among others")
    func acceptsVariants() throws {
        try withNode { node in
            let fields = [
                ("connection", "keep-alive, upgrade"), ("UPGRADE", "WebSocket"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ]
            let answer = try node.ask("GET", "/ws", fields)
            #expect(answer.status == 101)
            #expect(answer["Sec-WebSocket-Extensions"] == nil)
        }
    }

    @Test(
        "one subprotocol of those that are offered is agreed on, and never one that carries a token",
        arguments: [
            (["json"], "json"), (["json, perseid"], "perseid"), (["v2, json"], "v2"), (["v2", "perseid"], "perseid"),
            (["bearer, sEcReT"], "bearer"), (["bearer", "sEcReT", "json"], "bearer"),
            (["json, bearer", "sEcReT"], "json"),
            (["perseid.bearer.sEcReT"], nil), (["perseid.bearer.sEcReT, perseid"], "perseid"),
            (["Perseid.Bearer.sEcReT , json"], "json"), (["bearer, perseid"], "bearer"), (["Bearer, sEcReT"], "Bearer"),
            ([""], nil), (["a b"], "a"), (["a;b, c"], "c"), ([",, \tx\t,"], "x"),
        ] as [([String], String?)]
    )
    func subprotocols(offered: [String], agreed: String?) throws {
        try withNode { node in
            let fields = WebSocketClient.handshake + offered.map { ("Sec-WebSocket-Protocol", $0) }
            let answer = try node.ask("GET", "/ws?session=none", fields)
            #expect(answer.status == 101)
            #expect(answer["Sec-WebSocket-Protocol"] == agreed)
            #expect(!answer.head.contains("sEcReT"))
            // Also where it is made only to say why it cannot be.
            let refused = try node.ask("GET", "/ws?session=nonsense", fields)
            #expect(refused.status == 101)
            #expect(refused["Sec-WebSocket-Protocol"] == agreed)
        }
    }

    @Test("pages of other sites may not connect, unless they are listed")
    func origins() throws {
        try withNode { configuration in
            configuration.allowedOrigins = ["https://listed.example"]
        } _: { node in
            func upgrade(_ origin: String) throws -> HTTPAnswer {
                try node.ask("GET", "/ws", WebSocketClient.handshake + [("Origin", origin)])
            }
            for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
                let answer = try upgrade(origin)
                #expect(answer.status == 403)
                #expect(answer.errorField == "Origin")
            }
            #expect(try upgrade("http://127.0.0.1:\(node.port)").status == 101)
            #expect(try upgrade("https://listed.example").status == 101)
        }
    }

    @Test(
        "parameters are checked before the upgrade",
        arguments: [
            ("?channel=", "channel"), ("?channel=a&format=x", "format"), ("?channel=a&cursor=x", "cursor"),
        ]
    )
    func parameters(query: String, field: String) throws {
        try withNode { node in
            let answer = try node.ask("GET", "/ws\(query)", WebSocketClient.handshake)
            #expect(answer.status == 400)
            #expect(answer.errorField == field)
        }
    }

    @Test("128 channels are taken, one more is not")
    func channelLimit() throws {
        try withNode { configuration in
            configuration.limits.requestTargetBytesMax = 8_192
        } _: { node in
            let query = "?" + (0..<128).map { "channel=c\($0)" }.joined(separator: "&")
            let refused = try node.ask("GET", "/ws\(query)&channel=one-more", WebSocketClient.handshake)
            #expect(refused.status == 400)
            #expect(refused.errorField == "channel")
            let socket = try node.webSocket(query + "&channel=c0")
            let subscribed = try socket.begin(128)
            #expect(Set(subscribed.compactMap(\.channel)).count == 128)
            try socket.send(#"{"type":"subscribe","id":1,"channel":"one-more"}"#)
            let error = try socket.next("error")
            #expect(error.code == 400)
            try socket.send(#"{"type":"unsubscribe","id":2,"channel":"c7"}"#)
            try socket.next("unsubscribed")
            try socket.send(#"{"type":"subscribe","id":3,"channel":"one-more"}"#)
            #expect(try socket.next("subscribed").id == 3)
            for number in [0, 64, 127] {
                try node.publish("c\(number)", "x")
                #expect(try socket.next("message").channel == "c\(number)")
            }
        }
    }
}

@Suite("WebSocket messages")
struct WebSocketMessageTests {
    @Test("welcome, subscribed, then every message once and in order")
    func messages() throws {
        try withNode { configuration in
            configuration.limits.heartbeatMilliseconds = 7_000
        } _: { node in
            let before = try node.publish("a", "before")
            let socket = try node.webSocket("?channel=a")
            let welcome = try socket.next("welcome")
            #expect(welcome["node"] as? String == "n1")
            #expect(welcome["heartbeat"] as? Int == 7)
            let subscribed = try socket.next("subscribed")
            #expect(subscribed.channel == "a")
            #expect(subscribed.position == before)
            #expect(subscribed.isRecovered == nil)
            let positions = try node.publish("a", (0..<200).map { Array("m\($0)".utf8) })
            for (number, position) in positions.enumerated() {
                let message = try socket.next("message")
                #expect(message.channel == "a")
                #expect(message.data == "m\(number)")
                #expect(message.position == position)
            }
        }
    }

    @Test("JSON, text and binary in their envelopes")
    func payloads() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a%2Fb")
            try socket.begin()
            try node.publish("a/b", "{\"x\":\n1}", json: true)
            try node.publish("a/b", "\"quoted\"\n")
            try node.publish("a/b", [[0xc3, 0x28]])
            let json = try socket.next("message")
            #expect((json["data"] as? [String: Any])?["x"] as? Int == 1)
            #expect(!json.text.contains("\n"))
            #expect(try socket.next("message").data == "\"quoted\"\n")
            #expect(try socket.next("message").data64 == "wyg=")
        }
    }

    @Test("several commands in one message, and binary as data64")
    func arrays() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(#"[{"type":"subscribe","channel":"a","id":1},{"type":"x"},{"type":"ping","id":2}]"#)
            var found: Set<String> = []
            while found.count < 3 { found.insert(try socket.next().type) }
            #expect(found == ["subscribed", "error", "pong"])
            try socket.send(#"[{"type":"publish","channel":"a","data64":"AP8=","id":3}]"#)
            while found.count < 5 {
                let message = try socket.next()
                found.insert(message.type)
                if message.type == "message" { #expect(message.data64 == "AP8=") }
            }
            #expect(found.isSuperset(of: ["published", "message"]))
        }
    }

    @Test("commands of one message wait for the budget like those of many, and none is lost")
    func arraysWait() throws {
        try withNode {
            $0.limits.commandsUnderWayMax = 2
        } _: { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            for round in 0..<3 {
                let publishes = (0..<100).map {
                    #"{"type":"publish","channel":"a","data":\#($0),"id":\#(round * 101 + $0)}"#
                }
                let last = #"{"type":"ping","id":\#(round * 101 + 100)}"#
                try socket.send("[\((publishes + [last]).joined(separator: ","))]")
            }
            for id in 0..<303 {
                let message = try socket.next()
                #expect(message.type == (id % 101 == 100 ? "pong" : "published"))
                // What is answered at once may overtake what the backplane has not answered.
                if message.type == "published" { #expect(message.id ?? 0 >= id - 3) }
            }
            try eventually("it is counted") { node.metrics.budgetWaits.value > 100 }
            #expect(try node.ask("GET", "/metrics").text.contains("perseid_publishes_total 300\n"))
        }
    }

    @Test("a binary frame is closed with 1003, and counted")
    func binaryFrame() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(.binary, [1, 2, 3])
            #expect(try socket.nextClose().code == 1_003)
            let metrics = try node.ask("GET", "/metrics").text
            #expect(metrics.contains("perseid_websocket_failures_total{code=\"1003\"} 1\n"))
        }
    }

    @Test("format=raw carries payloads and nothing else")
    func raw() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a&format=raw")
            try eventually("subscribed") { node.metrics.hub.subscriptions.value == 1 }
            try node.publish("a", "plain")
            try node.publish("a", "{\"x\": 1}", json: true)
            try node.publish("a", [[0xff]])
            #expect(try socket.nextFrame() == .text("plain"))
            #expect(try socket.nextFrame() == .text("{\"x\": 1}"))
            #expect(try socket.nextFrame() == .binary([0xff]))
            try socket.send(#"{"type":"ping"}"#)
            try socket.send("nonsense")
            try node.publish("a", "last")
            #expect(try socket.nextFrame() == .text("last"))
        }
    }

    @Test("a cursor resumes each of its channels")
    func resumes() throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 10
        } _: { node in
            let a = try node.publish("a", (0..<5).map { Array("a\($0)".utf8) })
            let b = try node.publish("b/c", (0..<5).map { Array("b\($0)".utf8) })
            let socket = try node.webSocket("?channel=a&channel=b%2Fc&channel=d&cursor=a@\(a[2]),b%252Fc@\(b[4])")
            try socket.next("welcome")
            var recovered: [String: Bool?] = [:]
            var data: [String] = []
            for _ in 0..<5 {
                let message = try socket.next()
                if message.type == "subscribed" {
                    recovered[message.channel ?? ""] = message.isRecovered
                } else {
                    data.append(message.data ?? "")
                }
            }
            #expect(recovered == ["a": true, "b/c": true, "d": nil])
            #expect(data == ["a3", "a4"])

            // Further back than is remembered: what there is, and the truth about it.
            try node.publish("a", (5..<40).map { Array("a\($0)".utf8) })
            let late = try node.webSocket("?channel=a&cursor=a@\(a[2])")
            let subscribed = try late.begin()[0]
            #expect(subscribed.isRecovered == false)
            let first = try late.next("message")
            let firstNumber = Int(first.data?.dropFirst() ?? "") ?? 0
            #expect(firstNumber > 3)
            for number in firstNumber + 1..<40 { #expect(try late.next("message").data == "a\(number)") }

            let foreign = try node.webSocket("?channel=a&cursor=a@99999999999999-0")
            #expect(try foreign.begin()[0].isRecovered == false)
        }
    }

    @Test("resuming again and again while publishing goes on misses and repeats nothing")
    func resumesUnderLoad() throws {
        try withNode { configuration in
            configuration.limits.historyCountMax = 1_000
        } _: { node in
            var cursor = try node.publish("a", "start")
            var next = 0
            for round in 0..<20 {
                let socket = try node.webSocket("?channel=a&cursor=a@\(cursor)")
                try node.publish("a", (0..<25).map { Array("\(round * 25 + $0)".utf8) })
                #expect(try socket.begin()[0].isRecovered == true)
                for _ in 0..<(round * 7) % 40 where next < (round + 1) * 25 {
                    let message = try socket.next("message")
                    #expect(message.data == "\(next)")
                    cursor = message.position ?? ""
                    next += 1
                }
                round % 2 == 0 ? socket.close() : socket.client.reset()
            }
            let socket = try node.webSocket("?channel=a&cursor=a@\(cursor)")
            #expect(try socket.begin()[0].isRecovered == true)
            while next < 500 {
                #expect(try socket.next("message").data == "\(next)")
                next += 1
            }
        }
    }

    @Test("a replay larger than what may wait for a client arrives whole")
    func resumesWithMuch() throws {
        try withNode { configuration in
            configuration.limits.outboxBytesMax = 65_536
        } _: { node in
            let first = try node.publish("a", "start")
            try node.publish("a", (0..<90).map { _ in [UInt8](repeating: 97, count: 20_000) })
            let socket = try node.webSocket("?channel=a&cursor=a@\(first)", receiveBytes: 8_192)
            #expect(try socket.begin()[0].isRecovered == true)
            for _ in 0..<90 { #expect(try socket.next("message").data?.count == 20_000) }
        }
    }
}

@Suite("WebSocket commands")
struct WebSocketCommandTests {
    @Test("what is unsubscribed from before its channel opened is not subscribed to afterwards")
    func unsubscribeWhileJoining() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            // In one segment: the channel opens only behind both.
            var bytes = ByteBuffer()
            for command in [
                #"{"type":"subscribe","id":1,"channel":"a"}"#, #"{"type":"unsubscribe","id":2,"channel":"a"}"#,
            ] {
                Array(command.utf8).withUnsafeBytes {
                    WebSocketEncoder.appendFrame(.text, payload: $0, mask: 7, to: &bytes)
                }
            }
            try socket.client.send(Array(bytes.bytes))
            #expect(try socket.next("unsubscribed").id == 2)
            try node.publish("a", "unheard")
            try socket.send(#"{"type":"ping","id":3}"#)
            #expect(try socket.next("pong").id == 3)
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 0 }
            try socket.send(#"{"type":"subscribe","id":4,"channel":"a"}"#)
            #expect(try socket.next("subscribed").id == 4)
        }
    }

    @Test("subscribe, publish, unsubscribe, ping")
    func commands() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            try socket.send(#"{"type":"subscribe","id":7,"channel":"a"}"#)
            let subscribed = try socket.next("subscribed")
            #expect(subscribed.id == 7 && subscribed.channel == "a" && subscribed.position == "0-0")
            try socket.send(#"{"type":"publish","id":"x\"1","channel":"a","data":{"n":[1, 2]}}"#)
            let both = try [socket.next(), socket.next()]
            let published = both.first { $0.type == "published" }
            let message = both.first { $0.type == "message" }
            #expect(published?["id"] as? String == "x\"1")
            #expect(published?.position != nil && published?.position == message?.position)
            #expect((message?["data"] as? [String: Any])?["n"] as? [Int] == [1, 2])
            try socket.send(#"{"type":"unsubscribe","id":8,"channel":"a"}"#)
            #expect(try socket.next("unsubscribed").id == 8)
            try node.publish("a", "unheard")
            try socket.send(#"{"type":"ping","id":9}"#)
            #expect(try socket.next("pong").id == 9)
            try socket.send(#"{"type":"subscribe","id":10,"channel":"a","since":"\#(published?.position ?? "")"}"#)
            #expect(try socket.next("subscribed").isRecovered == true)
            #expect(try socket.next("message").data == "unheard")
        }
    }

    @Test(
        "wrong commands are answered with an error and nothing else happens",
        arguments: [
            (#"{"type":"subscribe","id":1,"channel":""}"#, 400, true),
            (#"{"type":"subscribe","id":1,"channel":"a//b"}"#, 400, true),
            (#"{"type":"subscribe","id":1}"#, 400, true),
            (#"{"type":"subscribe","id":1,"channel":"b","since":"x"}"#, 400, true),
            (#"{"type":"subscribe","id":1,"channel":"a"}"#, 409, true),
            (#"{"type":"unsubscribe","id":1,"channel":"b"}"#, 404, true),
            (#"{"type":"publish","id":1,"channel":"a"}"#, 400, true),
            (#"{"type":"publish","id":1,"channel":"$sys","data":1}"#, 403, true),
            (#"{"type":"presence","id":1,"channel":"a"}"#, 404, true),
            (#"{"type":"dance","id":1}"#, 400, true),
            (#"{"id":1}"#, 400, true),
            (#"{"type":"ping","id":{}}"#, 400, false),
            ("[]", 400, false),
            ("{", 400, false),
            ("", 400, false),
        ]
    )
    func errors(command: String, code: Int, hasID: Bool) throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            try socket.send(command)
            let error = try socket.next("error")
            #expect(error.code == code)
            #expect((error.id == 1) == hasID)
            #expect((error["message"] as? String)?.isEmpty == false)
            try socket.send(#"{"type":"ping","id":2}"#)
            try socket.next("pong")
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 1 }
        }
    }

    @Test("publishing over a WebSocket needs the key its handshake showed")
    func keys() throws {
        try withNode { configuration in
            configuration.apiKeys = ["secret"].map(APIKey.init(secret:))
        } _: { node in
            let publish = #"{"type":"publish","id":1,"channel":"a","data":1}"#
            let stranger = try node.webSocket("?channel=a")
            try stranger.begin()
            try stranger.send(publish)
            #expect(try stranger.next("error").code == 401)
            let known = try node.webSocket(fields: [("Authorization", "Bearer secret")])
            try known.next("welcome")
            try known.send(publish)
            #expect(try known.next("published").id == 1)
            #expect(try stranger.next("message")["data"] as? Int == 1)
        }
    }

    @Test("commands right behind the handshake, many in one write, cut anywhere")
    func pipelined() throws {
        try withNode { node in
            let client = try node.connect()
            var bytes = TestClient.request("GET", "/ws", WebSocketClient.handshake, port: node.port)
            for number in 0..<50 {
                var frame = ByteBuffer()
                Array(#"{"type":"ping","id":\#(number)}"#.utf8).withUnsafeBytes {
                    WebSocketEncoder.appendText($0, mask: 0x0102_0304, to: &frame)
                }
                bytes += Array(frame.bytes)
            }
            var generator = SeededGenerator(seed: 11)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...60, using: &generator)
                try client.send(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            _ = try client.readHead()
            let socket = WebSocketClient(openedOn: client)
            try socket.next("welcome")
            for number in 0..<50 { #expect(try socket.next("pong").id == number) }
        }
    }

    @Test("a command in fragments, with a ping between them")
    func fragments() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            let command = Array(#"{"type":"subscribe","id":1,"channel":"é/😀"}"#.utf8)
            try socket.send(.text, Array(command[..<40]), isFinal: false)
            try socket.send(.ping, Array("between".utf8))
            #expect(try socket.nextFrame() == .pong(Array("between".utf8)))
            for (index, byte) in command[40...].enumerated() {
                try socket.send(.continuation, [byte], isFinal: index == command.count - 41)
            }
            let subscribed = try socket.next("subscribed")
            #expect(subscribed.channel == "é/😀")
            // The next message begins afresh.
            try socket.send(#"{"type":"ping","id":2}"#)
            #expect(try socket.next("pong").id == 2)
        }
    }
}

@Suite("WebSocket protocol")
struct WebSocketProtocolTests {
    @Test("pings are answered with their own bytes, pongs not at all")
    func pings() throws {
        try withNode { node in
            let socket = try node.webSocket()
            try socket.next("welcome")
            let payload = [UInt8](repeating: 7, count: 125)
            try socket.send(.pong, [1])
            try socket.send(.ping, payload)
            try socket.send(.ping, [])
            #expect(try socket.nextFrame() == .pong(payload))
            #expect(try socket.nextFrame() == .pong([]))
        }
    }

    @Test(
        "a close is answered in kind and the connection ends",
        arguments: [
            (1000, 1000), (1001, 1001), (3000, 3000), (4999, 4999), (nil, 1000),
        ] as [(UInt16?, Int)]
    )
    func closes(code: UInt16?, answer: Int) throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            try socket.sendClose(code)
            try socket.send(#"{"type":"ping"}"#)
            #expect(try socket.nextClose().code == answer)
            #expect(try socket.nextFrame() == nil)
            #expect(!socket.client.isReset)
            socket.close()
            try eventually("nobody is left") { node.metrics.webSocketConnections.value == 0 }
            try eventually("it is counted") { node.metrics.hub.subscriptions.value == 0 }
        }
    }

    @Test(
        "who breaks the protocol is told with which code",
        arguments: [
            ([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
            ([0x01, 0x81, 0, 0, 0, 0, 0xc3, 0x80, 0x81, 0, 0, 0, 0, 0x28], 1007),
            ([0x81, 0x02, 0x7b, 0x7d], 1002),
            ([0xc1, 0x80, 0, 0, 0, 0], 1002),
            ([0x83, 0x80, 0, 0, 0, 0], 1002),
            ([0x09, 0x80, 0, 0, 0, 0], 1002),
            ([0x80, 0x80, 0, 0, 0, 0], 1002),
            ([0x88, 0x81, 0, 0, 0, 0, 3], 1002),
            ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002),
            ([0x82, 0x81, 0, 0, 0, 0, 1], 1003),
            ([0x81, 0xfe, 0x03, 0xe9, 0, 0, 0, 0], 1009),
            ([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
        ] as [([UInt8], Int)]
    )
    func failures(bytes: [UInt8], code: Int) throws {
        try withNode { configuration in
            configuration.limits.messageBytesMax = 1_000
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            try socket.client.send(bytes)
            #expect(try socket.nextClose().code == code)
            #expect(try socket.nextFrame() == nil)
            #expect(!socket.client.isReset)
        }
    }

    @Test("a message over the limit in fragments is 1009, one at the limit is taken")
    func tooBig() throws {
        try withNode { configuration in
            configuration.limits.messageBytesMax = 1_000
        } _: { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            let frame = #"{"type":"publish","channel":"a","data":""}"#
            let data = String(repeating: "x", count: 1_000 - frame.utf8.count)
            try socket.send(frame.replacing("\"\"", with: "\"\(data)\""))
            let types = try [socket.next().type, socket.next().type]
            #expect(types.sorted() == ["message", "published"])
            try socket.send(.text, [UInt8](repeating: 32, count: 600), isFinal: false)
            try socket.send(.continuation, [UInt8](repeating: 32, count: 401))
            #expect(try socket.nextClose().code == 1009)
        }
    }
}
