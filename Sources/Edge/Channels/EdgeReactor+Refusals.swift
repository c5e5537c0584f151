internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Wire

// A channel that the backplane does not let this node hear, for its user has no right to it: whoever asks for it is told so,
// and whoever had it loses it; other channels are none of its business.
extension EdgeReactor {
    /// Readers told in one turn: some milliseconds. The others are told in the next.
    private static let refusalsPerTurnMax = 256

    func refused(_ name: ChannelName, _ reason: String) {
        guard let topic = topics[name] else { return }
        var left = Self.refusalsPerTurnMax
        for part in Array(topic.joins.values.prefix(left)) + Array(topic.telling.values.prefix(left)) where left > 0 {
            refuse(part.join, name)
            left -= 1
        }
        for poll in Array(topic.polls.values.prefix(left)) {
            release(poll)
            refuse(poll)
            left -= 1
        }
        while left > 0, let reader = topic.feeds.first?.log.members.first {
            endReading(Slot(subscriptions[reader].pointee.client), of: name)
            left -= 1
        }
        if left == 0 { reactor.inbox.post(.refused(name, reason)) }
    }

    private func refuse(_ join: Join, _ name: ChannelName) {
        guard let slot = abandon(join) else { return }
        if let poll = join.poll { return refuse(poll) }
        if connections[live: slot].pointee.client.has(.isStream) {
            sayBye(slot, .forbidden, afterMilliseconds: 0)
        } else {
            sendError(slot, id: join.commandID, code: 403, Self.message(name))
        }
    }

    private func refuse(_ poll: Poll) {
        poll.isAnswered = true
        guard let exchange = pollOpenings[poll.client]?.exchange, isWaitedFor(exchange) else { return }
        leaveAll(Slot(poll.client.slot))
        releaseSession(Slot(poll.client.slot))
        refuse(exchange, status: 403, "the backplane refuses the channel", field: "channel")
    }

    private func endReading(_ slot: Slot, of name: ChannelName) {
        guard connections[live: slot].pointee.client.has(.isTwoWay), unsubscribe(slot, from: name) else {
            return sayBye(slot, .forbidden, afterMilliseconds: 0)
        }
        forgetSubscription(slot, to: name)
        sendError(slot, id: nil, code: 403, Self.message(name))
    }

    private static func message(_ name: ChannelName) -> String { "the backplane refuses the channel \(name)" }
}
