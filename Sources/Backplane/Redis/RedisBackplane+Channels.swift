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
        ask(.read(channel, since: since, countMax: countMax, bytesMax: bytesMax, purpose))
    }

    public func count(_ channel: ChannelName, subscribers: Int) {
        ask(.count(channel, subscribers: subscribers))
    }

    public func describe(_ channel: ChannelName, for ticket: Ticket) { ask(.describe(channel, ticket)) }

    public func spend(_ spending: RateSpending) { ask(RedisSpend(spending: spending)) }
}
