import Backplane
import Broker
import Edge
import Foundation
import Hub
import Testing

/// Bayeux 1.0 over long-polling: what its specification says, and what its clients make of it.
@Suite("Bayeux")
struct BayeuxTests {
    private typealias Message = [String: Any]

    // MARK: Handshake

    @Test("handshake: ok")
    func handshake() throws {
        try withNode { node in
            let client = try BayeuxClient(node)
            let answer = try client.post(BayeuxClient.json([BayeuxClient.handshake]), path: "/bayeux/handshake")
            #expect(answer["Content-Type"] == "application/json;charset=UTF-8")
            #expect(answer["Cache-Control"] == "no-store, no-cache")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            let reply = try BayeuxClient.messages(answer)[0]
            #expect(reply["channel"] as? String == "/meta/handshake" && reply["id"] as? String == "h")
            #expect(reply.isSuccessful == true && reply.error == nil)
            #expect(reply["version"] as? String == "1.0" && reply["minimumVersion"] as? String == "1.0")
            let types = try #require(reply["supportedConnectionTypes"] as? [String])
            #expect(types == ["websocket", "eventsource", "long-polling", "cross-origin-long-polling"])
            let clientID = try #require(reply["clientId"] as? String)
            #expect(clientID.utf8.count == 64 && clientID.utf8.allSatisfy { ($0 | 0x20) > 0x60 || $0 < 0x3a })
            #expect(reply.reconnect == "retry" && reply.advice?["interval"] as? Int == 0)
            #expect(reply.advice?["timeout"] as? Int == 25_000)
        }
    }

    @Test("handshake: callback-polling is offered only where it is switched on")
    func callbackPollingOffered() throws {
        try withNode {
            $0.answersScripts = true
        } _: { node in
            let types = try BayeuxClient(node).shakeHands()["supportedConnectionTypes"] as? [String]
            #expect(types?.contains("callback-polling") == true)
        }
    }

    @Test(
        "handshake: what is wrong with it is told, and how to go on is not at all",
        arguments: [
            (#"{"supportedConnectionTypes": ["iframe", "flash"]}"#, "301:iframe flash:Connection types not supported"),
            (#"{"supportedConnectionTypes": null}"#, "400:supportedConnectionTypes:Missing field"),
            (#"{"supportedConnectionTypes": "long-polling"}"#, "400:supportedConnectionTypes:Wrong type of field"),
            (#"{"version": null}"#, "400:version:Missing field"),
            (#"{"version": 1}"#, "400:version:Wrong type of field"),
            (#"{"version": "2.0"}"#, "300:2.0:Version mismatch"), (#"{"minimumVersion": "1.1b"}"#, nil),
            (#"{"minimumVersion": "2.0"}"#, "300:2.0:Version mismatch"), (#"{"version": "1.0beta"}"#, nil),
        ]
    )
    func badHandshake(change: String, error: String?) throws {
        try withNode { node in
            let change = try #require(try JSONSerialization.jsonObject(with: Data(change.utf8)) as? Message)
            let message = BayeuxClient.handshake.merging(change) { $1 }
            let reply = try BayeuxClient.messages(BayeuxClient(node).post(BayeuxClient.json([message])))[0]
            #expect(reply.error == error)
            #expect(reply.isSuccessful == (error == nil))
            #expect(reply["channel"] as? String == "/meta/handshake")
            if error != nil { #expect(reply.reconnect == "none") }
        }
    }

    @Test("handshake: denied, for there are too many of one address")
    func deniedHandshake() throws {
        try withNode {
            $0.limits.sessionsPerAddressMax = 1
            $0.reactorCount = 1
        } _: { node in
            try BayeuxClient(node).shakeHands()
            let answer = try BayeuxClient(node).post(BayeuxClient.json([BayeuxClient.handshake]))
            let reply = try BayeuxClient.messages(answer)[0]
            #expect(reply.error == "429::Too many requests" && reply.isSuccessful == false)
            #expect(reply["clientId"] == nil)
        }
    }

    @Test("handshake: what is batched with it is ignored")
    func batchedHandshake() throws {
        try withNode { node in
            let other: Message = ["channel": "/meta/subscribe", "subscription": "/a", "clientId": "x", "id": "2"]
            let answer = try BayeuxClient(node).post(BayeuxClient.json([other, BayeuxClient.handshake]))
            let all = try BayeuxClient.messages(answer)
            #expect(all.count == 1 && all[0]["channel"] as? String == "/meta/handshake")
        }
    }

    // MARK: Connect

    @Test("the first connect is immediate, whatever it wants, and tells how long the next is held")
    func firstConnect() throws {
        try withNode { node in
            let client = try BayeuxClient(node)
            try client.shakeHands()
            let reply = try client.connect()[0]
            #expect(reply.isSuccessful == true && reply.advice?["timeout"] as? Int == 25_000)
        }
    }

    @Test("the second connect is held for its time, then answered with nothing")
    func secondConnect() throws {
        try withNode {
            $0.limits.pollMilliseconds = 4_000
        } _: { node in
            let client = try BayeuxClient(ready: node)
            let start = monotonicMilliseconds
            let all = try client.connect()
            #expect(monotonicMilliseconds - start >= 3_000)
            #expect(all.count == 1 && all[0].isSuccessful == true && all[0].reconnect == "retry")
            // Less than that if the client says so, and never more.
            let next = monotonicMilliseconds
            _ = try client.connect(advice: ["timeout": 0])
            #expect(monotonicMilliseconds - next < 3_000)
            _ = try client.connect(advice: ["timeout": 3_600_000])
            #expect(monotonicMilliseconds - next < 20_000)
        }
    }

    @Test("publish wakes it")
    func publishWakes() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.hold()
            // Also in a channel that it was given meanwhile.
            try client.subscribe("/room/1")
            #expect(client.isConnectSilent(for: 0.1))
            try node.publish("room/1", #"{"x":1}"#, json: true)
            let all = try client.readConnect()
            #expect(all.count == 2)
            #expect(all[0]["channel"] as? String == "/room/1" && all[0]["data"] as? [String: Int] == ["x": 1])
            #expect(all[1]["channel"] as? String == "/meta/connect" && all[1].isSuccessful == true)
            // What came between two connects comes with the next.
            try node.publish("room/1", "y")
            #expect(try client.connect().delivered == ["y"])
            try client.hold()
            try client.ask(["channel": "/meta/unsubscribe", "subscription": "/room/1"])
            try node.publish("room/1", "z")
            #expect(client.isConnectSilent(for: 0.1))
        }
    }

    @Test("publish and subscribe in one batch deliver in the same response")
    func batchDelivers() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            let all = try client.ask(
                ["channel": "/meta/subscribe", "subscription": "/a"],
                ["channel": "/a", "data": "x"]
            )
            #expect(all.delivered == ["x"])
            #expect(all.filter { $0.isSuccessful == true }.count == 2)
            // And not once more.
            try node.publish("a", "y")
            #expect(try client.connect().delivered == ["y"])
        }
    }

    @Test("a connect batched with a subscribe is not held")
    func batchedConnect() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            let all = try client.ask(
                ["channel": "/meta/connect", "connectionType": "long-polling"],
                ["channel": "/meta/subscribe", "subscription": "/a"]
            )
            #expect(all.reply("/meta/subscribe")?.isSuccessful == true)
            #expect(all.last?["channel"] as? String == "/meta/connect")
            try node.publish("a", "x")
            #expect(try client.connect().delivered == ["x"])
        }
    }

    @Test("duplicate connect: the old one fails, the new one is held, no message is lost")
    func duplicateConnect() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            try client.hold()
            let other = try node.connect()
            let body = try BayeuxClient.json([client.connectMessage()])
            try other.sendRequest("POST", "/bayeux", [("Content-Type", "application/json")], body: body)
            let failed = try client.readRawConnect()
            #expect(failed.status == 500 && failed["Connection"] == "close")
            try eventually("the new one is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("a", "x")
            #expect(try BayeuxClient.messages(other.readAnswer()).delivered == ["x"])
        }
    }

    @Test("two connects in one batch are one")
    func twoConnects() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            let connect: Message = ["channel": "/meta/connect", "connectionType": "long-polling"]
            let all = try client.ask(connect, connect)
            #expect(all.allSatisfy { $0["channel"] as? String == "/meta/connect" })
        }
    }

    @Test("session expiry is 402 and handshake; what a client does between its connects postpones it")
    func expiry() throws {
        try withNode {
            $0.limits.resumeMilliseconds = 6_000
        } _: { node in
            let client = try BayeuxClient(ready: node)
            for _ in 0..<4 {
                usleep(2_000_000)
                #expect(try client.publish("/a", 1).isSuccessful == true)
            }
            #expect(try client.connect(advice: ["timeout": 0])[0].isSuccessful == true)
            try eventually("it is over") { node.node.status.uplink.sessions.value == 0 }
            #expect(try client.publish("/a", 1).error == "402:\(client.clientID):Unknown client")
            let reply = try client.connect()[0]
            #expect(reply.error == "402:\(client.clientID):Unknown client")
            #expect(reply.isSuccessful == false && reply.reconnect == "handshake")
            #expect(reply.advice?["interval"] as? Int == 0)
        }
    }

    @Test("advice.interval of a client extends expiry")
    func clientInterval() throws {
        try withNode {
            $0.limits.resumeMilliseconds = 3_000
            // So often it is looked for those that are over.
            $0.limits.checkpointMilliseconds = 250
        } _: { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            _ = try client.connect(advice: ["timeout": 0, "interval": 600_000])
            usleep(7_000_000)
            #expect(try client.connect(advice: ["timeout": 0])[0].isSuccessful == true)
        }
    }

    @Test("disconnect wakes the connect with none, and is the end")
    func disconnect() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.hold()
            #expect(try client.ask(["channel": "/meta/disconnect"])[0].isSuccessful == true)
            let held = try client.readConnect()[0]
            #expect(held.isSuccessful == true && held.reconnect == "none")
            #expect(try client.connect()[0].reconnect == "handshake")
            // Once more is no fault, nor is it of somebody who never was.
            #expect(try client.ask(["channel": "/meta/disconnect"])[0].isSuccessful == true)
            #expect(try client.ask(["channel": "/meta/disconnect", "clientId": "nobody"])[0].isSuccessful == true)
        }
    }

    // MARK: Channels

    @Test("array subscribe: all of them, or none")
    func arraySubscribe() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            let reply = try client.subscribe(["/a", "/b/c"])
            #expect(reply["subscription"] as? [String] == ["/a", "/b/c"] && reply.isSuccessful == true)
            let faulty = try client.subscribe(["/d", "no slash"])
            #expect(faulty.isSuccessful == false && faulty.error == "405:no slash:Invalid channel")
            for channel in ["a", "d", "b/c"] { try node.publish(channel, channel) }
            #expect(try client.connect().delivered == ["a", "b/c"])
        }
    }

    @Test("echo of the subscription's shape and of a numeric id")
    func echo() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            let reply = try client.ask(["channel": "/meta/subscribe", "subscription": "/a", "id": 7])[0]
            #expect(reply["subscription"] as? String == "/a" && reply["id"] as? Int == 7)
            let uuid = "6f1c2f0e-ef0c-4f2b-9d6e-55d1d4c1f9aa"
            #expect(try client.ask(["channel": "/a", "data": 1, "id": uuid])[0]["id"] as? String == uuid)
            let wrong = try client.ask(["channel": "/a", "data": 1, "id": ["x"]])[0]
            #expect(wrong["id"] == nil && wrong.error == "400:id:Wrong type of field")
        }
    }

    @Test("no clientId, id or successful in deliveries, and no data in replies")
    func hygiene() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            let injected: Message = [
                "channel": "/a", "data": "x", "advice": ["reconnect": "none"], "successful": false, "error": "no",
                "connectionType": "long-polling", "subscription": "/x",
            ]
            let reply = try client.ask(injected)[0]
            #expect(reply["data"] == nil && reply["advice"] == nil && reply["subscription"] == nil)
            let delivery = try client.connect()[0]
            #expect(Set(delivery.keys) == ["channel", "data"])
        }
    }

    @Test("subscribing twice is no fault and moves nothing, nor is unsubscribing what is not there")
    func idempotent() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            try node.publish("a", "x")
            #expect(try client.subscribe("/a").isSuccessful == true)
            #expect(try client.connect().delivered == ["x"])
            let gone = try client.ask(["channel": "/meta/unsubscribe", "subscription": ["/b", "/c"]])[0]
            #expect(gone.isSuccessful == true)
        }
    }

    @Test("what is not JSON is a string; bytes are base64, with the field that binary names")
    func payloads() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            try node.publish("a", "say \"hi\"")
            try node.publish("a", [[0xff, 0x00, 0xfe]])
            try node.publish("a", "[1,\n2]", json: true)
            let all = try client.connect()
            #expect(all[0]["data"] as? String == "say \"hi\"")
            #expect(all[1]["data"] as? String == "/wD+")
            #expect((all[1]["ext"] as? Message)?["binary"] as? Message != nil)
            #expect(all[2]["data"] as? [Int] == [1, 2])
        }
    }

    @Test("services: subscribing to one is a success that does nothing, and nobody is there to be told")
    func services() throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            #expect(try client.subscribe("/service/x").isSuccessful == true)
            let reply = try client.publish("/service/x", 1)
            #expect(reply.error == "404:/service/x:Unknown channel" && reply.isSuccessful == false)
        }
    }

    @Test("a connection has no more channels than its limit, and is told which it does not get")
    func tooManyChannels() throws {
        try withNode {
            $0.limits.channelsPerConnectionMax = 2
        } _: { node in
            let client = try BayeuxClient(ready: node)
            #expect(try client.subscribe(["/a", "/b"]).isSuccessful == true)
            let reply = try client.subscribe("/c")
            #expect(reply.isSuccessful == false && reply.error == "413:/meta/subscribe:Too many subscriptions")
            try client.ask(["channel": "/meta/unsubscribe", "subscription": "/a"])
            #expect(try client.subscribe("/c").isSuccessful == true)
        }
    }

    // MARK: Bodies

    @Test(
        "form bodies: single, multi, mixed, and message= as text/plain",
        arguments: ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", nil]
    )
    func forms(type: String?) throws {
        try withNode { node in
            let client = try BayeuxClient(ready: node)
            func form(_ parts: [Any]) throws -> String {
                try parts.map {
                    let json = try BayeuxClient.json($0)
                    return "message=" + json.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
                }.joined(separator: "&")
            }
            let message = { client.complete(["channel": "/a", "data": "a b"]) }
            let single = try BayeuxClient.messages(client.post(form([message()]), type: type))
            #expect(single.count == 1 && single[0].isSuccessful == true)
            let several: [Any] = [message(), [message(), message()]]
            let mixed = try BayeuxClient.messages(client.post(form(several), type: type))
            #expect(mixed.count == 3)
            // A bare object is an array of one.
            let bare = try BayeuxClient.messages(client.post(BayeuxClient.json(message()), type: "application/json"))
            #expect(bare.count == 1)
        }
    }

    @Test(
        "what is no message is 400, and too many are 413",
        arguments: [
            ("", 400), ("[]", 400), ("{", 400), ("[1]", 400), ("[[{\"channel\":\"/a\"}]]", 400), ("7", 400),
            ("null", 400), ("message=", 400), ("[{}] x", 400), ("\u{FEFF}[]", 400),
            ("[" + [String](repeating: "{}", count: 129).joined(separator: ",") + "]", 413),
        ]
    )
    func malformed(body: String, status: Int) throws {
        try withNode { node in
            let client = try BayeuxClient(node)
            #expect(try client.post(body).status == status)
            #expect(try client.post(body, type: "text/plain").status == status)
        }
    }

    // MARK: Places

    @Test("what stands behind the mount point carries no meaning, and further mount points are a setting")
    func places() throws {
        try withNode { configuration in
            configuration.bayeuxPaths = ["/bayeux", "/cometd", "/deep/faye"]
        } _: { (node: TestNode) throws in
            for path in ["/bayeux", "/bayeux/", "/bayeux/connect", "/bayeux/x/y", "/cometd/handshake", "/deep/faye"] {
                #expect(try node.ask("POST", path, body: BayeuxClient.json([BayeuxClient.handshake])).status == 200)
            }
            for path in ["/bayeuxx", "/faye", "/deep", "/bayeux/client.js", "/bayeux.js"] {
                #expect(try node.ask("POST", path, body: "[]").status == 404)
            }
            #expect(try node.ask("GET", "/bayeux").status == 400)
            #expect(try node.ask("PUT", "/bayeux")["Allow"] == "GET, HEAD, POST, OPTIONS")
        }
    }

    @Test("CORS preflight with credentials, for the sites that are listed")
    func preflight() throws {
        try withNode {
            $0.allowedOrigins = ["https://app.example.org"]
        } _: { node in
            let fields = [
                ("Origin", "https://app.example.org"), ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "content-type,x-requested-with,pragma"),
            ]
            let answer = try node.ask("OPTIONS", "/bayeux/handshake", fields)
            #expect(answer.status == 204)
            #expect(answer["Access-Control-Allow-Origin"] == "https://app.example.org")
            #expect(answer["Access-Control-Allow-Credentials"] == "true")
            #expect(answer["Access-Control-Allow-Methods"]?.contains("POST") == true)
            let allowed = try #require(answer["Access-Control-Allow-Headers"]).lowercased()
            for field in ["content-type", "x-requested-with", "pragma", "accept", "authorization", "last-event-id"] {
                #expect(allowed.contains(field))
            }
            let body = try BayeuxClient.json([BayeuxClient.handshake])
            let listed = try node.ask("POST", "/bayeux", [fields[0]], body: body)
            #expect(listed.status == 200 && listed["Access-Control-Allow-Credentials"] == "true")
            #expect(listed["Vary"] == "Origin")
            let foreign = try node.ask("POST", "/bayeux", [("Origin", "https://evil.example")], body: body)
            #expect(foreign.status == 403)
        }
    }

    @Test("a node that drains answers connects, which go on elsewhere without 402")
    func draining() throws {
        try withNode {
            $0.limits.drainMilliseconds = 2_000
        } _: { node in
            let client = try BayeuxClient(ready: node)
            try client.hold()
            let draining = node.node
            Thread.detachNewThread { draining.stop() }
            let answer = try client.readRawConnect()
            #expect(answer["Connection"] == "close")
            let reply = try BayeuxClient.messages(answer)[0]
            #expect(reply.isSuccessful == true && reply.reconnect == "retry")
        }
    }

    @Test("publishing needs a key where there are keys: in a header, or in ext")
    func keys() throws {
        try withNode {
            $0.apiKeys = ["a-key-for-tests"].map(APIKey.init(secret:))
        } _: { node in
            let client = try BayeuxClient(ready: node)
            #expect(try client.publish("/a", 1).error == "403:/a:Forbidden")
            for ext in [["token": "a-key-for-tests"], ["authentication": ["token": "a-key-for-tests"]]] as [Message] {
                #expect(try client.ask(["channel": "/a", "data": 1, "ext": ext])[0].isSuccessful == true)
            }
            #expect(try client.ask(["channel": "/a", "data": 1, "ext": ["token": "x"]])[0].isSuccessful == false)
            let message = try BayeuxClient.json([client.complete(["channel": "/a", "data": 1])])
            let answer = try client.post(message, [("Authorization", "Bearer a-key-for-tests")])
            #expect(try BayeuxClient.messages(answer)[0].isSuccessful == true)
            #expect(try client.publish("/$presence/a", 1).error == "403:/$presence/a:Forbidden")
        }
    }
}
