import Backplane
import Broker
import Edge
import Foundation
import Hub
import Testing

@Suite("Presence")
struct PresenceTests {
    private func withRooms(_ body: (TestNode) throws -> Void) throws {
        try withNode({ $0.presence = [ChannelPattern("room/**")!] }, body)
    }

    private func members(_ node: TestNode, _ channel: String = "room%2F1") throws -> [[String: Any]] {
        let answer = try node.ask("GET", "/channels/\(channel)/presence")
        guard answer.status == 200 else { throw TestFailure("presence: \(answer.status) \(answer.text)") }
        return try #require(try answer.json["members"] as? [[String: Any]])
    }

    @Test("all transports are members, each with a name of its own, until they leave")
    func transports() throws {
        try withRooms { node in
            let socket = try node.webSocket("?channel=room/1&channel=other")
            try socket.begin(2)
            let stream = try node.eventStream("?channel=other&channel=room/1&session=none")
            try stream.begin(2)
            let lines = try node.jsonStream("?channel=room/1&session=none")
            for type in ["welcome", "subscribed"] { try lines.next(type) }
            let poll = try node.connect()
            try poll.sendRequest("GET", "/poll?channel=room/1")
            try eventually("all are there") { try members(node).count == 4 }
            let list = try members(node)
            #expect(
                Set(list.compactMap { $0["transport"] as? String }) == [
                    "websocket", "eventstream", "jsonstream", "poll",
                ]
            )
            #expect(Set(list.compactMap { $0["id"] as? String }).count == 4)
            #expect(list.allSatisfy { $0["node"] as? String == "n1" && ($0["since"] as? Int ?? 0) > 1_700_000_000_000 })

            try socket.send(#"{"type":"presence","id":4,"channel":"room/1"}"#)
            let told = try socket.next("presence")
            #expect(told.id == 4 && told.channel == "room/1" && told["count"] as? Int == 4)
            try socket.send(#"{"type":"unsubscribe","id":5,"channel":"room/1"}"#)
            try socket.next("unsubscribed")
            stream.close()
            lines.client.close()
            try eventually("only the poll is there") { try members(node).count == 1 }
        }
    }

    @Test("a poll that is not to be answered yet is there, and is gone with its connection")
    func pacedPoll() throws {
        try withNode {
            $0.presence = [ChannelPattern("room/**")!]
            $0.limits.resumeMilliseconds = 4_000
        } _: { (node: TestNode) throws in
            let client = try node.connect()
            let first = try client.ask("GET", "/poll?channel=room/1&wait=0")
            let (cursor, session) = (try first.json["cursor"] as? String ?? "", first["Perseid-Session"] ?? "")
            let escaped = cursor.replacingOccurrences(of: "/", with: "%2F")
            try client.sendRequest("GET", "/poll?channel=room/1&max-rate=0.1&session=\(session)&cursor=\(escaped)")
            try eventually("it is held") { node.metrics.hub.polls.value == 1 }
            try node.publish("room/1", "x")
            try eventually("it is not answered yet") { node.metrics.hub.polls.value == 0 }
            #expect(try members(node).count == 1)
            client.close()
            try eventually("it is gone") { try members(node).isEmpty }
        }
    }

    @Test("it is told only where it is switched on")
    func off() throws {
        try withRooms { node in
            let answer = try node.ask("GET", "/channels/other/presence")
            #expect(answer.status == 404 && answer.errorField == "channel")
            let socket = try node.webSocket("?channel=other")
            try socket.begin()
            try socket.send(#"{"type":"presence","id":4,"channel":"other"}"#)
            #expect(try socket.next("error").code == 404)
            #expect(try node.ask("GET", "/channels/$presence%2Froom%2F1/presence").status == 404)
            try eventually("it is counted") { node.node.status.uplink.members.value == 0 }
        }
    }

    @Test("who asks for joins and leaves that nobody will ever tell is told so, and which channel it is")
    func silent() throws {
        try withRooms { node in
            let silent = "$presence/other"
            for path in ["/sse", "/stream", "/poll"] {
                let answer = try node.ask("GET", "\(path)?channel=other&channel=\(silent)")
                #expect(answer.status == 404 && answer.errorField == "channel", "\(path)")
                #expect(try (answer.json["error"] as? [String: Any])?["channel"] as? String == silent)
            }
            let socket = try node.webSocket("?channel=other&channel=\(silent)&session=none")
            try socket.next("welcome")
            let refusal = try socket.next("error")
            #expect(refusal.code == 404 && refusal.channel == silent)
            #expect(try socket.next("subscribed").channel == "other")
            try socket.send(#"{"type":"subscribe","id":4,"channel":"\#(silent)"}"#)
            let again = try socket.next("error")
            #expect(again.code == 404 && again.channel == silent)
            // What stands for many may be told something.
            try socket.send(#"{"type":"subscribe","id":5,"channel":"$presence/**"}"#)
            #expect(try socket.next("subscribed").channel == "$presence/**")
        }
    }

    @Test("joins and leaves are told once; who loses its connection and resumes is not told of, who says goodbye is")
    func events() throws {
        try withRooms { node in
            let watcher = try node.webSocket("?channel=$presence/room/1")
            try watcher.begin()
            func event() throws -> (String, String) {
                let data = try #require(try watcher.next("message")["data"] as? [String: Any])
                return (try #require(data["event"] as? String), try #require(data["id"] as? String))
            }
            let socket = try node.webSocket("?channel=room/1")
            let token = try #require(try socket.next("welcome")["session"] as? String)
            let (join, id) = try event()
            #expect(join == "join")
            #expect(!token.contains(id))
            socket.client.reset()
            try eventually("it is lost") { node.metrics.webSocketConnections.value == 1 }
            #expect(try members(node).count == 1)

            let stream = try node.eventStream("?session=\(token)")
            try stream.begin()
            let again = try node.webSocket("?session=\(token)")
            try again.begin()
            #expect(try members(node).map { $0["id"] as? String } == [id])
            try again.sendClose(1_000)
            let (leave, left) = try event()
            #expect(leave == "leave" && left == id)
            #expect(try members(node).isEmpty)

            let leaving = try node.webSocket("?channel=room/1&session=none")
            let (second, other) = try event()
            #expect(second == "join" && other != id)
            leaving.client.reset()
            let (third, gone) = try event()
            #expect(third == "leave" && gone == other)
        }
    }

    // MARK: Who they are

    private func withUsers(_ body: (TestNode) throws -> Void) throws {
        let info = #"{"allow":true,"user":"ann","info":{"seat": 7}}"#
        let long = #"{"allow":true,"user":"bob","info":{"text":"\#(String(repeating: "x", count: 2_000))"}}"#
        try withBackend([.connect]) { request in
            switch (request.json["channels"] as? [String])?.last {
            case "room/ann": .json(info)
            case "room/bob": .json(long)
            default: .yes
            }
        } _: { (node: TestNode, _: HookBackend) throws in
            try body(node)
        }
    }

    private func member(_ node: TestNode, _ user: String?) throws -> [String: Any]? {
        let answer = try node.ask("GET", "/channels/room%2F1/presence", [("Authorization", "Bearer a-key-for-tests")])
        let list = try answer.json["members"] as? [[String: Any]] ?? []
        return list.first { $0["user"] as? String == user }
    }

    @Test("members are told with user and info, where there are any and as far as there is room")
    func details() throws {
        try withUsers { (node: TestNode) throws in
            let watcher = try node.webSocket(
                "?channel=$presence/room/1",
                fields: [("Authorization", "Bearer a-key-for-tests")]
            )
            try watcher.begin()
            func join() throws -> [String: Any] { try #require(try watcher.next("message")["data"] as? [String: Any]) }
            let ann = try node.eventStream("?channel=room/1&channel=room/ann&session=none")
            try ann.begin(2)
            let joined = try join()
            #expect(joined["user"] as? String == "ann" && (joined["info"] as? [String: Int]) == ["seat": 7])
            #expect(joined["transport"] as? String == "eventstream" && joined["event"] as? String == "join")
            let bob = try node.webSocket("?channel=room/1&channel=room/bob")
            try bob.begin(2)
            let other = try join()
            #expect(other["user"] as? String == "bob" && other["info"] == nil)
            try eventually("it is counted") { node.metrics.memberDetailsLeftOut.value >= 1 }
            let listed = try #require(try member(node, "ann"))
            #expect(
                (listed["info"] as? [String: Int]) == ["seat": 7] && listed["id"] as? String == joined["id"] as? String
            )

            try watcher.send(#"{"type":"presence","id":4,"channel":"room/1"}"#)
            let told = try #require(try watcher.next("presence")["members"] as? [[String: Any]])
            #expect(Set(told.map { $0["user"] as? String }) == ["ann", "bob"])
            ann.close()
            let left = try join()
            #expect(left["event"] as? String == "leave" && left["user"] as? String == "ann")
        }
    }

    @Test(
        "a token's user and info are shown, also of who shows it later, and of clients of Bayeux; to who may not see them, nothing"
    )
    func tokens() async throws {
        let ann = try AccessToken.of("ann", ["info": ["seat": 7]])
        try await withRules {
            $0.rules = AccessRules([
                AccessRules.Rule(
                    channels: AccessPattern("public/**")!,
                    permissions: [.subscribe: .anyone, .presence: .users]
                )
            ])
        } _: { (node: TestNode) throws in
            func members() throws -> [[String: Any]] {
                let answer = try node.ask("GET", "/channels/public%2F1/presence", [("Authorization", "Bearer \(ann)")])
                let list = try answer.json["members"]
                return try #require(list as? [[String: Any]], "\(answer.text)")
            }
            func count(_ user: String?) throws -> Int {
                try members().count { $0["user"] as? String == user && ($0["info"] == nil) == (user == nil) }
            }
            let socket = try node.webSocket("?channel=public/1")
            try socket.begin()
            try eventually("it is nobody") { try count(nil) == 1 }
            try socket.send(#"{"type":"presence","id":1,"channel":"public/1"}"#)
            #expect(try socket.next("error").code == 403)
            try socket.send(#"{"type":"subscribe","id":2,"channel":"$presence/public/1"}"#)
            #expect(try socket.next("error").code == 403)
            try socket.send(#"{"type":"authenticate","token":"\#(ann)"}"#)
            try socket.next("authenticated")
            try eventually("it is somebody") { try count("ann") == 1 && members().count == 1 }
            let client = try BayeuxClient(ready: node, ext: ["token": ann])
            try client.ask(["channel": "/meta/subscribe", "subscription": "/public/1"])
            try client.sendConnect()
            try eventually("both are") { try count("ann") == 2 }
        }
    }
}
