/// Makes what knows which masters there are, and each of these with its links.
///
/// Thread: owned by the uplink. What it has made makes further masters by it as they come.
final class RedisTopologyMaker {
    private let links: RedisLinkMaker
    private let report: RedisLinkReport

    /// A master came; those are not told that there were when somebody began to listen.
    var onShard: (RedisShard) -> Void = { _ in }

    init(links: RedisLinkMaker, report: RedisLinkReport) {
        self.links = links
        self.report = report
    }

    /// `former` are the masters of before, while channels are on their way from them.
    func topology(of deployment: RedisDeployment, former: [RedisMaster]) -> any RedisTopology {
        switch deployment {
        case .masters(let masters): topology(of: masters, former)
        case .cluster(let seeds): topology(of: seeds)
        }
    }

    private func topology(of masters: [RedisMaster], _ former: [RedisMaster]) -> any RedisTopology {
        let makeShard = { [self] in shard($0, number: $1, tokenCount: RedisShard.tokenCount) }
        if former.isEmpty || Set(former.map(\.name)) == Set(masters.map(\.name)) {
            return RedisMasters(masters, keys: links.context.keys, makeShard)
        }
        return RedisMovingMasters(
            masters,
            former: former,
            context: links.context,
            report: report,
            seat: links.seat,
            makeShard
        )
    }

    private func topology(of seeds: RedisClusterSeeds) -> any RedisTopology {
        RedisCluster(
            links.directory(seeds),
            context: links.context,
            incarnation: links.incarnation,
            report: report,
            seat: links.seat
        ) { [self] in
            shard(RedisMaster(seeds.address), at: $0, number: $1, tokenCount: RedisShard.tokenCountInCluster)
        }
    }

    private func shard(
        _ master: RedisMaster,
        at place: RedisPlace? = nil,
        number: UInt64,
        tokenCount: UInt64
    ) -> RedisShard {
        let shard = RedisShard(
            master,
            number: number,
            at: place,
            firstToken: number * tokenCount,
            links: links,
            report: report
        )
        onShard(shard)
        return shard
    }
}
