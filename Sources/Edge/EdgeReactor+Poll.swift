internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes a request that waits for what is published next.
    func openPoll(_ request: borrowing HTTPRequest, _ index: UInt32) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        guard !plan.channels.isEmpty else {
            throw HTTPRejection(status: 400, field: "channel", reason: "at least one is needed")
        }
        let poll = Poll(
            connection: connections.key(ofLive: index),
            origin: answerOrigin,
            isRaw: plan.isRaw,
            hasCursor: plan.channels.contains { $0.since != nil }
        )
        join(index, plan.channels, poll: poll)
        // Answered at once it is like any other request; else those behind it wait.
        if !poll.isAnswered { connections[live: index].pointee.flags.insert(.isAnswering) }
    }

    /// Answers a poll whose channels are open at once if there is something to tell; else it is held.
    func begin(_ poll: Poll, _ join: Join) {
        for part in join.parts { poll.begin(part) }
        if poll.hasNews { return answer(poll) }
        polls[poll.connection] = poll
        for topic in poll.topics { topic.polls[poll.connection] = poll }
        metrics.polls.set(polls.count)
        poll.deadlineTick = reactor.tick(afterMilliseconds: limits.pollMilliseconds)
        timers.schedule(poll.connection.index, at: poll.deadlineTick)
    }

    func pollTimerFired(_ poll: Poll, _ tick: UInt32) {
        guard Int32(bitPattern: tick &- poll.deadlineTick) >= 0 else {
            return timers.schedule(poll.connection.index, at: poll.deadlineTick)
        }
        metrics.pollsEmpty.add()
        answer(poll)
    }

    /// Answers the polls that something came for in this turn: a burst is one answer.
    func answerDuePolls() {
        guard !duePolls.isEmpty else { return }
        let due = duePolls
        duePolls.removeAll()
        for poll in due where polls[poll.connection] === poll { answer(poll) }
    }

    /// No longer holds a poll.
    func release(_ poll: Poll) {
        guard polls.removeValue(forKey: poll.connection) != nil else { return }
        metrics.polls.set(polls.count)
        for topic in poll.topics {
            topic.polls[poll.connection] = nil
            releaseIfUnused(topic)
        }
    }

    func answer(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        guard let connection = connections.pointer(to: poll.connection), !connection.pointee.flags.contains(.isClosed)
        else { return }
        frame.removeAll()
        frame.append("{\"cursor\":")
        frame.appendJSONString(poll.cursor)
        frame.append(",\"publications\":[")
        for (number, item) in poll.items.enumerated() {
            if number > 0 { frame.append(",") }
            append(item, isRaw: poll.isRaw)
        }
        frame.append("]")
        if poll.hasCursor || !poll.isWhole {
            frame.append(poll.isWhole ? ",\"recovered\":true" : ",\"recovered\":false")
        }
        frame.append("}")
        metrics.deliveries.add(poll.items.count)
        answerOrigin = poll.origin
        answer(poll.connection.index, contentType: "application/json", frame.bytes) {
            $0.append(field: "Cache-Control", "no-store")
        }
    }

    private func append(_ item: (topic: Topic, payload: Payload, position: Position?), isRaw: Bool) {
        item.payload.bytes.withUnsafeBytes { bytes in
            let payload = Envelope.Payload(item.payload.kind, bytes)
            if isRaw { return Envelope.appendValue(payload, to: &frame) }
            item.topic.name.withUTF8 {
                Envelope.appendMessage(channel: $0, position: item.position?.numbers, payload: payload, to: &frame)
            }
        }
    }
}
