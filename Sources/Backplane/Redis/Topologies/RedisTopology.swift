internal import Broker
internal import Reactor

/// Which masters of Redis there are, and which of them has a key. What asks and hears does not know more of it than this.
///
/// Thread: owned by the uplink.
protocol RedisTopology: AnyObject {
    /// Those that there are now.
    var shards: [RedisShard] { get }

    /// Whether the masters say that they serve nothing, though they are reached.
    var isDown: Bool { get }

    /// Why none is reached, where that is not for the masters to say.
    var trouble: String? { get }

    /// The master that can be asked for a key together with others; `nil` while nobody knows of one, or the key has to be brought there first.
    func shard(of key: String) -> RedisShard?

    /// Masters in the order in which somebody goes through who looks for keys: what moves from one to another meanwhile is found at one
    /// of them. None while one cannot be asked: nothing would come of it, and all would be looked through in vain.
    var searchOrder: [RedisShard] { get }

    /// Asks the master that has the key that a command is about, or one that it sends it on to.
    func ask(_ command: some RedisCommand)

    /// A command that was under way to a master is answered, or failed: others may have waited for that.
    func answered(_ command: any RedisCommand)

    /// Answers of what no master was asked.
    var onAnswer: (any RedisCommand, Result<RedisReply, BackplaneFailure>) -> Void { get set }

    /// Something changed that is not a link's own affair.
    var onChange: () -> Void { get set }

    /// Hears a channel, or a pattern, where it is told what is published in it.
    func subscribe(_ channel: ChannelName)
    func unsubscribe(_ channel: ChannelName)

    /// Whether a pattern is heard wherever it must be, by the numbers of the masters where it is.
    func isHeard(by numbers: Set<UInt64>) -> Bool

    /// The masters to which a node says that it lives.
    var registries: [RedisShard] { get }

    func connect()
    func ready(token: UInt64, _ readiness: Readiness)
    func tick(_ tick: Tick)
    func endOfTurn()
}

extension RedisTopology {
    /// One that is reached serves.
    var isDown: Bool { false }

    var searchOrder: [RedisShard] { shards.allSatisfy(\.commands.isUp) ? shards : [] }
}

/// Masters that are named: one, or several that share the channels.
final class RedisMasters: RedisTopology {
    let shards: [RedisShard]
    private let map: RedisShardMap
    private let keys: RedisKeys

    var onAnswer: (any RedisCommand, Result<RedisReply, BackplaneFailure>) -> Void = { _, _ in }
    var onChange: () -> Void = {}

    init(_ masters: [RedisMaster], keys: RedisKeys, _ makeShard: (RedisMaster, _ number: UInt64) -> RedisShard) {
        self.keys = keys
        map = RedisShardMap(names: masters.map(\.name))
        shards = masters.enumerated().map { makeShard($1, UInt64($0)) }
    }

    var trouble: String? { nil }
    var registries: [RedisShard] { shards }

    func shard(of key: String) -> RedisShard? { shards.count == 1 ? shards[0] : shards[map.place(of: key)] }

    func ask(_ command: some RedisCommand) {
        let shard = shards.count == 1 ? shards[0] : shards[map.place(of: command.key(keys))]
        shard.ask(command)
    }

    func answered(_ command: any RedisCommand) {}

    /// What is published in a pattern's channels is told at the master of each.
    func subscribe(_ channel: ChannelName) {
        for shard in hearers(of: channel) { shard.subscriptions.subscribe(channel) }
    }

    func unsubscribe(_ channel: ChannelName) {
        for shard in hearers(of: channel) { shard.subscriptions.unsubscribe(channel) }
    }

    private func hearers(of channel: ChannelName) -> [RedisShard] {
        if shards.count == 1 || channel.isPattern { return shards }
        return [shards[map.place(of: keys.channel(channel))]]
    }

    func isHeard(by numbers: Set<UInt64>) -> Bool { numbers.count == shards.count }

    func connect() { for shard in shards { shard.connect() } }

    func ready(token: UInt64, _ readiness: Readiness) {
        let (number, rest) = token.quotientAndRemainder(dividingBy: RedisShard.tokenCount)
        // bounded: tokens are those of the shards
        shards[Int(number)].ready(token: rest, readiness)
    }

    func tick(_ tick: Tick) { for shard in shards { shard.tick(tick) } }
    func endOfTurn() { for shard in shards { shard.endOfTurn() } }
}
