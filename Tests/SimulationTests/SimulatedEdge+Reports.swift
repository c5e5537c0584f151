import Backplane
import Broker

// What the uplink reports. (See Edge/EdgeReactor+Topics.swift, its second half.)
extension SimulatedEdge {
    func opened(_ name: ChannelName, head: Position) {
        guard let topic = topics[name] else { return }
        note("\(name) is open at \(head)")
        if topic.isOpen {
            if head > topic.last { catchUp(topic) }
            return
        }
        topic.isOpen = true
        topic.last = head
        advanceJoins(of: topic) { _ in }
    }

    func take(_ publication: Publication, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        guard publication.previous == topic.last else {
            note("\(name): \(publication.position) after \(publication.previous) does not follow \(topic.last)")
            if publication.position > topic.last { catchUp(topic) }
            return
        }
        append(publication, to: topic)
    }

    func take(_ payload: Payload, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen else { return }
        let message = Message.ephemeral(channel: topic.number, number: payload.number)
        if let log = topic.log { append(message, position: nil, to: log, of: topic) }
        for poll in topic.polls {
            poll.answer.append((message, 0))
            poll.isDue = true
        }
    }

    func takeGap(in name: ChannelName, from: Position, to position: Position) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        reportGap(in: topic, from: from, to: position)
    }

    func moved(_ name: ChannelName, to head: Position) {
        guard let topic = topics[name], topic.isOpen, topic.last != head else { return }
        note("\(name) moved to \(head)")
        catchUp(topic)
    }

    func recovered(_ name: ChannelName, _ page: HistoryPage) {
        guard let topic = topics[name], topic.isOpen else { return }
        note("\(name) from \(page.since!): \(page.publications.map(\.position)) to \(page.head)")
        if topic.isCatchingUp, page.since == topic.last { endCatchUp(topic, page) }
        // Reports were dropped, and of that it is told later than of this.
        if page.head != topic.last { catchUp(topic) }
        if let since = page.since {
            topic.questionsAhead.remove(since)
            if let underWay = topic.recoveryUnderWay, since <= underWay { topic.recoveryUnderWay = nil }
        }
        // Who was told now where it stands would be told again what the catching up brings.
        if topic.isCatchingUp { return }
        advanceJoins(of: topic) { join in
            guard join.state == .recovering, let since = join.since else { return }
            guard page.covers(since) else { return advance(join) }
            let missed = page.publications.filter { $0.position > since }
            join.take(missed, hasMore: page.hasMore, bytesMax: limits.replayBytesMax)
            join.isRecovered = page.isComplete(after: since)
            join.position = join.isRecovered == true ? since : missed.first?.previous ?? topic.last
            join.state = .ready
        }
    }

    private func catchUp(_ topic: SimulatedTopic) {
        guard !topic.isCatchingUp else { return }
        topic.isCatchingUp = true
        askForMissed(topic)
    }

    private func askForMissed(_ topic: SimulatedTopic) {
        node.post(.recover(topic.name, since: topic.last, reactor: index))
    }

    private func endCatchUp(_ topic: SimulatedTopic, _ page: HistoryPage) {
        for publication in page.publications where publication.position > topic.last {
            if publication.previous != topic.last {
                reportGap(in: topic, from: topic.last, to: publication.previous)
            }
            append(publication, to: topic)
        }
        if page.hasMore { return askForMissed(topic) }
        topic.isCatchingUp = false
        if page.head != topic.last { reportGap(in: topic, from: topic.last, to: page.head) }
    }

    private func append(_ publication: Publication, to topic: SimulatedTopic) {
        note("\(topic.name) \(publication.position): \(publication.payload.number)")
        topic.last = publication.position
        let frame = message(of: publication, in: topic)
        if let log = topic.log {
            let isDropped = simulation.sabotage == .dropsPublications && simulation.random.once(in: 20)
            if !isDropped { append(frame, publication, to: log, of: topic) }
            let isRepeated = simulation.sabotage == .repeatsPublications && simulation.random.once(in: 20)
            if isRepeated { append(frame, publication, to: log, of: topic) }
        }
        for join in topic.joins where join.state == .ready && join.since != nil && !join.leavesRest {
            join.replay.append(publication)
        }
        for poll in topic.polls { add(publication, to: poll) }
    }

    private func append(_ frame: Message, _ publication: Publication, to log: FanoutLog, of topic: SimulatedTopic) {
        let padding = publication.payload.paddingWords
        append(frame, padding: padding, position: publication.position, to: log, of: topic)
    }

    func message(of publication: Publication, in topic: SimulatedTopic) -> Message {
        .publication(channel: topic.number, publication.position, number: publication.payload.number)
    }

    private func reportGap(in topic: SimulatedTopic, from: Position, to position: Position) {
        note("\(topic.name): gap from \(from) to \(position)")
        topic.last = position
        if let log = topic.log, simulation.sabotage != .hidesGaps {
            append(.gap(channel: topic.number, from: from, to: position), position: position, to: log, of: topic)
        }
        for poll in topic.polls {
            poll.answer.append((.gap(channel: topic.number, from: from, to: position), 0))
            poll.isDue = true
        }
        for join in topic.joins where join.state == .ready && join.since != nil && !join.leavesRest {
            join.isRecovered = false
            join.replay.removeAll()
            join.position = position
        }
    }

    private func append(
        _ message: Message,
        padding: Int = 0,
        position: Position?,
        to log: FanoutLog,
        of topic: SimulatedTopic
    ) {
        message.frame(padding: padding).withUnsafeBytes { log.append($0, position: position) }
        enqueue(topic)
    }
}
