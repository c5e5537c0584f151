internal import Broker
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
        for part in Array(topic.joins.values.prefix(left)) {
            refuse(part.join, name)
            left -= 1
        }
        for poll in Array(topic.polls.values.prefix(left)) {
            release(poll)
            refuse(poll)
            left -= 1
        }
        while left > 0, let reader = topic.feeds.first?.log.members.first {
            endReading(subscriptions[reader].pointee.connection, of: name)
            left -= 1
        }
        if left == 0 { reactor.inbox.post(.refused(name, reason)) }
    }

    private func refuse(_ join: Join, _ name: ChannelName) {
        guard let index = abandon(join) else { return }
        if let poll = join.poll { return refuse(poll) }
        if connections[live: index].pointee.transport.isStream {
            sayBye(index, .forbidden, afterMilliseconds: 0)
        } else {
            sendError(index, id: join.commandID, code: 403, Self.message(name))
        }
    }

    private func refuse(_ poll: Poll) {
        poll.isAnswered = true
        guard let connection = connections.pointer(to: poll.connection), !connection.pointee.flags.contains(.isClosed)
        else { return }
        answerOrigin = poll.opening.origin
        leaveAll(poll.connection.index)
        releaseSession(poll.connection.index)
        refuse(poll.connection.index, status: 403, "the backplane refuses the channel", field: "channel")
    }

    private func endReading(_ index: UInt32, of name: ChannelName) {
        guard connections[live: index].pointee.transport == .webSocket, unsubscribe(index, from: name) else {
            return sayBye(index, .forbidden, afterMilliseconds: 0)
        }
        forgetSubscription(index, to: name)
        sendError(index, id: nil, code: 403, Self.message(name))
    }

    private static func message(_ name: ChannelName) -> String { "the backplane refuses the channel \(name)" }
}
