import Broker
import Foundation
import Testing
import Text

/// The function library as backends call it, and as nodes rely on it.
@Suite struct FunctionTests {
    @Test("an option that cannot be is refused by name, before anything is written")
    func refusedOptions() async throws {
        let cases: [([String], String)] = [
            (["HEADTTL", "0"], "HEADTTL"), (["HEADTTL", "-1"], "HEADTTL"), (["HEADTTL", "1e3"], "HEADTTL"),
            (["HEADTTL", "99999999999999999999"], "HEADTTL"), (["ONCE", "k", "ONCETTL", "0"], "ONCETTL"),
            (["ONCE", ""], "ONCE"), (["TTL", "soon"], "TTL"), (["HISTORY", "-1"], "HISTORY"),
            (["HISTORY", "1.5"], "HISTORY"), (["TYPE", ""], "TYPE"), (["TYPE", "xml"], "TYPE"),
            (["type", "xml"], "TYPE"),
            (["TYPE"], "TYPE"), (["COLOUR", "red"], "COLOUR"),
        ]
        try await Cluster.with(nodes: 1) { cluster in
            let command = ["FCALL", "perseid_publish", "1", RedisServer.key("news"), "x"]
            for (options, name) in cases {
                do {
                    let answer = try await cluster.redis.command(command + options)
                    Issue.record("\(options) were taken: \(answer)")
                } catch let error as ChildProcess.Failure {
                    try #require(error.description.contains("option \(name)"), "\(error)")
                }
            }
            try #require(try await cluster.redis.command("KEYS", "perseid:{news}*") == "")
            // The largest that are taken: older than the clock itself is as old as can be.
            let largest = [
                "type", "json", "TTL", "3153600000000", "headttl", "3153600000000", "HISTORY", "9007199254740991",
            ]
            let answer = try await cluster.redis.command(command + largest)
            try #require(Position(answer) != nil, "\(answer)")
        }
    }

    @Test("names of channels and idempotency keys touch no keys but their own, whatever is in them")
    func namesWithBraces() async throws {
        let names = ["}x", "{a}", "a}:head", "a}:once:k", "100%", "%7B", "a{b", "}", "{"]
        try await Cluster.with(nodes: 2) { cluster in
            let sockets = try await WebSocketClient(
                names.map { (cluster.nodes[1].port, "/ws?session=none&channel=\(PercentCoding.encode($0))") },
                in: cluster.scratch
            )
            try await sockets.opened()
            for (number, name) in names.enumerated() {
                let target = "/channels/\(PercentCoding.encode(name))"
                let answer = try await cluster.nodes[0].ask(
                    "POST",
                    target,
                    fields: ["Idempotency-Key": "k}"],
                    body: name
                )
                try #require(answer.status == 200, "\(name)")
                let position = try #require(Position(answer.json["position"] as? String ?? ""))
                try await sockets.reachOne(position, number)
                let facts = try await cluster.nodes[0].ask("GET", target)
                try #require(facts.json["position"] as? String == "\(position)")
                let history = try await cluster.nodes[0].ask("GET", target + "/history")
                try #require(
                    (history.json["publications"] as? [[String: Any]])?.map { $0["data"] as? String } == [name]
                )
            }
            try #require(try sockets.messages().map { $0.map(\.data) } == names.map { [$0] })
            // Each key has one whole tag: what is between the first brace and the next.
            let keys = try await cluster.redis.command("KEYS", "perseid:{*").split(separator: "\n")
            for key in keys {
                try #require(
                    key.count { $0 == "{" } == 1 && key.count { $0 == "}" } == 1 && !key.contains("{}"),
                    "\(key)"
                )
            }
            try #require(keys.contains("perseid:{%7Dx}") && keys.contains("perseid:{%7Dx}:once:k%7D"))
            for key in ["perseid:{}x}", "perseid:{100%}", "perseid:{}", "news"] {
                let answer = try? await cluster.redis.command("FCALL", "perseid_publish", "1", key, "x")
                try #require(answer == nil, "\(key)")
            }
        }
    }

    @Test("a fail-over that loses a take-over does not let two nodes write to one session")
    func lostTakeOver() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            let key = "perseid:session:{00112233445566778899aabbccddeeff}"
            func call(_ function: String, _ arguments: String...) async throws -> [String] {
                try await redis.command(["FCALL", "perseid_session_\(function)", "1", key] + arguments)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
            try #require(try await call("open", "secret", "1", "a", "60000") == ["1"])
            try await redis.command("COPY", key, "replica")
            let lost = try await call("resume", "secret", "b", "60000")[0]
            try #require(try await call("save", lost, "b", "60000", "news", "1-0") == ["1"])

            // The replica takes over, and never heard of b.
            try await redis.command("COPY", "replica", key, "REPLACE")
            try #require(try await call("save", "1", "b", "60000") == ["0"], "the fence of another node")
            let drawn = try await call("resume", "secret", "c", "60000")[0]
            try #require(drawn != lost)
            try #require(try await call("save", lost, "b", "60000", "news", "2-0") == ["0"])
            try #require(try await call("save", drawn, "b", "60000", "news", "2-0") == ["0"])
            try #require(try await call("detach", drawn, "b", "60000") == ["0"])
            try #require(try await call("save", drawn, "c", "60000", "news", "3-0") == ["1"])
            try #require(try await call("save", "1", "a", "60000", "news", "4-0") == ["0"])
            try #require(try await redis.command("HGET", key, "@news") == "3-0")

            // Who let go of it writes no more.
            try #require(try await call("detach", drawn, "c", "60000") == ["1"])
            try #require(try await call("save", drawn, "c", "60000") == ["0"])
            try #require(try await redis.command("HGET", key, "node") == "")
        }
    }

    @Test("a take-over that alone was lost is right, as long as nobody else took the session since")
    func lostTakeOverAlone() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            let key = "perseid:session:{00112233445566778899aabbccddeeff}"
            try await redis.command("FCALL", "perseid_session_open", "1", key, "secret", "1", "a", "60000")
            try await redis.command("COPY", key, "replica")
            let resumed = try await redis.command("FCALL", "perseid_session_resume", "1", key, "secret", "b", "60000")
            let fence = try #require(resumed.split(separator: "\n").first.map(String.init))
            try await redis.command("COPY", "replica", key, "REPLACE")
            try #require(try await redis.command("FCALL", "perseid_session_save", "1", key, fence, "b", "60000") == "1")
            try #require(try await redis.command("FCALL", "perseid_session_save", "1", key, "1", "a", "60000") == "0")
        }
    }

    @Test("what follows positions in many channels is told at once, as far as there is room and the channel is whole")
    func histories() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            let same = try await redis.publish("the newest", to: "same")
            let old = try await redis.publish("old", to: "changed")
            let new = try await redis.publish("new", to: "changed")
            try await redis.command("SET", RedisServer.key("broken"), "no stream")
            let positions = [
                ("same", same), ("changed", old), ("never", .start), ("broken", .start), ("changed", old),
                ("same", same),
            ]
            let asked = positions.flatMap { [RedisServer.key($0), "\($1)"] }
            func ask(_ bytes: Int) async throws -> [String] {
                let command = ["FCALL_RO", "perseid_histories", "0", "10", "\(bytes)"] + asked
                return try await redis.command(command).split(separator: "\n").map(String.init)
            }
            let page = ["\(new)", "\(new)", "\(old)", "a", "new"]
            try #require(try await ask(65_536) == ["0"] + page + ["0", "1"] + page + ["0"])
            try #require(try await ask(1) == ["0"] + page + ["1", "1", "1", "1"], "one has room in any case")
        }
    }

    @Test("channels are looked for by several patterns at once, whatever their names are")
    func find() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            for name in ["chat/a", "chat/b/c", "chatty/a", "news/[x]", "news", "a?b/c", "axb/c"] {
                _ = try await cluster.redis.command("FCALL", "perseid_publish", "1", RedisServer.key(name), "x")
            }
            func found(_ patterns: String...) async throws -> Set<String> {
                var names: Set<String> = []
                var cursor = "0"
                repeat {
                    let command = ["FCALL", "perseid_find", "0", "perseid", patterns[0], cursor, "10"]
                    let lines = try await cluster.redis.command(command + patterns.dropFirst()).split(separator: "\n")
                    cursor = String(lines[0])
                    for index in stride(from: 2, to: lines.count, by: 2) {
                        names.insert(String(lines[index]))
                        try #require(Position(String(lines[index + 1])) != nil)
                    }
                } while cursor != "0"
                return names
            }
            #expect(try await found("chat/*") == ["chat/a"])
            #expect(try await found("chat/**") == ["chat/a", "chat/b/c"])
            #expect(try await found("chat/b/*", "news/*", "*") == ["chat/b/c", "news/[x]", "news"])
            #expect(try await found("a?b/*") == ["a?b/c"])
            #expect(try await found("a?b/*", "axb/**") == ["a?b/c", "axb/c"])
            #expect(try await found("**").count == 7)
        }
    }

    @Test("a replica is not looked through, for it may have no keys while it fetches them")
    func replica() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let look = { (function: String, words: [String]) in
                try await cluster.redis.command(["FCALL_RO", "perseid_\(function)", "0", "perseid"] + words)
            }
            let questions = [("find", ["*", "0", "100"]), ("list", ["channels", "0", "100"])]
            for (function, words) in questions { _ = try await look(function, words) }
            try await cluster.redis.command("REPLICAOF", "127.0.0.1", "1")
            for (function, words) in questions {
                do {
                    Issue.record("\(function) was answered \(try await look(function, words))")
                } catch {
                    #expect("\(error)".contains("READONLY"))
                }
            }
        }
    }

    @Test("a node with a short lease, or with nobody any more, ends no other node's count")
    func leasesOfCounts() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            for (node, subscribers, lease) in [("a", "3", "600000"), ("b", "2", "1000"), ("b", "0", "1000")] {
                try await redis.command("FCALL", "perseid_count", "1", "perseid:{x}", node, subscribers, lease)
                let milliseconds = Int(try await redis.command("PTTL", "perseid:{x}:counts")) ?? 0
                #expect(milliseconds > 500_000, "behind \(node)")
            }
        }
    }

    @Test("counts of nodes that are gone are forgotten as others come, and those of nodes that live are not")
    func countsOfGoneNodes() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            func count(_ node: String, lease: String) async throws {
                try await redis.command("FCALL", "perseid_count", "1", "perseid:{x}", node, "1", lease)
            }
            try await count("lives", lease: "600000")
            for number in 0..<5 { try await count("gone-\(number)", lease: "1") }
            try await count("new", lease: "600000")
            #expect(
                try await Set(redis.command("HKEYS", "perseid:{x}:counts").split(separator: "\n")) == ["lives", "new"]
            )
        }
    }

    @Test("a node with a short lease does not shorten how long members are kept")
    func leasesOfMembers() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let (redis, key) = (cluster.redis, RedisServer.key("a"))
            let calls = [
                ["enter", "600000", "a", "aa", "websocket"], ["enter", "1000", "b", "bb", "websocket"],
                ["renew", "1000", "b", "bb", "websocket"],
            ]
            for call in calls {
                try await redis.command(["FCALL", "perseid_\(call[0])", "1", key] + call.dropFirst())
                for ending in [":presence", ":members"] {
                    let milliseconds = Int(try await redis.command("PTTL", key + ending)) ?? 0
                    #expect(milliseconds > 1_000_000, "\(ending) behind \(call)")
                }
            }
        }
    }

    @Test(
        "members are spared for a lease where nobody could renew theirs, and listed; who does not then is gone, and is told of"
    )
    func sparedMembers() async throws {
        try await Cluster.with(nodes: 0) { cluster in
            let (redis, key) = (cluster.redis, RedisServer.key("a"))
            try await ChildProcess.run(
                [PerseidNode.executable, "redis", "install", "--redis", redis.url],
                in: cluster.scratch
            )
            func call(_ function: String, _ arguments: String...) async throws -> [String] {
                try await redis.command(["FCALL", "perseid_\(function)", "1", key] + arguments)
                    .split(separator: "\n").map(String.init)
            }
            for member in ["aa", "cc"] { _ = try await call("enter", "3000", "a", member, "websocket") }
            _ = try await call("enter", "3000", "b", "bb", "websocket")
            try await Task.sleep(for: .milliseconds(3_100))
            // The first that is back renews its own, and has another come.
            try #require(try await call("renew", "3000", "b", "bb", "websocket") == [])
            _ = try await call("enter", "3000", "b", "dd", "websocket")
            try #require(try await call("presence", "9")[0] == "4")
            try #require(try await call("renew", "3000", "a", "aa", "websocket") == [])
            try #require(try await redis.calls(of: "publish") == 4, "each has come, and nobody has gone")
            try await eventually(
                "who was not renewed is gone",
                isTrue: {
                    _ = try await call("renew", "3000", "a", "aa", "websocket")
                    _ = try await call("renew", "3000", "b", "bb", "websocket", "dd", "websocket")
                    return try await redis.calls(of: "publish") == 5
                }
            )
            try #require(try await call("presence", "9")[0] == "3")
        }
    }

    @Test("of a keyed channel it is known that it is one for as long as something of it is kept")
    func keyedForLong() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let (redis, key) = (cluster.redis, RedisServer.key("a"))
            for options in [["KEYED", "9", "TTL", "172800000"], [], ["HEADTTL", "1000"]] {
                try await redis.command(["FCALL", "perseid_publish", "1", key, "x", "KEY", "k"] + options)
                let known = Int(try await redis.command("PTTL", key + ":head")) ?? 0
                let kept = Int(try await redis.command("PTTL", key)) ?? 0
                #expect(kept > 100_000_000 && known >= kept, "\(known) of \(kept) behind \(options)")
            }
        }
    }

    @Test("a session keeps a bounded number of subscriptions")
    func sessionRoom() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let redis = cluster.redis
            let key = "perseid:session:{00112233445566778899aabbccddeeff}"
            try await redis.command("FCALL", "perseid_session_open", "1", key, "secret", "1", "a", "60000")
            for part in 0..<12 {
                let list = (0..<100).flatMap { ["channel-\(part)-\($0)", "1-0"] }
                let answer = try await redis.command(
                    ["FCALL", "perseid_session_save", "1", key, "1", "a", "60000"] + list
                )
                try #require(answer == "1")
            }
            try #require(try await redis.command("HLEN", key) == "\(1_024 + 3)")
            // One that ends makes room; one that is known moves on.
            let changes = ["channel-0-0", "", "new", "1-0", "channel-0-1", "2-0", "newer", "1-0"]
            try await redis.command(["FCALL", "perseid_session_save", "1", key, "1", "a", "60000"] + changes)
            try #require(try await redis.command("HGET", key, "@new") == "1-0")
            try #require(try await redis.command("HGET", key, "@channel-0-1") == "2-0")
            try #require(try await redis.command("HLEN", key) == "\(1_024 + 3)")
        }
    }

    /// Calls a function about wills. What is empty at the end of an answer is cut off.
    private func will(_ redis: RedisServer, _ function: String, _ name: String, _ arguments: [String]) async throws
        -> [String]
    {
        let wills = "perseid:will:{wills}"
        let call = ["FCALL", "perseid_will_\(function)", "2", wills, "\(wills):\(name)"]
        return try await redis.command(call + arguments).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    @Test(
        "a will whose lease has ended is carried out by one node at a time, in pages, and is never its author's again"
    )
    func wills() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let (redis, wills) = (cluster.redis, "perseid:will:{wills}")
            func open(_ name: String, _ lease: String) async throws {
                let keys = [wills, "\(wills):\(name)", "\(wills):"]
                try await redis.command(["FCALL", "perseid_will_open", "3"] + keys + [lease, name, ""])
            }
            for (name, lease) in [("aa", "1"), ("bb", "60000"), ("cc", "60000")] { try await open(name, lease) }
            // What nobody of Perseid wrote is passed over.
            try await redis.command("ZADD", wills, "0", "no name")
            try #require(try await will(redis, "write", "bb", ["60000", "bb", "+x", "-x", "+y"]) == ["1"])
            try #require(try await redis.command("ZRANGE", "\(wills):bb", "0", "-1") == "y")

            try await redis.command(["ZADD", "\(wills):aa"] + (0..<5).flatMap { ["0", "e\($0)"] })
            try #require(try await will(redis, "renew", "bb", ["60000", "bb", "", "0"]) == ["1"])
            try #require(try await will(redis, "renew", "bb", ["8000", "bb", "", "1"]) == ["1"], "junk")
            try #require(try await will(redis, "renew", "bb", ["8000", "bb", "", "1"]) == ["1", "aa"])
            try #require(try await will(redis, "renew", "cc", ["60000", "cc", "", "1"]) == ["1"], "b has it")
            try #require(try await will(redis, "renew", "aa", ["60000", "aa", "", "1"]) == ["0"])
            try #require(try await will(redis, "write", "aa", ["60000", "aa", "+late"]) == ["0"])
            try #require(try await will(redis, "execute", "aa", ["3000", "aa", "2"]) == ["e0", "e1"])
            // Its lease there ends, too, and then both that will and its teller's are another's to carry out.
            let found = try await eventually("it is found again") {
                let found = try await will(redis, "renew", "cc", ["60000", "cc", "", "1"])
                return found.count > 1 ? found[1] : nil
            }
            let next = try await eventually("and the other") {
                let found = try await will(redis, "renew", "cc", ["60000", "cc", "", "1"])
                return found.count > 1 ? found[1] : nil
            }
            try #require(Set([found, next]) == ["aa", "bb"])
            try #require(try await will(redis, "execute", "aa", ["60000", "aa", "2", "e0", "e1"]) == ["e2", "e3"])
            try #require(try await will(redis, "execute", "aa", ["60000", "aa", "9", "e2", "e3", "e4"]) == [""])
            try #require(try await will(redis, "execute", "aa", ["60000", "aa", "9"]) == [""])
            try #require(try await redis.command("ZRANGE", wills, "0", "-1").contains("aa") == false)

            // An author that was only taken for dead begins another: nobody goes on with what it left.
            try await open("dd", "1")
            try await redis.command("ZADD", "\(wills):dd", "0", "e")
            try await eventually("it is found") {
                try await will(redis, "renew", "cc", ["60000", "cc", "", "1"]).last == "dd" ? () : nil
            }
            let keys = [wills, "\(wills):ee", "\(wills):dd"]
            try await redis.command(["FCALL", "perseid_will_open", "3"] + keys + ["60000", "ee", "dd"])
            try #require(try await will(redis, "execute", "dd", ["60000", "dd", "9"]) == [""])
            try #require(try await redis.command("EXISTS", "\(wills):dd") == "0")
        }
    }

    @Test("nodes of before are told of members as they know them")
    func members() async throws {
        try await Cluster.with(nodes: 1) { cluster in
            let (redis, key) = (cluster.redis, RedisServer.key("a"))
            func call(_ function: String, _ arguments: String...) async throws -> [String] {
                try await redis.command(["FCALL", "perseid_\(function)", "1", key] + arguments)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
            try #require(try await call("enter", "60000", "old", "aa", "websocket") == ["1"])
            try #require(try await call("enter", "60000", "new", "bb", "poll", #"{"user":"a b"}"#) == ["1"])
            let known = try await call("presence", "9")
            try #require(known.count == 5 && Set([known[1], known[3]]) == ["aa", "bb"])
            try #require(known.allSatisfy { !$0.contains("user") && $0.split(separator: " ").count % 3 != 2 })
            let all = try await call("presence", "9", "details")
            try #require(all.contains { $0.hasPrefix("new poll ") && $0.hasSuffix(#" {"user":"a b"}"#) })
            // Renewed, a member is what it was; who is not there has to be entered.
            try #require(try await call("renew", "60000", "new", "bb", "poll") == [""])
            try #require(
                try await call("renew", "60000", "old", "aa", "websocket", "cc", "poll", "bb", "poll")
                    == ["bb", "", "cc"]
            )
            try #require(Set(try await call("presence", "9", "details")) == Set(all))
        }
    }
}
