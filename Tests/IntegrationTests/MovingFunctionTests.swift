import Foundation
import Testing

/// What goes from one master to another, function by function: whoever asks again, or too late, changes nothing.
@Suite struct MovingFunctionTests {
    private static let channel = RedisServer.key("news")
    private static let session = "perseid:session:{0123}"

    /// What looks for channels.
    private static let lists = [
        ["FCALL", "perseid_find", "0", "perseid", "*", "0", "1000"],
        ["FCALL", "perseid_list", "0", "perseid", "channels", "0", "1000"],
    ]

    /// Two masters with the functions.
    private func withMasters(_ body: (_ blue: RedisServer, _ red: RedisServer) async throws -> Void) async throws {
        let scratch = try Scratch()
        var servers: [RedisServer] = []
        for _ in 0..<2 {
            let server = try await RedisServer(in: scratch)
            try await ChildProcess.run(
                [PerseidNode.executable, "redis", "install", "--redis", server.url],
                in: scratch
            )
            servers.append(server)
        }
        try await body(servers[0], servers[1])
    }

    @discardableResult
    private func call(_ server: RedisServer, _ function: String, _ key: String, _ arguments: String...) async throws
        -> Any
    {
        try await call(server, function, key, arguments)
    }

    @discardableResult
    private func call(_ server: RedisServer, _ function: String, _ key: String, _ arguments: [String]) async throws
        -> Any
    {
        let text = try await server.command(["--json", "FCALL", "perseid_\(function)", "1", key] + arguments)
        return try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    private func depart(_ key: String, from server: RedisServer, _ endings: String...) async throws -> [String] {
        try #require(try await call(server, "depart", key, ["other", "60000"] + endings) as? [String])
    }

    private func texts(_ server: RedisServer) async throws -> [String] {
        try await server.entries(of: "news").map(\.payload)
    }

    /// It is refused, in these words.
    private func refuses(
        _ server: RedisServer,
        _ function: String,
        _ key: String,
        _ arguments: String...,
        isOnItsWay: Bool = true
    ) async {
        do {
            let answer = try await call(server, function, key, arguments)
            Issue.record("\(function) was answered \(answer)")
        } catch {
            let words = isOnItsWay ? "UNDERWAY \(key) is on its way to" : "ELSEWHERE \(key) is at"
            #expect("\(error)".contains("\(words) the master other"))
        }
    }

    @Test("a channel goes with all that it has, however often it is asked, and its former master refuses it")
    func channel() async throws {
        try await withMasters { blue, red in
            for text in ["1", "2"] { try await call(blue, "publish", Self.channel, text, "ONCE", text) }
            try await call(blue, "count", Self.channel, "a", "7", "600000")
            try await call(blue, "enter", Self.channel, "600000", "a", "0123", "webSocket")
            let parts = try await depart(Self.channel, from: blue, ":once:2")
            await refuses(blue, "publish", Self.channel, "3")
            await refuses(blue, "publish", Self.channel, "3", "ONCE", "3")
            await refuses(blue, "count", Self.channel, "a", "7", "60000")
            await refuses(blue, "enter", Self.channel, "60000", "a", "0123", "webSocket")
            await refuses(blue, "leave", Self.channel, "a", "0123")
            // One that asked has died with the answer.
            #expect(try await depart(Self.channel, from: blue, ":once:2").count == parts.count)
            for list in Self.lists {
                // It is found where it was until it is where it is to be.
                #expect(try await blue.command(list).hasSuffix("news\n\(parts[0])"))
                #expect(!(try await red.command(list)).contains("news"))
            }
            try await call(red, "arrive", Self.channel, parts)
            #expect(try await texts(red) == ["1", "2"])
            for list in Self.lists { #expect(try await red.command(list).hasSuffix("news\n\(parts[0])")) }
            #expect(try await call(red, "publish", Self.channel, "2", "ONCE", "2") as? String == parts[0])
            try await call(red, "publish", Self.channel, "3")
            // Another one is late, and so is its answer.
            try await call(red, "arrive", Self.channel, parts)
            #expect(try await texts(red) == ["1", "2", "3"])
            #expect((try await call(red, "describe", Self.channel) as? [Any])?.first as? Int == 7)
            #expect((try await call(red, "presence", Self.channel, "9") as? [Any])?.first as? Int == 1)
            #expect(try await call(blue, "forget", Self.channel, ":once:2") as? Int == 1)
            #expect(try await call(blue, "forget", Self.channel) as? Int == 1)
            #expect(
                try await blue.command("KEYS", "*").split(separator: "\n").sorted() == [
                    "perseid:{news}:head", "perseid:{news}:once:1",
                ]
            )
            await refuses(blue, "publish", Self.channel, "3", isOnItsWay: false)
            for list in Self.lists { #expect(!(try await blue.command(list)).contains("news")) }
            #expect(try await depart(Self.channel, from: blue) == [])
            // Of an idempotency key nobody knew.
            try await call(red, "arrive", Self.channel, try await depart(Self.channel, from: blue, ":once:1"))
            #expect(try await call(red, "publish", Self.channel, "1", "ONCE", "1") as? String != nil)
            #expect(try await texts(red) == ["1", "2", "3"])
            let ages = try await [":head", "", ":counts", ":presence", ":once:2"].asyncMap { ending in
                Int(try await red.command("PTTL", Self.channel + ending)) ?? 0
            }
            #expect(ages.allSatisfy { $0 > 200_000 }, "\(ages)")
        }
    }

    @Test("a channel comes back: as it went on, with nothing new, or when it had never got away")
    func back() async throws {
        try await withMasters { blue, red in
            try await call(blue, "publish", Self.channel, "1")
            var parts = try await depart(Self.channel, from: blue)
            // It had not arrived.
            try await call(blue, "arrive", Self.channel, try await depart(Self.channel, from: red))
            try await call(blue, "publish", Self.channel, "2")
            #expect(try await texts(blue) == ["1", "2"])
            try await call(red, "arrive", Self.channel, parts)
            parts = try await depart(Self.channel, from: blue)
            try await call(red, "arrive", Self.channel, parts)
            try await call(blue, "forget", Self.channel)
            #expect(try await texts(red) == ["1", "2"])
            // With nothing new, and with something.
            for count in 2...3 {
                if count == 3 { try await call(red, "publish", Self.channel, "3") }
                try await call(blue, "arrive", Self.channel, try await depart(Self.channel, from: red))
                try await call(red, "forget", Self.channel)
                #expect(try await texts(blue).count == count)
                try await call(red, "arrive", Self.channel, try await depart(Self.channel, from: blue))
                try await call(blue, "forget", Self.channel)
                #expect(try await texts(red).count == count)
            }
            // The other one lost it: what is known of it here is that it was there.
            try await red.command("FLUSHALL")
            let head = try await blue.command("GET", Self.channel + ":head").split(separator: " ")[1]
            try await call(blue, "arrive", Self.channel, try await depart(Self.channel, from: red))
            try await call(blue, "publish", Self.channel, "4")
            #expect(try await blue.entries(of: "news").map { "\($0.previous)" } == ["\(head)"])
        }
    }

    @Test("a session goes with fence and cursor; who has it at its former master is refused")
    func session() async throws {
        try await withMasters { blue, red in
            try await call(blue, "session_open", Self.session, "secret", "1", "a", "60000", "news", "5-0")
            let parts = try await depart(Self.session, from: blue)
            #expect(try await depart(Self.session, from: blue).count == parts.count)
            for function in ["resume", "touch"] {
                await refuses(blue, "session_\(function)", Self.session, "secret", "b", "1000")
            }
            await refuses(blue, "session_save", Self.session, "1", "a", "1000")
            await refuses(blue, "session_open", Self.session, "secret", "1", "a", "60000")
            await refuses(blue, "session_fence", Self.session)
            try await call(red, "arrive", Self.session, parts)
            let taken = try #require(
                try await call(red, "session_resume", Self.session, "secret", "b", "60000") as? [Any]
            )
            #expect(taken[1] as? String == "news" && taken[2] as? String == "5-0")
            try await call(red, "arrive", Self.session, parts)
            #expect(try await call(red, "session_save", Self.session, "1", "a", "1000") as? Int == 0)
            try await call(blue, "forget", Self.session)
            await refuses(blue, "session_resume", Self.session, "secret", "b", "1000", isOnItsWay: false)
            #expect(try await blue.command("HGETALL", Self.session).hasPrefix("fence\ngone "))
            #expect(Int(try await blue.command("PTTL", Self.session)) ?? 0 > 1_000)
            // And back.
            try await call(blue, "arrive", Self.session, try await depart(Self.session, from: red))
            #expect(try await call(blue, "session_resume", Self.session, "secret", "c", "60000") is [Any])
        }
    }

    @Test(
        "what is planned begins once all that hear a master know it for long enough, and the first of them looks for the rest"
    )
    func plan() async throws {
        try await withMasters { blue, _ in
            let listener = try ChildProcess(
                ["redis-cli", "-p", "\(blue.port)", "SUBSCRIBE", "perseid:nodes"],
                in: try Scratch()
            )
            try await eventually(
                "it is heard",
                isTrue: { try await blue.command("PUBSUB", "NUMSUB", "perseid:nodes").hasSuffix("1") }
            )
            func say(_ node: String, _ plan: String = "p", left: String = "", lease: String = "200") async throws
                -> [Int]
            {
                let words = [
                    "FCALL", "perseid_plan_moves", "2", "perseid:moves", "perseid:nodes", plan, node, lease, left,
                ]
                return try await blue.command(words).split(separator: "\n").compactMap { Int($0) }
            }
            #expect(try await say("b") == [0, 0, -1])
            // One that listens knows of another plan, however long it says so.
            for _ in 0..<6 {
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await say("b", "other") == [0, 0, -1])
                #expect(try await say("a", "p") == [0, 0, -1])
            }
            try await eventually("it begins", isTrue: { try await say("b") == [1, 1, -1] })
            // The first one lives while the other speaks, however long that takes.
            #expect(try await say("a", left: "5", lease: "60000") == [1, 1, 5])
            #expect(try await say("b", left: "0") == [1, 0, 0])
            // Another one begins, and the first one has not when it comes again.
            try await eventually("the other begins", isTrue: { try await say("b", "other")[0] == 1 })
            #expect(try await say("b") == [0, 0, -1])
            listener.signal(SIGTERM)
            try await listener.end()
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
