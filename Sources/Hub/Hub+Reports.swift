public import Broker
internal import DequeModule
internal import Wire

// What the uplink reports of channels, in the order of the backplane.
extension Hub {
    /// A channel is watched, and this is where it stands.
    public func opened(_ name: ChannelName, head: Position) {
        guard let topic = topics[name] else { return }
        if topic.isOpen {
            // Let go of and asked for again before the first answer, which may be older than what was missed between.
            if head > topic.last { catchUp(topic) }
            return
        }
        topic.isOpen = true
        topic.last = head
        if topic.isPattern { topic.noteOpened(topic) }
        for pattern in topic.patterns { pattern.noteOpened(topic) }
        advanceJoins(of: topic) { _ in }
    }

    /// A publication came.
    public func take(_ publication: Publication, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        metrics.publications.add()
        guard publication.previous == topic.lastReported else {
            if publication.position > topic.lastReported {
                writeWaiting(topic)
                catchUp(topic)
            }
            return
        }
        if topic.isFull || !topic.waiting.isEmpty {
            wait(publication, in: topic)
        } else {
            append(publication, to: topic)
        }
    }

    /// A payload came that has no position: the readers of this moment have it, and nobody else.
    public func take(_ payload: Payload, in name: ChannelName) {
        guard let topic = topics[name], topic.isOpen else { return }
        metrics.publications.add()
        guard !topic.isFull else { return metrics.ephemeralsDropped.add() }
        if activity.isCounting { activity.note(topic) }
        // Who reads a pattern hears of what is kept: the other is told by the channel's own name only.
        for feed in topic.feeds where feed.topics.contains(where: { $0 === topic }) && feed.pacer(of: topic) == nil {
            put(payload, of: topic, into: feed)
            enqueue(feed)
        }
        if topic.isPaced { hold(payload, of: topic) }
        guard !topic.polls.isEmpty else { return }
        // One that is not to be told yet goes without: such a payload is for those who listen now.
        let rule = outlet.pace(of: name)
        for poll in topic.polls.values where dueMilliseconds(of: poll, rule) == nil {
            poll.take(payload, at: nil, in: topic, due: &polls.due)
        }
    }

    /// Publications are gone: what lies between two positions.
    public func takeGap(in name: ChannelName, from: Position, to position: Position) {
        guard let topic = topics[name], topic.isOpen, !topic.isCatchingUp else { return }
        writeWaiting(topic)
        guard from == topic.last else {
            // It is of where nobody here stands: the channel was opened behind it, or what came before was dropped.
            if position != topic.last { catchUp(topic) }
            return
        }
        reportGap(in: topic, from: from, to: position)
    }

    /// Reports were dropped on their way here; what they said is asked for.
    public func moved(_ name: ChannelName, to head: Position) {
        topics[name]?.isBehind = false
        guard let topic = topics[name], topic.isOpen, topic.lastReported != head else { return }
        writeWaiting(topic)
        catchUp(topic)
    }

    /// What followed a position, as it was asked for.
    public func recovered(_ name: ChannelName, _ page: HistoryPage) {
        guard let topic = topics[name], topic.isOpen else { return }
        let page = outlet.isKeyed(name) ? page.mergedByKey() : page
        writeWaiting(topic)
        if topic.isCatchingUp, page.since == topic.last { endCatchUp(topic, page) }
        // Reports were dropped, and that is told later than this.
        if page.head != topic.last { catchUp(topic) }
        if let since = page.since {
            topic.questionsAhead.remove(since)
            if let underWay = topic.recoveryUnderWay, since <= underWay { topic.recoveryUnderWay = nil }
        }
        // A client that began to read now would be sent once more what the catching up brings.
        if topic.isCatchingUp { return }
        let shared = SharedPage(byteCount: page.publications.reduce(0) { $0 + $1.payload.bytes.count }, held)
        advanceJoins(of: topic) { part in
            guard part.state == .recovering, let since = part.since else { return }
            // What was asked for others answers those whose position it knows.
            guard page.covers(since) else { return advance(part) }
            // Of a pattern it is a moment, which need not be a position.
            let missed =
                part.isBound ? page.publications.drop { $0.position <= since } : page.missed(behind: since)
            part.take(missed, of: shared, hasMore: page.hasMore, roomBytes: replayRoom(of: part.join))
            part.isRecovered =
                part.isSnapshot && !page.beginsAnew
                || (part.isBound ? page.isComplete(sinceMoment: since) : page.isComplete(after: since))
            let start = missed.first?.previous ?? topic.last
            part.position = part.isRecovered == true && !part.isBound ? since : start
            part.becomeReady()
        }
    }

    func catchUp(_ topic: Topic) {
        guard !topic.isCatchingUp else { return }
        topic.isCatchingUp = true
        askForMissed(topic)
    }

    private func askForMissed(_ topic: Topic) {
        topic.catchesUpLater = topic.isFull
        if topic.catchesUpLater {
            for feed in topic.feeds where feed.hasPatterns {
                if !feed.waiters.contains(where: { $0 === topic }) { feed.waiters.append(topic) }
            }
            return
        }
        outlet.recover(topic.name, since: topic.last)
    }

    private func endCatchUp(_ topic: Topic, _ page: HistoryPage) {
        if page.beginsAnew, let floor = page.floor, floor != topic.last {
            reportGap(in: topic, from: topic.last, to: floor)
        }
        for publication in page.publications where publication.position > topic.last {
            if publication.previous != topic.last { reportGap(in: topic, from: topic.last, to: publication.previous) }
            append(publication, to: topic)
        }
        if page.hasMore { return askForMissed(topic) }
        topic.isCatchingUp = false
        topic.catchesUpLater = false
        if page.head != topic.last { reportGap(in: topic, from: topic.last, to: page.head) }
    }

    func append(_ publication: Publication, to topic: Topic) {
        assert(publication.previous == topic.last, "the chain is unbroken, or a gap was told")
        for room in topic.feeds where room.stage == .waiting && room.pacer(of: topic) == nil { admit(from: room) }
        topic.last = publication.position
        if activity.isCounting { activity.note(topic) }
        for pattern in topic.patterns { pattern.advance(behind: publication.position, in: topic) }
        for feed in topic.feeds where feed.pacer(of: topic) == nil {
            put(publication, of: topic, into: feed)
            if feed.patternPacer == nil { feed.noteTime(publication.position.milliseconds) }
            enqueue(feed)
        }
        if topic.isPaced { hold(publication, of: topic) }
        for part in topic.joins.values where part.state == .ready && part.since != nil {
            part.add(publication, roomBytes: replayRoom(of: part.join))
        }
        forEachPoll(of: topic) { poll, rule in
            if leavesForLater(poll, rule) { return }
            poll.take(publication.payload, at: publication.position, in: topic, due: &polls.due)
        }
    }

    /// Puts a publication into a feed's log, in its encoding.
    func put(_ publication: Publication, of topic: Topic, into feed: Feed) {
        if feed.encoding.hasCursors { note(topic, in: feed) }
        frame.removeAll()
        encoder.append(
            publication.payload,
            position: publication.position,
            channel: topic.name,
            cursor: feed.encoding.hasCursors ? feed.cursor : nil,
            as: feed.encoding,
            to: &frame
        )
        put(publication.position, merging: mergingKey(of: publication, in: topic, feed), into: feed)
        if feed.needsNewest { feed.newest = (publication, topic) }
    }

    /// The same for a payload that has no position.
    func put(_ payload: Payload, of topic: Topic, into feed: Feed) {
        frame.removeAll()
        encoder.append(payload, position: nil, channel: topic.name, cursor: nil, as: feed.encoding, to: &frame)
        put(nil, into: feed)
    }

    /// The same for publications that are gone, where that can be told.
    func putGap(of topic: Topic, from: Position, to position: Position, into feed: Feed) {
        guard feed.encoding.hasControlMessages else { return }
        if feed.encoding.hasCursors { note(topic, in: feed) }
        frame.removeAll()
        feed.patternPacer?.keepWhatIsThere()
        let cursor = feed.encoding.hasCursors ? feed.cursor(topic, at: position) : nil
        appendGap(topic, from: from, to: position, cursor: cursor, as: feed.encoding, to: &frame)
        put(position, into: feed)
        if feed.needsNewest { feed.newest = nil }
    }

    private func note(_ topic: Topic, in feed: Feed) {
        guard feed.hasPatterns, !feed.topics.contains(where: { $0 === topic }) else { return }
        feed.patternStandings.note(topic)
    }

    /// The polls that wait for a channel, by its name or by a pattern; each once, with what is said of how often they are told of it.
    private func forEachPoll(of topic: Topic, _ body: (Poll, PaceRule) -> Void) {
        guard !topic.polls.isEmpty || topic.patterns.contains(where: { !$0.polls.isEmpty }) else { return }
        let rule = outlet.pace(of: topic.name)
        for poll in topic.polls.values { body(poll, rule) }
        for (place, pattern) in topic.patterns.enumerated() {
            for (client, poll) in pattern.polls where topic.polls[client] == nil {
                let isKnown = topic.patterns[..<place].contains { $0.polls[client] != nil }
                if !isKnown { body(poll, rule) }
            }
        }
    }

    private func reportGap(in topic: Topic, from: Position, to position: Position) {
        assert(from == topic.last && position != from, "a gap begins where its readers stand, and is one")
        topic.last = position
        for feed in topic.feeds where feed.encoding.hasControlMessages && feed.pacer(of: topic) == nil {
            putGap(of: topic, from: from, to: position, into: feed)
            enqueue(feed)
        }
        if topic.isPaced { holdGap(of: topic, from: from, to: position) }
        for part in topic.joins.values where part.state == .ready && part.since != nil {
            part.lose(upTo: position)
        }
        forEachPoll(of: topic) { poll, rule in
            if leavesForLater(poll, rule) { return }
            poll.takeGap(from: from, to: position, in: topic, due: &polls.due)
        }
    }
}
