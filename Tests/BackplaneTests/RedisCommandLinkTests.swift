import Broker
import Foundation
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Redis command link")
struct RedisCommandLinkTests {
    private let payload = String(repeating: "x", count: 16_384)

    // MARK: What waits

    @Test("of bulk requests a few are under way, in order, and a publish passes those that wait")
    func bulk() throws {
        let fixture = try CommandLinkFixture { $0.redisBulkMax = 4 }
        try fixture.greet()
        let session = sessionRequest(.open).id
        for fence in 1...10 as ClosedRange<UInt64> {
            fixture.link.ask(
                RedisSave(session: session, fence: fence, standing: .held, positions: [], notes: nil, ticket: nil)
            )
        }
        fixture.link.ask(.publish(request("a")))
        let sent = fixture.sent()
        #expect(sent.count(of: "perseid_session_save") == 4)
        #expect(sent.count(of: "perseid_publish") == 1)
        #expect(fixture.bulkWaiting == 6)
        fixture.reply([":1\r\n:1\r\n"])
        #expect(fixture.takeAnswers() == ["save 1: 1", "save 2: 1"])
        #expect(fixture.sent().count(of: "perseid_session_save") == 2)
        #expect(fixture.bulkWaiting == 4)
        fixture.redis.close()
        fixture.link.ready(.read)
        #expect(
            fixture.takeAnswers()
                == ["save 3 unavailable", "save 4 unavailable", "publish 0 unavailable"]
                + (5...10).map { "save \($0) unavailable" }
        )
        fixture.link.endOfTurn()
        #expect(fixture.bulkWaiting == 0 && fixture.byteCount == 0)
    }

    @Test("what clients ask without end is refused by itself: publishes and what live subscribers wait for are not")
    func questions() throws {
        let fixture = try CommandLinkFixture { $0.redisQuestionsMax = 100 }
        try fixture.greet()
        let channel = try #require(ChannelName("a"))
        for number in 0..<100_000 as Range<UInt64> {
            fixture.link.ask(.list(channel, limit: 10, Ticket(reactor: 0, number: number)))
        }
        let refused = fixture.takeAnswers()
        #expect(refused.count == 99_900 && refused.allSatisfy { $0.hasSuffix("overloaded") })
        fixture.link.ask(.publish(request("a")))
        fixture.link.ask(.read(channel, since: at(1), countMax: 10, bytesMax: 10, .fill))
        fixture.link.ask(.read(channel, since: nil, countMax: 0, bytesMax: 0, .open))
        let sent = fixture.sent()
        #expect(fixture.takeAnswers() == [])
        #expect(sent.count(of: "perseid_publish") == 1 && sent.count(of: "perseid_history") == 2)
        #expect(sent.count(of: "perseid_presence") <= 4, "one answer may be large")
    }

    @Test("many reads in one question take the places of as many, so what is published waits no longer behind them")
    func readsTogether() throws {
        let fixture = try CommandLinkFixture { $0.redisReadsMax = 256 }
        try fixture.greet()
        let channel = try #require(ChannelName("a"))
        let read = RedisRead.read(channel, since: at(1), countMax: 10, bytesMax: 10, .fill)
        for _ in 0..<10 {
            let reads = Array(repeating: read, count: RedisReadMany.countMax)
            fixture.link.ask(RedisReadMany(reads: reads) { _ in })
        }
        #expect(fixture.sent().count(of: "perseid_histories") == 4)
        fixture.reply([":0\r\n"])
        #expect(fixture.sent().count(of: "perseid_histories") == 1)
    }

    @Test("publishes to a Redis that reads nothing are bounded in bytes, and taken again once it does")
    func bytes() throws {
        let fixture = try CommandLinkFixture {
            $0.redisBytesMax = 1_048_576
            $0.redisMilliseconds = 60_000
        }
        try fixture.greet()
        for number in 0..<10_000 as Range<UInt64> {
            fixture.link.ask(.publish(request("a", number: number, payload)))
        }
        let refused = fixture.takeAnswers()
        #expect(refused.allSatisfy { $0.hasSuffix("overloaded") })
        let taken = 10_000 - refused.count
        #expect((50...64).contains(taken), "\(taken) of 16 KiB")
        fixture.link.endOfTurn()
        #expect((1_048_576...1_100_000).contains(fixture.byteCount))

        fixture.redis.receive()
        fixture.reply(["+PONG\r\n"] + [String](repeating: "$3\r\n5-0\r\n", count: taken))
        #expect(fixture.takeAnswers().count == taken)
        #expect(fixture.byteCount == 0)
        fixture.link.ask(.publish(request("a", payload)))
        #expect(fixture.takeAnswers() == [])
    }

    @Test("there is room for what can wait until half of its lane is taken, or some hundreds wait")
    func room() throws {
        let fixture = try CommandLinkFixture { $0.redisBytesMax = 1_048_576 }
        try fixture.greet()
        let channel = try #require(ChannelName("a"))
        var count = 0
        while fixture.link.hasRoom(.upkeep), count < 10_000 {
            fixture.link.ask(RedisCount(channel: channel, subscribers: 1, leaseMilliseconds: 1_000))
            count += 1
        }
        #expect((400...1_000).contains(count), "\(count) are taken")
        #expect(fixture.takeAnswers() == [])
        let member = (id: MemberID(1), transport: "websocket")
        for _ in 0..<2 {
            fixture.link.ask(RedisRenew(channel: channel, members: Array(repeating: member, count: 500)))
        }
        #expect(fixture.takeAnswers() == [], "the other half is for who does not ask")
    }

    // MARK: Time

    @Test("a quiet link is kept alive, and dropped when no sign of life is answered")
    func keptAlive() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        fixture.wait(milliseconds: 1_500)
        #expect(fixture.sent().count(of: "PING") == 1)
        fixture.reply(["+PONG\r\n"])
        fixture.wait(milliseconds: 1_500)
        #expect(fixture.sent().count(of: "PING") == 1)
        _ = fixture.takeReasons()
        fixture.wait(milliseconds: 3_500)
        #expect(fixture.takeReasons().first?.hasSuffix("no answer in 3000 ms") == true)
    }

    @Test("a slow Redis that works off a long queue is alive")
    func slow() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        for number in 0..<10 as Range<UInt64> { fixture.link.ask(.publish(request("a", number: number))) }
        fixture.reply(["+PONG\r\n"])
        for _ in 0..<10 {
            fixture.wait(milliseconds: 2_000)
            fixture.reply(["$3\r\n5-0\r\n"])
        }
        #expect(fixture.takeAnswers().count == 10)
        #expect(fixture.takeReasons() == ["up"])
    }

    @Test("a Redis that answers and never comes to an end with the greeting is given up")
    func endlessGreeting() throws {
        let fixture = try CommandLinkFixture()
        try fixture.connect()
        fixture.reply([CommandLinkFixture.hello(), CommandLinkFixture.missing])
        for _ in 0..<20 {
            fixture.wait(milliseconds: 250)
            fixture.reply(["-ERR Library 'perseid' already exists\r\n"])
            fixture.reply([CommandLinkFixture.missing])
        }
        #expect(fixture.takeReasons().first?.hasSuffix("not ready for use in 3000 ms") == true)
    }

    @Test("a link that is ended answers all that it was asked, and whoever asks it later, that nobody is there")
    func ended() throws {
        let fixture = try CommandLinkFixture { $0.redisBulkMax = 1 }
        try fixture.greet()
        let session = sessionRequest(.open).id
        fixture.link.ask(.publish(request("a")))
        for fence in 1...2 as ClosedRange<UInt64> {
            fixture.link.ask(
                RedisSave(session: session, fence: fence, standing: .held, positions: [], notes: nil, ticket: nil)
            )
        }
        fixture.link.end()
        #expect(fixture.takeAnswers() == ["publish 0 unavailable", "save 1 unavailable", "save 2 unavailable"])
        fixture.link.ask(.publish(request("a", number: 3)))
        #expect(fixture.takeAnswers() == ["publish 3 unavailable"])
        #expect(fixture.link.isIdle && fixture.byteCount == 0)
        #expect(fixture.takeReasons() == ["up"], "whoever ends it knows")
    }

    // MARK: What Redis is

    @Test(
        "a server that cannot be written to is told by its name, and the next address is tried",
        arguments: [
            ("hello", CommandLinkFixture.hello(role: "replica"), "this is a replica"),
            ("hello", CommandLinkFixture.hello(mode: "cluster"), "node of a Redis Cluster"),
            ("hello", CommandLinkFixture.hello(mode: "sentinel"), "Redis Sentinel"),
            ("version", "-LOADING Redis is loading the dataset in memory\r\n", "LOADING"),
            ("version", "-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN"),
            ("version", "-NOAUTH Authentication required.\r\n", "NOAUTH"),
            ("version", "-NOPERM this user has no permissions to run the 'fcall_ro' command\r\n", "NOPERM"),
            ("write", "-READONLY You can't write against a read only replica.\r\n", "READONLY"),
            ("write", "-OOM command not allowed when used memory > 'maxmemory'.\r\n", "OOM"),
            ("write", "-MISCONF Redis is configured to save RDB snapshots\r\n", "MISCONF"),
            ("write", "-MOVED 866 127.0.0.1:7001\r\n", "MOVED"),
            ("write", "-NOREPLICAS Not enough good replicas to write.\r\n", "NOREPLICAS"),
        ]
    )
    func unusable(step: String, error: String, reason: String) throws {
        let (bad, good) = (try FakeRedis(), try FakeRedis())
        let (badPort, goodPort) = (bad.port, good.port)
        let resolver: HostLookup.Resolver = { _, _ in
            .success([badPort, goodPort].compactMap { HostLookup.endpoint(number: "127.0.0.1", port: $0) })
        }
        let fixture = try CommandLinkFixture(redis: bad, name: ("redis.example", resolver))
        try fixture.connectByName()
        switch step {
        case "hello": fixture.reply([error])
        case "version": fixture.reply([CommandLinkFixture.hello(), error])
        default: fixture.reply([CommandLinkFixture.hello(), ":\(RedisFunctions.version)\r\n", error])
        }
        let reasons = fixture.takeReasons()
        #expect(reasons.count == 1 && reasons[0].contains(reason), "\(reasons)")
        #expect(reasons[0].hasPrefix("127.0.0.1:\(fixture.redis.port): "))
        #expect(!fixture.link.isUp)
        fixture.wait(milliseconds: 500)
        #expect(fixture.link.endpoint?.port == goodPort)
        try good.accept()
    }

    @Test("once a publish is refused for what Redis is, the link is down, and all that is under way is failed")
    func becomesReadOnly() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        for number in 0..<3 as Range<UInt64> { fixture.link.ask(.publish(request("a", number: number))) }
        fixture.reply(["+PONG\r\n", "$3\r\n5-0\r\n", "-READONLY You can't write against a read only replica.\r\n"])
        #expect(fixture.takeAnswers() == ["publish 0: 5-0", "publish 1 unavailable", "publish 2 unavailable"])
        #expect(fixture.takeReasons().last?.contains("READONLY") == true)
        #expect(fixture.refusals == [], "the reason is told, not each publish")
        #expect(!fixture.link.isUp)
    }

    @Test("an error about one channel refuses that request alone")
    func refusedAlone() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        for channel in ["a", "b"] { fixture.link.ask(.publish(request(channel))) }
        let error = "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"
        fixture.reply(["+PONG\r\n", error, "$3\r\n5-0\r\n"])
        #expect(fixture.takeAnswers() == ["publish 0 refused", "publish 0: 5-0"])
        #expect(fixture.link.isUp)
    }

    // MARK: Functions that go

    @Test(
        "functions that were flushed are loaded once, and what found them missing is repeated in order, before the rest"
    )
    func flushedFunctions() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        for number in 0..<100 as Range<UInt64> { fixture.link.ask(.publish(request("a", number: number))) }
        _ = fixture.sent()
        fixture.reply(["+PONG\r\n"] + [String](repeating: CommandLinkFixture.missing, count: 100))
        fixture.link.ask(.publish(request("a", number: 100)))
        #expect(fixture.sent().count(of: "perseid_version") == 1)
        fixture.reply([CommandLinkFixture.missing])
        let load = fixture.sent()
        #expect(load.count(of: "$8\r\nFUNCTION") == 1 && load.count(of: "$7\r\nREPLACE") == 0)
        #expect(load.count(of: "$15\r\nperseid_publish") == 0, "nothing passes those that wait")
        #expect(fixture.takeAnswers() == [])
        fixture.reply(["$7\r\nperseid\r\n"])
        #expect(fixture.sent().count(of: "$15\r\nperseid_publish") == 101)
        fixture.reply((0..<101).map { "\($0)-0".asBulk })
        #expect(fixture.takeAnswers() == (0..<101).map { "publish \($0): \($0)-0" })
        #expect(fixture.refusals == [])
    }

    @Test("functions loaded by another node in mid-pipeline: what was overtaken is failed, not published behind")
    func overtaken() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        for (number, channel) in ["a", "b", "a"].enumerated() {
            fixture.link.ask(.publish(request(channel, number: UInt64(number))))
        }
        _ = fixture.sent()
        fixture.reply(["+PONG\r\n", CommandLinkFixture.missing, CommandLinkFixture.missing, "$3\r\n5-0\r\n"])
        #expect(fixture.takeAnswers() == ["publish 2: 5-0"])
        fixture.reply([":\(RedisFunctions.version)\r\n"])
        #expect(fixture.takeAnswers() == ["publish 0 unavailable"])
        #expect(fixture.sent().count(of: "perseid:{b}") == 1)
        fixture.reply(["$3\r\n6-0\r\n"])
        #expect(fixture.takeAnswers() == ["publish 1: 6-0"])
    }

    @Test("functions that may not be loaded end the link with the reason, and what waited for them is failed")
    func notLoadable() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        fixture.link.ask(.publish(request("a")))
        fixture.reply(["+PONG\r\n", CommandLinkFixture.missing])
        fixture.reply([CommandLinkFixture.missing])
        fixture.reply(["-NOPERM this user has no permissions to run the 'function|load' command\r\n"])
        #expect(fixture.takeAnswers() == ["publish 0 unavailable"])
        #expect(fixture.takeReasons().last?.contains("function|load") == true)
    }

    @Test("older functions that were loaded in place of a node's own are found out when it looks, and replaced")
    func olderFunctions() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        fixture.link.tryWriting()
        let asked = fixture.sent()
        #expect(asked.count(of: "perseid_version") == 1 && asked.count(of: "perseid_writable") == 1)
        fixture.reply([":1\r\n", CommandLinkFixture.missing])
        #expect(fixture.sent().count(of: "$7\r\nREPLACE") == 1)
        fixture.reply(["$7\r\nperseid\r\n"])
        #expect(fixture.refusals == [])
        fixture.link.ask(.publish(request("a")))
        #expect(fixture.sent().count(of: "$15\r\nperseid_publish") == 1)
    }

    @Test("a node that may not replace older functions goes on with them, and says so")
    func olderFunctionsStay() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        fixture.link.tryWriting()
        let refusal = "NOPERM this user has no permissions to run the 'function|load' command"
        fixture.reply([":1\r\n", "$0\r\n\r\n", "-\(refusal)\r\n"])
        #expect(fixture.refusals == [refusal])
        fixture.link.ask(.publish(request("a")))
        #expect(fixture.sent().count(of: "$15\r\nperseid_publish") == 1)
        fixture.reply(["+PONG\r\n", "$3\r\n5-0\r\n"])
        #expect(fixture.takeAnswers() == ["publish 0: 5-0"])
    }
}
