public import Broker

// Who is in a channel is at the master that has it.
extension RedisBackplane {
    public func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        ask(RedisEnter(channel: channel, member: member, transport: transport, details: details))
    }

    public func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        ask(RedisRenew(channel: channel, members: members))
    }

    public func leave(_ channel: ChannelName, _ member: MemberID) {
        ask(RedisLeave(channel: channel, member: member))
    }

    public func list(_ channel: ChannelName, limit: Int, for ticket: Ticket) {
        ask(.list(channel, limit: limit, ticket))
    }
}
