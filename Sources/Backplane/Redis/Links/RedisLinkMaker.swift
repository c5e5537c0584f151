internal import Reactor

/// What all links of a node to its masters, and to those who know of them, are made with.
///
/// Thread: owned by the uplink.
struct RedisLinkMaker {
    let context: RedisContext

    /// The name of this process among those that may go by the node's name, and what the node says of itself.
    let incarnation: String
    let facts: String

    let seat: ReactorSeat
    let resolver: HostLookup.Resolver
    private let room = RedisReadingRoom()

    init(
        context: RedisContext,
        incarnation: String,
        facts: String,
        seat: ReactorSeat,
        resolver: @escaping HostLookup.Resolver
    ) {
        self.context = context
        self.incarnation = incarnation
        self.facts = facts
        self.seat = seat
        self.resolver = resolver
    }

    /// A link that asks, and says there that the node lives.
    func commands(_ address: RedisAddress, token: UInt64) -> RedisCommandLink {
        RedisCommandLink(
            address: address,
            context: context,
            facts: facts,
            claimsFirst: !context.isClustered,
            token: token,
            seat: seat,
            room: room,
            resolver: resolver
        )
    }

    /// A link for what replicas must have, too.
    func durable(_ address: RedisAddress, token: UInt64) -> RedisDurableLink {
        let link = RedisCommandLink(
            address: address,
            context: context,
            claimsFirst: false,
            token: token,
            seat: seat,
            room: room,
            resolver: resolver
        )
        return RedisDurableLink(link, context: context)
    }

    /// A link that hears.
    func subscriptions(_ address: RedisAddress, token: UInt64) -> RedisSubscriptionLink {
        RedisSubscriptionLink(
            address: address,
            limits: context.limits,
            nodeID: context.nodeID,
            incarnation: incarnation,
            token: token,
            seat: seat,
            keys: context.keys,
            isClustered: context.isClustered,
            room: room,
            resolver: resolver
        )
    }

    /// Links to those who watch a master.
    func watch(_ sentinels: RedisSentinels, of master: RedisAddress, firstToken: UInt64) -> RedisSentinelWatch {
        RedisSentinelWatch(
            sentinels,
            master: master,
            limits: context.limits,
            firstToken: firstToken,
            seat: seat,
            room: room,
            resolver: resolver
        )
    }

    /// A link to whoever of a cluster knows who has what.
    func directory(_ seeds: RedisClusterSeeds) -> RedisClusterLink {
        RedisClusterLink(seeds, limits: context.limits, token: 0, seat: seat, room: room, resolver: resolver)
    }
}
