import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("The map of a Redis Cluster")
struct RedisClusterLinkTests {
    private static let map = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + "127.0.0.1".asBulk + ":7000\r\n" + "id".asBulk
    private static let facts = "cluster_state:ok\r\ncluster_current_epoch:1\r\n".asBulk

    @Test("is asked for at once, and then no more than twenty times a second however often somebody is sent on")
    func rests() throws {
        let redis = try FakeRedis()
        let seat = ReactorSeat()
        var now = Clock.monotonicNanoseconds
        seat.setClock(now)
        let seeds = try #require(RedisClusterSeeds("redis+cluster://127.0.0.1:\(redis.port)"))
        let link = RedisClusterLink(
            seeds,
            limits: Limits(),
            token: 1,
            seat: seat,
            resolver: HostLookup.askSystem
        )
        var maps = 0
        link.onMap = { _ in maps += 1 }
        link.connect()
        try redis.accept()
        link.ready(.write)
        var asked = 0
        for _ in 0..<1_000 {
            // A millisecond, in which two slots move.
            link.refresh()
            link.refresh()
            link.endOfTurn()
            let questions = redis.takeNow().count(of: "SLOTS")
            asked += questions
            for _ in 0..<questions { redis.say([Self.facts, Self.map]) }
            if questions > 0 { #expect(hear(link, until: { maps == asked })) }
            now += 1_000_000
            seat.setClock(now)
            while let tick = seat.advanceClock() { link.tick(tick) }
        }
        #expect((10...21).contains(asked), "\(asked) times in a second")
        #expect(maps == asked)
    }

    private func hear(_ link: RedisClusterLink, until isHeard: () -> Bool) -> Bool {
        eventually {
            link.ready(.read)
            return isHeard()
        }
    }
}
