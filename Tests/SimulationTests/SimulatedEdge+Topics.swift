import Backplane
import Broker

extension SimulatedEdge {
    func topic(for name: ChannelName) -> SimulatedTopic {
        if let known = topics[name] { return known }
        let topic = SimulatedTopic(name, number: simulation.number(of: name))
        topics[name] = topic
        topicsInOrder.append(topic)
        node.post(.watch(name, reactor: index))
        return topic
    }

    func releaseIfUnused(_ topic: SimulatedTopic) {
        let isUsed = topic.log != nil || !topic.joins.isEmpty || !topic.polls.isEmpty || topic.isAdvancing
        guard !isUsed, topics[topic.name] === topic else { return }
        topics[topic.name] = nil
        topicsInOrder.removeAll { $0 === topic }
        node.post(.count(topic.name, reactor: index, subscribers: 0))
        node.post(.unwatch(topic.name, reactor: index))
    }

    func log(of topic: SimulatedTopic) -> FanoutLog {
        if let known = topic.log { return known }
        let log = FanoutLog(
            windowBytesMax: limits.windowBytesMax,
            policy: simulation.scenario.policy(of: topic.number)
        )
        log.begin(at: topic.last)
        topic.log = log
        return log
    }

    func topic(of log: FanoutLog) -> SimulatedTopic? { topicsInOrder.first { $0.log === log } }

    // MARK: Subscriptions

    func subscribe(_ connection: SimulatedConnection, to topic: SimulatedTopic) {
        connection.firstSubscription = log(of: topic).add(
            client: ClientSlot(number: connection.slot),
            next: connection.firstSubscription,
            to: &subscriptions
        )
        connection.subscriptionCount += 1
    }

    /// Ends one subscription; says whether there was one.
    func unsubscribe(_ connection: SimulatedConnection, from topic: SimulatedTopic) -> Bool {
        var previous = SubscriptionSlot.none
        var next = connection.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            let following = reader.pointee.next
            if reader.pointee.log === topic.log {
                if connection.unfinished == next { finishFrame(connection) }
                if previous == SubscriptionSlot.none {
                    connection.firstSubscription = following
                } else {
                    subscriptions[previous].pointee.next = following
                }
                remove(next, from: topic)
                connection.subscriptionCount -= 1
                return true
            }
            previous = next
            next = following
        }
        return false
    }

    func unsubscribeAll(_ connection: SimulatedConnection) {
        var next = connection.firstSubscription
        connection.firstSubscription = SubscriptionSlot.none
        connection.unfinished = SubscriptionSlot.none
        connection.subscriptionCount = 0
        while next != SubscriptionSlot.none {
            let following = subscriptions[next].pointee.next
            if let topic = topic(of: subscriptions[next].pointee.log) { remove(next, from: topic) }
            next = following
        }
    }

    func isSubscribed(_ connection: SimulatedConnection, to channel: ChannelName) -> Bool {
        var next = connection.firstSubscription
        while next != SubscriptionSlot.none {
            if topic(of: subscriptions[next].pointee.log)?.name == channel { return true }
            next = subscriptions[next].pointee.next
        }
        return false
    }

    private func remove(_ subscription: SubscriptionSlot, from topic: SimulatedTopic) {
        guard let log = topic.log else { return }
        log.remove(subscription, from: &subscriptions)
        guard log.members.isEmpty else { return }
        topic.log = nil
        releaseIfUnused(topic)
    }
}
