public import Broker
internal import Wire

// Who is subscribed to the channels that tell it. A member is its session, so it stays the same from connection to connection
// and from node to node; without a session it is its connection.
extension Hub {
    func enter(_ topic: Topic, _ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        let transport = client.pointee.encoding.map { "\($0.carrier.carrier.name)" } ?? ""
        client.pointee.isPresent = true
        outlet.enter(topic.name, slot, transport: transport)
    }

    /// A client is somebody else than before, and others are to see that.
    public func enterAgain(_ slot: ClientSlot) {
        guard outlet.client(at: slot).pointee.isPresent else { return }
        for topic in presentTopics(of: slot) { enter(topic, slot) }
    }

    func leave(_ topic: Topic, _ slot: ClientSlot, _ departure: Departure) {
        outlet.leave(topic.name, slot, departure)
    }

    /// Leaves all channels. Unless it is known that the client wants to, a session may be resumed and was never gone then.
    public func leaveAll(_ slot: ClientSlot, _ departure: Departure? = nil) {
        let client = outlet.client(at: slot)
        guard client.pointee.isPresent else { return }
        client.pointee.isPresent = false
        let departure = departure ?? (client.pointee.session == nil ? .clean : .lost)
        for topic in presentTopics(of: slot) { leave(topic, slot, departure) }
    }

    private func presentTopics(of slot: ClientSlot) -> [Topic] {
        let client = outlet.client(at: slot)
        if let poll = client.pointee.session?.poll { return poll.topics.filter(\.hasPresence) }
        var topics: [Topic] = []
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            topics += feeds[reader.pointee.log]?.topics.filter(\.hasPresence) ?? []
            next = reader.pointee.next
        }
        // Who reads too slowly may be out of the feed until it has caught up.
        for join in joins.continuations(of: outlet.id(of: slot)) where join.isOfReader {
            topics += join.topics.filter(\.hasPresence)
        }
        return topics
    }
}
