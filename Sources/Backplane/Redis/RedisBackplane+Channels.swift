public import Broker

// What is asked of channels goes to the master that has each.
extension RedisBackplane {
    public func publish(_ request: PublishRequest) { ask(.publish(request)) }

    public func tell(_ payload: Payload, in channel: ChannelName) {
        ask(RedisTell(channel: channel, payload: payload))
    }

    public func read(
        _ channel: ChannelName,
        since: Position?,
        countMax: Int,
        bytesMax: Int,
        for purpose: ReadPurpose
    ) {
        let read = RedisRead.read(channel, since: since, countMax: countMax, bytesMax: bytesMax, purpose)
        // A node that hears everything again has many, all in one turn.
        if case .fill = purpose { fills.append(read) } else { ask(read) }
    }

    /// Asks for what was found missing in this turn.
    func askForFills() {
        guard !fills.isEmpty else { return }
        let (alone, together) = fills.take { topology.shard(of: $0.key(keys)) }
        for read in alone { ask(read) }
        for (shard, reads) in together { shard.ask(RedisReadMany(reads: reads) { [unowned self] in ask($0) }) }
    }

    public func count(_ channel: ChannelName, subscribers: Int, leaseMilliseconds: UInt64) {
        ask(RedisCount(channel: channel, subscribers: subscribers, leaseMilliseconds: leaseMilliseconds))
    }

    public func describe(_ channel: ChannelName, for ticket: Ticket) { ask(.describe(channel, ticket)) }

    public func spend(_ spending: RateSpending) { ask(RedisSpend(spending: spending)) }
}
