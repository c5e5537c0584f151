import Broker
import Edge
import Foundation
import Hub
import Testing

/// Channels of which less is remembered than the limits allow, as rules say, and channels that are told to forget.
@Suite("History by rule")
struct HistoryRuleTests {
    /// `two/**` remembers two publications, `none/**` nothing, all else what the limits say.
    private func withRules(_ body: (TestNode) throws -> Void) throws {
        let everything = Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, Permission.anyone) })
        let counts = [("two/**", 2), ("none/**", 0), ("**", nil)]
        try withNode { configuration in
            configuration.rules = AccessRules(
                counts.map { text, count in
                    // bounded: these are patterns
                    AccessRules.Rule(
                        channels: AccessPattern(text)!,
                        permissions: everything,
                        history: HistoryRule(countMax: count)
                    )
                }
            )
        } _: { node in
            try body(node)
        }
    }

    private func history(_ node: TestNode, _ channel: String) throws -> [String] {
        let answer = try node.ask("GET", "/channels/\(channel)/history")
        guard answer.status == 200 else { throw TestFailure("\(answer.status) \(answer.text)") }
        return (try answer.json["publications"] as? [[String: Any]] ?? []).map { $0["data"] as? String ?? "?" }
    }

    /// What who comes back from a position is told, by a poll that is answered at once.
    private func comeBack(_ node: TestNode, _ channel: String, from position: String) throws -> (
        data: [String], isRecovered: Bool?, gaps: Int
    ) {
        let cursor = "\(channel.replacingOccurrences(of: "/", with: "%252F"))@\(position)"
        let answer = try node.ask("GET", "/poll?channel=\(channel)&cursor=\(cursor)&wait=0")
        guard answer.status == 200 else { throw TestFailure("\(answer.status) \(answer.text)") }
        let publications = try answer.json["publications"] as? [[String: Any]] ?? []
        let gaps = try answer.json["gaps"] as? [Any] ?? []
        return (publications.map { $0["data"] as? String ?? "?" }, try answer.json["recovered"] as? Bool, gaps.count)
    }

    // With a reader there the node itself knows what it told last, and answers from that.
    @Test(
        "a channel remembers as many as its rule says, and who comes back from before that is told of a gap",
        arguments: [true, false]
    )
    func counts(isHeard: Bool) throws {
        try withRules { node in
            let socket = try isHeard ? node.webSocket("?channel=two/a&channel=three") : nil
            try socket?.begin(2)
            let positions = try (0..<5).map { try node.publish("two%2Fa", "\($0)") }
            let others = try (0..<5).map { try node.publish("three", "\($0)") }
            #expect(try history(node, "two/a") == ["3", "4"])
            #expect(try history(node, "three").count == 5)
            #expect(try comeBack(node, "two/a", from: positions[2]) == (["3", "4"], true, 0))
            let late = try comeBack(node, "two/a", from: positions[1])
            #expect(late.data == ["3", "4"] && late.isRecovered == false && late.gaps == 1)
            #expect(try comeBack(node, "three", from: others[0]).isRecovered == true)
            for number in 0..<5 where isHeard { #expect(try socket?.next("message").data == "\(number)") }
        }
    }

    @Test("a channel that remembers nothing tells who is there, once by whichever way, and who comes back of a gap")
    func nothing() throws {
        try withRules { node in
            let socket = try node.webSocket("?channel=none/a&channel=none/*")
            try socket.begin(2)
            let positions = try (0..<5).map { try node.publish("none%2Fa", "\($0)") }
            for number in 0..<5 {
                let message = try socket.next("message")
                #expect(message.data == "\(number)" && message.position == positions[number])
            }
            #expect(try history(node, "none/a") == [])
            #expect(try comeBack(node, "none/a", from: positions[4]) == ([], true, 0))
            for position in positions.dropLast() {
                let late = try comeBack(node, "none/a", from: position)
                #expect(late.data == [] && late.isRecovered == false && late.gaps == 1)
            }
        }
    }

    // MARK: Clearing

    @Test(
        "a channel that is cleared has no history; readers are told of a gap, and go on behind it",
        arguments: ["room/a", "room/*"]
    )
    func clears(name: String) throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=\(name)")
            try socket.begin()
            let positions = try (0..<3).map { try node.publish("room%2Fa", "\($0)") }
            for _ in positions { _ = try socket.next("message") }
            let answer = try node.ask("DELETE", "/channels/room%2Fa")
            #expect(answer.status == 200)
            let end = try answer.position
            #expect(try #require(Position(end)) > #require(Position(positions[2])))
            let gap = try socket.next("gap")
            #expect(gap.channel == "room/a" && gap.from == positions[2] && gap.to == end)
            #expect(try history(node, "room/a") == [])
            for position in positions {
                let late = try comeBack(node, "room/a", from: position)
                #expect(late.data == [] && late.isRecovered == false && late.gaps == 1)
            }
            #expect(try comeBack(node, "room/a", from: end) == ([], true, 0))
            let next = try node.publish("room%2Fa", "next")
            let message = try socket.next()
            #expect(message.type == "message" && message.position == next && message.data == "next")
            #expect(try comeBack(node, "room/a", from: end) == (["next"], true, 0))
            // Again, and with nothing to forget: readers stand behind that, too.
            #expect(try node.ask("DELETE", "/channels/room%2Fa").status == 200)
            #expect(try socket.next("gap").from == next)
        }
    }

    @Test("a channel in which nothing was ever published stays where it is, and its readers are told nothing")
    func clearsNothing() throws {
        try withNode { node in
            let socket = try node.webSocket("?channel=a")
            try socket.begin()
            #expect(try node.ask("DELETE", "/channels/a").position == "0-0")
            try node.publish("a", "first")
            #expect(try socket.next().data == "first")
        }
    }

    @Test("channels of the system and patterns are not cleared, nor by who is no operator or has another's key")
    func refusals() throws {
        try withNode { configuration in
            configuration.apiKeys = [
                APIKey(name: "all", hash: SecretHash(of: "all")),
                APIKey(name: "publisher", hash: SecretHash(of: "publisher"), scopes: [.publish, .read]),
                APIKey(
                    name: "rooms",
                    hash: SecretHash(of: "rooms"),
                    // bounded: this is a pattern
                    channels: [AccessPattern("room/*")!]
                ),
            ]
        } _: { node in
            func clear(_ channel: String, _ key: String?) throws -> Int {
                try node.ask("DELETE", "/channels/\(channel)", key.map { [("Authorization", "Bearer \($0)")] } ?? [])
                    .status
            }
            #expect(
                try node.ask("POST", "/channels/room/1", [("Authorization", "Bearer all")], body: "x").status == 200
            )
            #expect(try clear("room/1", nil) == 401)
            #expect(try clear("room/1", "publisher") == 403)
            #expect(try clear("news", "rooms") == 403)
            #expect(try clear("room/*", "all") == 400)
            #expect(try clear("$presence/room/1", "all") == 403)
            #expect(try clear("room/1?key=", "all") == 400)
            #expect(try clear("room/1", "rooms") == 200)
            let foreign = try node.ask(
                "DELETE",
                "/channels/room/1",
                [("Origin", "https://elsewhere.example"), ("Authorization", "Bearer all")]
            )
            #expect(foreign.status == 403)
        }
    }
}
