import Broker
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Masters that share the channels")
struct RedisTopologyTests {
    @Test("are looked through for keys once all of them can be asked")
    func searchOrder() throws {
        let nodes = [try FakeRedis(), try FakeRedis()]
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        let masters = try nodes.map { try #require(RedisMaster("redis://127.0.0.1:\($0.port)")) }
        let links = RedisLinkMaker(
            context: RedisContext(limits: Limits(), nodeID: "a", incarnation: "", keys: RedisKeys()),
            incarnation: "",
            facts: "{}",
            seat: seat,
            resolver: HostLookup.askSystem
        )
        let maker = RedisTopologyMaker(links: links, report: RedisLinkReport())
        let topology = maker.topology(of: .masters(masters), former: [])
        topology.connect()
        for (node, shard) in zip(nodes, topology.shards) {
            #expect(topology.searchOrder.isEmpty)
            // The link that asks is made first.
            try node.accept()
            let isUp = eventually {
                shard.commands.ready([.read, .write])
                shard.commands.endOfTurn()
                node.receive()
                if node.received.contains("perseid_version") {
                    _ = node.take()
                    let replies = [CommandLinkFixture.hello(), ":\(RedisFunctions.version)\r\n"]
                    node.say(replies + ["$0\r\n\r\n", "+OK\r\n"])
                }
                return shard.commands.isUp
            }
            #expect(isUp)
        }
        #expect(topology.searchOrder.map(\.number) == [0, 1])
        nodes[1].close()
        let isLost = eventually {
            topology.shards[1].commands.ready([.read, .write])
            return !topology.shards[1].commands.isUp
        }
        #expect(isLost && topology.searchOrder.isEmpty)
    }
}
