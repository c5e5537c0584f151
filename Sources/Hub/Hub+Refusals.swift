public import Broker
internal import Wire

// A channel that the backplane does not let this node hear, for its user has no right to it: whoever asks for it is told so,
// and whoever had it loses it; other channels are none of its business.
extension Hub {
    /// Readers told in one turn: some milliseconds. The others are told in the next.
    private static var refusalsPerTurnMax: Int { 256 }

    /// Tells the clients that ask for a channel, or had it. Says whether some are left, which are told later.
    public func refuse(_ name: ChannelName) -> Bool {
        guard let topic = topics[name] else { return false }
        var left = Self.refusalsPerTurnMax
        let parts = [topic.joins, topic.telling, topic.following].flatMap { $0.values.prefix(left) }
        for part in parts where left > 0 && !part.join.isDone {
            refuse(part.join, name)
            left -= 1
        }
        for poll in Array(topic.polls.values.prefix(left)) {
            forbid(poll)
            left -= 1
        }
        while left > 0, let reader = topic.feeds.first?.members.first {
            endReading(subscriptions[reader].pointee.client, of: name)
            left -= 1
        }
        return left == 0
    }

    private func refuse(_ join: Join, _ name: ChannelName) {
        let isOneOfSeveral = join.topics.count > 1 && join.topics.contains { $0.name == name }
        if isOneOfSeveral, let client = outlet.client(join.client), client.pointee.has(.isTwoWay), join.poll == nil {
            if client.pointee.isOpen {
                outlet.refuse(join.client.slot, name, commandID: join.commandID, code: 403, Self.message(name))
            }
            return abandon(join, butFor: name)
        }
        guard let slot = abandon(join) else { return }
        if let poll = join.poll { return forbid(poll) }
        if outlet.client(at: slot).pointee.has(.isStream) {
            sayBye(slot, .forbidden, afterMilliseconds: 0)
        } else {
            outlet.refuse(slot, name, commandID: join.commandID, code: 403, Self.message(name))
        }
    }

    private func endReading(_ slot: ClientSlot, of name: ChannelName) {
        guard outlet.client(at: slot).pointee.has(.isTwoWay), endSubscription(slot, to: name) else {
            return sayBye(slot, .forbidden, afterMilliseconds: 0)
        }
        forgetSubscription(slot, to: name)
        outlet.refuse(slot, name, commandID: nil, code: 403, Self.message(name))
    }

    private static func message(_ name: ChannelName) -> String { "the backplane refuses the channel \(name)" }
}
