import Backplane
import Broker
import Edge
import Foundation
import Hub
import Testing

/// What strangers send, and what each of it is answered: the error that Bayeux has for it, at once, and nothing that stays.
@Suite("Hostile clients of Bayeux")
struct HostileBayeuxTests {
    /// One message by itself, and what it is answered; `ID` stands for the client's own id.
    struct Row: CustomTestStringConvertible, Sendable {
        let message: String
        let error: String?
        var testDescription: String { String(message.prefix(80)) }

        init(_ message: String, _ error: String?) {
            self.message = message
            self.error = error
        }
    }

    private static let connect = #""channel":"/meta/connect","clientId":"ID""#
    private static let subscribe = #""channel":"/meta/subscribe","clientId":"ID""#
    private static let handshake = #""channel":"/meta/handshake""#
    private static let types = #""supportedConnectionTypes":["long-polling"]"#
    private static let deep = String(repeating: "/a", count: 33)
    private static let nested = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    private static let long = String(repeating: "x", count: 300)

    static let rows: [Row] = [
        // Wrong types, and fields that are missing.
        Row("{}", "400:channel:Missing field"),
        Row(#"{"channel":null}"#, "400:channel:Missing field"),
        Row(#"{"channel":7}"#, "400:channel:Wrong type of field"),
        Row(#"{"channel":["/a"]}"#, "400:channel:Wrong type of field"),
        Row(#"{"channel":{}}"#, "400:channel:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":7,"data":1}"#, "400:clientId:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":{},"data":1}"#, "400:clientId:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID"}"#, "400:data:Missing field"),
        Row(#"{"channel":"/a","clientId":"ID","data":null}"#, nil),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"id":true}"#, "400:id:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"id":{"a":1}}"#, "400:id:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"id":"\#(long)"}"#, "400:id:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"ext":7}"#, "400:ext:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"ext":[]}"#, "400:ext:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"ext":{"ack":{},"timesync":[],"replay":7,"token":{}}}"#, nil),
        Row(#"{\#(connect)}"#, "400:connectionType:Missing field"),
        Row(#"{\#(connect),"connectionType":7}"#, "400:connectionType:Wrong type of field"),
        Row(#"{\#(connect),"connectionType":"telepathy"}"#, "301:telepathy:Connection types not supported"),
        Row(#"{\#(connect),"connectionType":"long-polling","advice":7}"#, "400:advice:Wrong type of field"),
        Row(
            #"{\#(connect),"connectionType":"long-polling","advice":{"timeout":"0"}}"#,
            "400:advice:Wrong type of field"
        ),
        Row(#"{\#(connect),"connectionType":"long-polling","advice":{"timeout":-1}}"#, nil),
        Row(#"{\#(connect),"connectionType":"long-polling","advice":{"timeout":0,"interval":1e300}}"#, nil),
        Row(#"{"channel":"/meta/connect","connectionType":"long-polling"}"#, "400:clientId:Missing field"),
        Row(#"{\#(subscribe)}"#, "400:subscription:Missing field"),
        Row(#"{\#(subscribe),"subscription":7}"#, "400:subscription:Wrong type of field"),
        Row(#"{\#(subscribe),"subscription":[]}"#, "400:subscription:Missing field"),
        Row(#"{\#(subscribe),"subscription":["/a",7]}"#, "400:subscription:Wrong type of field"),
        Row(#"{\#(subscribe),"subscription":[["/a"]]}"#, "400:subscription:Wrong type of field"),
        Row(#"{\#(subscribe),"subscription":{"a":1}}"#, "400:subscription:Wrong type of field"),
        Row(#"{"channel":"/meta/unsubscribe","clientId":"ID"}"#, "400:subscription:Missing field"),
        Row(#"{"channel":"/meta/subscribe","subscription":"/a"}"#, "400:clientId:Missing field"),
        // Handshakes.
        Row(#"{\#(handshake)}"#, "400:version:Missing field"),
        Row(#"{\#(handshake),"version":"1.0"}"#, "400:supportedConnectionTypes:Missing field"),
        Row(#"{\#(handshake),"version":1.0,\#(types)}"#, "400:version:Wrong type of field"),
        Row(#"{\#(handshake),"version":"","supportedConnectionTypes":[]}"#, "300::Version mismatch"),
        Row(#"{\#(handshake),"version":"9.9",\#(types)}"#, "300:9.9:Version mismatch"),
        Row(#"{\#(handshake),"version":"<script>",\#(types)}"#, "300::Version mismatch"),
        Row(
            #"{\#(handshake),"version":"1.0","minimumVersion":[],\#(types)}"#,
            "400:minimumVersion:Wrong type of field"
        ),
        Row(#"{\#(handshake),"version":"1.0","supportedConnectionTypes":[]}"#, "301::Connection types not supported"),
        Row(
            #"{\#(handshake),"version":"1.0","supportedConnectionTypes":[1,null,{}]}"#,
            "301::Connection types not supported"
        ),
        Row(
            #"{\#(handshake),"version":"1.0","supportedConnectionTypes":["flash","a:b\"c"]}"#,
            "301::Connection types not supported"
        ),
        // Channels that may not be.
        Row(#"{"channel":"","clientId":"ID","data":1}"#, "405::Invalid channel"),
        Row(#"{"channel":"/","clientId":"ID","data":1}"#, "405:/:Invalid channel"),
        Row(#"{"channel":"a","clientId":"ID","data":1}"#, "405:a:Invalid channel"),
        Row(#"{"channel":"//a","clientId":"ID","data":1}"#, "405://a:Invalid channel"),
        Row(#"{"channel":"/a/","clientId":"ID","data":1}"#, "405:/a/:Invalid channel"),
        Row(#"{"channel":"/a b","clientId":"ID","data":1}"#, "405:/a b:Invalid channel"),
        Row(#"{"channel":"/a?b","clientId":"ID","data":1}"#, "405::Invalid channel"),
        Row(#"{"channel":"/ü","clientId":"ID","data":1}"#, "405::Invalid channel"),
        Row(#"{"channel":"/a\u0000b","clientId":"ID","data":1}"#, "405::Invalid channel"),
        Row(#"{"channel":"/\#(long)","clientId":"ID","data":1}"#, "405::Invalid channel"),
        Row(#"{"channel":"\#(deep)","clientId":"ID","data":1}"#, "405:\(deep):Invalid channel"),
        Row(#"{"channel":"/a/*","clientId":"ID","data":1}"#, "405:/a/*:Invalid channel"),
        Row(#"{"channel":"/**","clientId":"ID","data":1}"#, "405:/**:Invalid channel"),
        Row(#"{"channel":"/a*","clientId":"ID","data":1}"#, "405:/a*:Invalid channel"),
        Row(#"{"channel":"/$presence/a","clientId":"ID","data":1}"#, "403:/$presence/a:Forbidden"),
        Row(#"{"channel":"/meta","clientId":"ID","data":1}"#, "403:/meta:Forbidden"),
        Row(#"{"channel":"/meta/x","clientId":"ID","data":1}"#, "403:/meta/x:Forbidden"),
        Row(#"{"channel":"/meta/subscribe/x","clientId":"ID","subscription":"/a"}"#, "403:/meta/subscribe/x:Forbidden"),
        Row(#"{"channel":"/meta/handshake/","version":"1.0",\#(types)}"#, "405:/meta/handshake/:Invalid channel"),
        Row(#"{"channel":"/meta/HANDSHAKE","version":"1.0",\#(types)}"#, "403:/meta/HANDSHAKE:Forbidden"),
        Row(#"{"channel":"/service/x","clientId":"ID","data":1}"#, "404:/service/x:Unknown channel"),
        Row(#"{\#(subscribe),"subscription":"/meta/connect"}"#, "403:/meta/connect:Forbidden"),
        Row(#"{\#(subscribe),"subscription":["/a","/meta/**"]}"#, "403:/meta/**:Forbidden"),
        Row(#"{\#(subscribe),"subscription":"/a/*/b"}"#, "405:/a/*/b:Invalid channel"),
        Row(#"{\#(subscribe),"subscription":"/a/b*"}"#, "405:/a/b*:Invalid channel"),
        Row(#"{\#(subscribe),"subscription":"a"}"#, "405:a:Invalid channel"),
        Row(#"{\#(subscribe),"subscription":"/a","ext":{"replay":{"/a":"x","/b":[],"/c":1e99}}}"#, nil),
        // What another reader would see something else in.
        Row(#"{"channel":"/meta/handshake","channel":"/a","clientId":"ID","data":1}"#, nil),
        Row(#"{"channel":"\/a","clientId":"ID","data":{"__proto__":{"x":1}}}"#, nil),
        Row(#"{"channel":"/meta\u002fhandshake","clientId":"ID"}"#, "400:version:Missing field"),
        Row(#"{"channel":"/meta\u002Fx","clientId":"ID","data":1}"#, "403:/meta/x:Forbidden"),
        Row(#"{"channel":"/service/../meta/connect","clientId":"ID"}"#, "404:/service/../meta/connect:Unknown channel"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"id":123456789012345678901234567890}"#, nil),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"id":[[7]]}"#, "400:id:Wrong type of field"),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"ext":{"x":\#(nested)}}"#, nil),
        Row(#"{"channel":"/a","clientId":"ID","data":1,"ext":{"token":7,"authentication":[]}}"#, nil),
        Row(#"{\#(connect),"connectionType":"long-polling","advice":{"timeout":-1e999}}"#, nil),
        Row(
            #"{\#(connect),"connectionType":"long-polling","advice":{"timeout":"NaN"}}"#,
            "400:advice:Wrong type of field"
        ),
        Row(
            #"{\#(connect),"connectionType":"long-polling","advice":{"timeout":0,"interval":-5},"ext":{"ack":-1}}"#,
            nil
        ),
        Row(#"{\#(connect),"connectionType":"long-polling","advice":{"timeout":0},"ext":{"ack":1e999}}"#, nil),
        Row(#"{\#(connect),"connectionType":["long-polling"]}"#, "400:connectionType:Wrong type of field"),
        // Sessions of others, and of nobody.
        Row(#"{"channel":"/a","data":1}"#, "402::Unknown client"),
        Row(#"{"channel":"/a","data":1,"clientId":""}"#, "402::Unknown client"),
        Row(#"{"channel":"/a","data":1,"clientId":"nobody"}"#, "402:nobody:Unknown client"),
        Row(#"{"channel":"/a","data":1,"clientId":"a:b\r\nc"}"#, "402::Unknown client"),
        Row(#"{"channel":"/a","data":1,"clientId":"\#(long)"}"#, "402::Unknown client"),
        Row(#"{"channel":"/a","data":1,"clientId":"OTHER"}"#, "402:OTHER:Unknown client"),
        Row(#"{"channel":"/meta/subscribe","clientId":"OTHER","subscription":"/a"}"#, "402:OTHER:Unknown client"),
        Row(
            #"{"channel":"/meta/connect","clientId":"OTHER","connectionType":"long-polling"}"#,
            "402:OTHER:Unknown client"
        ),
        Row(#"{"channel":"/meta/connect","clientId":"ID0","connectionType":"long-polling"}"#, "402:ID0:Unknown client"),
    ]

    @Test("each gets the error that the reference names")
    func table() throws {
        #expect(Self.rows.count >= 90)
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            let victim = try BayeuxClient(ready: node)
            try victim.subscribe("/kept")
            for row in Self.rows {
                // The right name with a secret that was guessed.
                let guess = String(victim.clientID.prefix(32)) + String(repeating: "0", count: 32)
                func filled(_ text: String) -> String {
                    text.replacingOccurrences(of: "\"ID\"", with: "\"\(client.clientID)\"")
                        .replacingOccurrences(of: "ID0", with: "\(client.clientID)0")
                        .replacingOccurrences(of: "OTHER", with: guess)
                }
                let answer = try client.post("[\(filled(row.message))]")
                let replies = try BayeuxClient.messages(answer)
                let reply = try #require(replies.last, "\(row.message)")
                #expect(reply.error == row.error.map(filled), "\(row.message)")
                #expect(reply.isSuccessful == (row.error == nil), "\(row.message)")
            }
            // Nobody else noticed.
            try node.publish("kept", "x")
            #expect(try victim.connect().delivered == ["x"])
        }
    }

    @Test("the same over a WebSocket, which stays open and is of use")
    func tableOverSocket() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxSocketClient(ready: node)
            for row in Self.rows where !row.message.contains("/meta/handshake\"") {
                let text = row.message.replacingOccurrences(of: "\"ID\"", with: "\"\(client.clientID)\"")
                    .replacingOccurrences(of: "ID0", with: "\(client.clientID)0")
                try client.socket.send("[\(text)]")
                var reply: [String: Any]?
                while reply == nil { reply = try client.next().first { $0["successful"] != nil } }
                #expect(
                    reply?.error == row.error?.replacingOccurrences(of: "ID0", with: "\(client.clientID)0"),
                    "\(row.message)"
                )
            }
            #expect(try client.ask(["channel": "/meta/subscribe", "subscription": "/z"])[0].isSuccessful == true)
        }
    }

    @Test("huge batches, deep and large JSON")
    func huge() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            let one = try BayeuxClient.json(client.complete(["channel": "/a", "data": 1]))
            let most = try BayeuxClient.messages(
                client.post("[" + [String](repeating: one, count: 128).joined(separator: ",") + "]")
            )
            #expect(most.count == 128 && most.allSatisfy { $0.isSuccessful == true })
            #expect(
                try client.post("[" + [String](repeating: one, count: 129).joined(separator: ",") + "]").status == 413
            )
            for depth in [1_000, 100_000] {
                let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
                let message = #"[{"channel":"/a","clientId":"\#(client.clientID)","data":\#(deep)}]"#
                let other = try BayeuxClient(node)
                let status = try other.post(message).status
                #expect(status == (depth == 1_000 ? 200 : 413))
            }
            let names = (0..<2_000).map { "\"/c\($0)\"" }.joined(separator: ",")
            let answer = try client.post(
                #"[{"channel":"/meta/subscribe","clientId":"\#(client.clientID)","subscription":[\#(names)]}]"#
            )
            #expect(try BayeuxClient.messages(answer)[0].error == "413::Too many subscriptions")
            let many = (0..<200).map { "/c\($0)" }
            #expect(try client.subscribe(many).isSuccessful == false)
        }
    }

    @Test("a flood of handshakes is bounded, and costs others nothing")
    func flood() throws {
        try withNode {
            $0.limits.sessionsMax = 50
        } _: { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            try client.subscribe("/a")
            let flooder = try node.connect()
            var refused = 0
            let body = try BayeuxClient.json([BayeuxClient.handshake])
            for _ in 0..<200 {
                let reply = try BayeuxClient.messages(flooder.ask("POST", "/bayeux", body: body))[0]
                if reply.isSuccessful == false {
                    refused += 1
                    #expect(reply.error == "429::Too many requests")
                }
            }
            #expect(refused == 151)
            try eventually("it is counted") { node.node.status.uplink.sessions.value == 50 }
            try node.publish("a", "x")
            #expect(try client.connect().delivered == ["x"])
        }
    }

    @Test("who connects again and again without waiting, or vanishes each time, leaves nothing behind")
    func vanishing() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            try client.subscribe(["/a", "/b/**"])
            for number in 0..<100 {
                let connection = try node.connect()
                let body = try BayeuxClient.json([client.connectMessage()])
                try connection.sendRequest("POST", "/bayeux", [("Content-Type", "application/json")], body: body)
                if number % 2 == 0 { connection.reset() } else { connection.close() }
            }
            try eventually("all are gone") { node.metrics.hub.polls.value == 0 }
            try node.publish("b/c", "x")
            #expect(try client.connect().delivered == ["x"])
        }
    }

    @Test("thousands of names in one body cost the node no more than a moment")
    func manyNames() throws {
        try withNode { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            let messages = (0..<10).map { number in
                client.complete([
                    "channel": "/meta/subscribe", "subscription": (0..<600).map { "/\(number)\($0)" },
                ])
            }
            let body = try BayeuxClient.json(messages)
            #expect(body.utf8.count < 65_536)
            // The best of three, for other tests may have the processors meanwhile.
            var least = Double.infinity
            for _ in 0..<3 where least >= 5_000 {
                let start = monotonicMilliseconds
                let all = try BayeuxClient.messages(client.post(body))
                least = min(least, monotonicMilliseconds - start)
                #expect(all.count == 10 && all.allSatisfy { $0.isSuccessful == false })
                #expect(all.last?.error == "413:/meta/subscribe:Too many subscriptions")
            }
            #expect(least < 5_000)
        }
    }

    @Test(
        "a batch asks where channels stand for no more than its session may have, and that counts as what changes channels"
    )
    func headsAsked() throws {
        try withNode {
            $0.limits.channelsPerConnectionMax = 8
            $0.limits.channelChangesPerSecondMax = 4
        } _: { (node: TestNode) throws in
            let client = try BayeuxClient(ready: node)
            let asked = node.metrics.budgetWaits.value
            let names = (0..<9).map { "/c\($0)" }
            #expect(try client.subscribe(names).error == "413:/meta/subscribe:Too many subscriptions")
            #expect(node.metrics.budgetWaits.value == asked, "nothing was asked")
            #expect(try client.subscribe(Array(names.dropLast())).isSuccessful == true)
            try eventually("its next request waits") { node.metrics.budgetWaits.value > asked }
            #expect(try client.publish("/c0", 1).isSuccessful == true)
        }
    }

    @Test("a WebSocket that is gone before its handshake is answered holds no session")
    func goneBeforeHandshake() throws {
        try withNode {
            $0.limits.resumeMilliseconds = 500
        } _: { (node: TestNode) throws in
            for _ in 0..<50 {
                let socket = try BayeuxSocketClient(node)
                try socket.send(BayeuxClient.handshake)
                socket.socket.client.reset()
            }
            try eventually("none is held") { node.node.status.uplink.sessions.value == 0 }
        }
    }
}
