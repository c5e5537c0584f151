import Broker
import Testing

@testable import Backplane

@Suite("Redis that is slow")
struct SlowRedisTests {
    private var limits: Limits {
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        return limits
    }

    @Test("nodes that want more of a slow Redis at once than it answers in time ask for less, and all is heard")
    func comesToAnEnd() throws {
        // What they ask for first takes it ten seconds, and a link waits for three.
        let redis = try SlowRedis(nodes: 8, channelsOfEach: 1_000, commandsPerTick: 100, limits)
        var ticks = 0
        while !redis.isHeard, ticks < 600 {
            redis.tick()
            ticks += 1
        }
        #expect(redis.isHeard, "not within \(ticks / 4) s")
        let losses = redis.nodes.map(\.losses)
        #expect(
            losses.allSatisfy { (1...4).contains($0) },
            "\(losses), \(ticks) ticks, \(redis.workedCount) worked off"
        )
        #expect(redis.workedCount < 2 * 8_000, "it has to hear of each channel once, and of those that were in vain")
        // And stays so.
        for _ in 0..<60 { redis.tick() }
        #expect(redis.isHeard && redis.nodes.map(\.losses) == losses)
    }

    @Test("behind a silence reads go out few at a time, and more as answers come soon")
    func readsFewAtATime() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        askManyTimes(fixture.link)
        #expect(fixture.sent().count(of: "perseid_histories") == 4)
        fixture.wait(milliseconds: 3_500)
        #expect(fixture.takeReasons().contains { $0.hasSuffix("no answer in 3000 ms") })
        try fixture.greet()
        askManyTimes(fixture.link)
        #expect(fixture.sent().count(of: "perseid_histories") == 1)
        fixture.reply([":0\r\n"])
        #expect(fixture.sent().count(of: "perseid_histories") == 2)
        fixture.reply([":0\r\n", ":0\r\n"])
        #expect(fixture.sent().count(of: "perseid_histories") == 4)
        #expect(fixture.link.unreadCount == 7 * RedisReadMany.countMax)
    }

    @Test("a link waits longer for who was silent before all was answered, up to a bound, and not any more once it was")
    func waitsLonger() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        askManyTimes(fixture.link)
        // The first silence is one that was not preceded by any.
        let usual: ClosedRange<UInt64> = 3_000...3_000
        for expected in [usual, usual, 4_500...6_000, 6_750...12_000, 9_000...12_000] {
            let patience = fixture.link.patienceMilliseconds
            #expect(expected.contains(patience))
            _ = fixture.takeReasons()
            fixture.wait(milliseconds: patience - 500)
            #expect(fixture.takeReasons() == [])
            fixture.wait(milliseconds: 1_000)
            #expect(fixture.takeReasons().contains { $0.hasSuffix("in \(patience) ms") })
            try fixture.greet()
            askManyTimes(fixture.link)
            _ = fixture.sent()
        }
        fixture.link.settle()
        #expect(fixture.link.patienceMilliseconds == 3_000)
    }

    @Test("reads of what was missed that wait are given up where more is missed, and those for who comes back are not")
    func givesUpFills() throws {
        let fixture = try CommandLinkFixture()
        try fixture.greet()
        askManyTimes(fixture.link)
        let channel = try #require(ChannelName("a"))
        fixture.link.ask(.read(channel, since: at(1), countMax: 10, bytesMax: 10, .recover))
        fixture.link.ask(.read(channel, since: at(1), countMax: 10, bytesMax: 10, .fill))
        #expect(fixture.sent().count(of: "perseid_histories") == 4)
        fixture.link.giveUpFills()
        #expect(fixture.takeAnswers() == Array(repeating: "other unavailable", count: 6) + ["read a fill unavailable"])
        #expect(fixture.link.unreadCount == 4 * RedisReadMany.countMax + 1)
        fixture.reply([":0\r\n"])
        let sent = fixture.sent()
        #expect(sent.count(of: "perseid_histories") == 0 && sent.count(of: "perseid_history") == 1)
    }

    /// Ten questions about what was missed of 64 channels each.
    private func askManyTimes(_ link: RedisCommandLink) {
        let read = RedisRead.read(ChannelName("a")!, since: at(1), countMax: 10, bytesMax: 10, .fill)
        let reads = Array(repeating: read, count: RedisReadMany.countMax)
        for _ in 0..<10 { link.ask(RedisReadMany(reads: reads) { _ in }) }
    }
}
