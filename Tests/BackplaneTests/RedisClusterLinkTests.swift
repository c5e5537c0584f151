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

    @Test(
        "what is older than what was believed is believed once no node that is known knows better: the cluster was set up anew"
    )
    func anew() throws {
        let nodes = [try FakeRedis(), try FakeRedis()]
        let seat = ReactorSeat()
        var now = Clock.monotonicNanoseconds
        seat.setClock(now)
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        let places = nodes.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let seeds = try #require(RedisClusterSeeds("redis+cluster://\(places)"))
        let link = RedisClusterLink(seeds, limits: limits, token: 1, seat: seat, resolver: HostLookup.askSystem)
        var maps: [UInt64] = []
        var reasons: [String] = []
        link.onMap = { maps.append($0.epoch) }
        link.onChange = { if let reason = $0 { reasons.append(reason) } }
        link.connect()

        /// Has whichever node is asked next say of which epoch the cluster is.
        func say(epoch: Int, until isHeard: () -> Bool) -> Bool {
            var asked: FakeRedis?
            return eventually {
                link.ready([.read, .write])
                link.endOfTurn()
                if asked == nil {
                    now += 1_000_000
                    seat.setClock(now)
                    while let tick = seat.advanceClock() { link.tick(tick) }
                }
                for node in nodes where asked == nil && !node.isLeftAlone(accepting: true) { asked = node }
                asked?.receive()
                if asked?.received.contains("SLOTS") == true {
                    _ = asked?.take()
                    let facts = "cluster_state:ok\r\ncluster_current_epoch:\(epoch)\r\n".asBulk
                    let master = "*3\r\n" + "127.0.0.1".asBulk + ":\(nodes[0].port)\r\n" + "id".asBulk
                    asked?.say([facts, "*1\r\n*3\r\n:0\r\n:16383\r\n" + master])
                }
                return isHeard()
            }
        }

        #expect(say(epoch: 7) { maps == [7] })
        for node in nodes { node.close() }
        #expect(say(epoch: 1) { reasons.count == 2 })
        #expect(maps == [7] && reasons.last?.contains("knows less") == true, "\(reasons)")
        #expect(say(epoch: 1) { maps == [7, 1] })
        for node in nodes { node.close() }
        #expect(say(epoch: 0) { reasons.count == 4 })
        #expect(say(epoch: 1) { maps == [7, 1, 1] })
    }

    private func hear(_ link: RedisClusterLink, until isHeard: () -> Bool) -> Bool {
        eventually {
            link.ready(.read)
            return isHeard()
        }
    }
}
