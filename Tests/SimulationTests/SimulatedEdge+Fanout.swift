import Backplane
import Broker

extension SimulatedEdge {
    func enqueue(_ topic: SimulatedTopic) {
        guard !topic.isQueued else { return }
        topic.isQueued = true
        flushQueue.append(topic)
    }

    /// Sends what the logs gained, topic by topic in turn, until this turn's share of sends is used up.
    func flush() {
        let most = simulation.scenario.sendsPerTurnMax
        var left = most == 1_000 ? most : simulation.random.number(0...most)
        while let topic = flushQueue.first, left > 0 {
            flushQueue.removeFirst()
            topic.isQueued = false
            guard let log = topic.log else { continue }
            for _ in 0..<2 where log.hasMemberLeft {
                left -= 1
                if let member = log.nextMember() { stage(log, member) }
            }
            if topic.log === log, !log.hasMemberLeft { _ = log.nextMember() }
            left -= 1
            if topic.log === log, log.hasUnsentFrames { enqueue(topic) }
        }
        checkMemory()
    }

    private func stage(_ log: FanoutLog, _ member: SubscriptionSlot) {
        let reader = subscriptions[member]
        let connection = connections[Int(reader.pointee.client.number)]
        if connection.isBlocked { return fallBehind(member, of: log) }
        if connection.subscriptionCount > 1 {
            guard reader.pointee.offset < log.end else { return }
            drain(connection)
            if connection.isBlocked, connection.subscriptionCount > 0 { fallBehind(member, of: log) }
            return
        }
        let bytes = log.bytes(from: reader.pointee.offset)
        guard bytes.count > 0 else { return }
        let taken = connection.send(bytes)
        advance(member, by: taken)
        guard taken < bytes.count else { return }
        if taken > 0 { connection.unfinished = member }
        connection.isBlocked = true
        fallBehind(member, of: log)
    }

    private func fallBehind(_ member: SubscriptionSlot, of log: FanoutLog) {
        let reader = subscriptions[member]
        guard !reader.pointee.flags.contains(.isSkipping), reader.pointee.offset < log.end else { return }
        if log.end - reader.pointee.offset <= UInt64(log.windowBytesMax) {
            log.markBehind(reader)
            return log.keep(from: reader.pointee.offset)
        }
        let connection = connections[Int(reader.pointee.client.number)]
        note("\(connection.slot) is too slow: \(log.policy)")
        switch log.policy {
        case .disconnect: sayBye(connection, 4_008)
        case .skip, .latest:
            let rest = log.beginSkipping(member, in: subscriptions)
            if connection.unfinished == member { connection.unfinished = SubscriptionSlot.none }
            if let rest, simulation.sabotage != .cutsFrames { keepFirst(connection, rest) }
        }
    }

    /// I5: besides what was not sent yet, a log keeps no more than its window and the frame that reaches into it.
    private func checkMemory() {
        for topic in topicsInOrder {
            guard let log = topic.log else { continue }
            let kept = log.keptBytes - log.unsentBytes
            simulation.verifier.expect(
                kept <= log.windowBytesMax + Message.wordsMax * 8,
                .memory,
                "\(name): \(topic.name) keeps \(kept) bytes with a window of \(log.windowBytesMax)"
            )
        }
    }
}
