internal import Broker
internal import DequeModule
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes a request that waits for what is published next.
    func openPoll(_ request: borrowing HTTPRequest, _ slot: Slot) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        open(slot, makeOpening(request, plan, as: .poll))
    }

    /// Begins a poll, whose session, if it asked for one, is there.
    func beginPoll(_ slot: Slot, _ opening: Opening, _ channels: [(name: ChannelName, since: Position?)]) {
        let connection = connections[live: slot]
        let poll = Poll(
            connection: connections.key(ofLive: slot),
            opening: opening,
            hasCursor: channels.contains { $0.since != nil },
            bytesMax: limits.pollBytesMax
        )
        connection.pointee.session?.poll = poll
        connection.pointee.answer.insert(.isAwaited)
        join(slot, channels, poll: poll)
    }

    /// Answers a poll whose channels are open at once if there is something to tell; else it is held.
    func begin(_ poll: Poll, _ join: Join) {
        if poll.isAnswered { return }
        for part in join.parts {
            poll.begin(part)
            if part.topic.hasPresence, poll.opening.token != nil { enter(part.topic, poll.connection.slot) }
        }
        if poll.hasNews { return answer(poll) }
        polls[poll.connection] = poll
        for topic in poll.topics {
            topic.polls[poll.connection] = poll
            changeCount(of: topic, by: 1)
        }
        metrics.polls.set(polls.count)
        poll.deadlineTick = reactor.tick(afterMilliseconds: limits.pollMilliseconds)
        timers.schedule(poll.connection.slot, at: poll.deadlineTick)
    }

    func pollTimerFired(_ poll: Poll, _ tick: Tick) {
        guard poll.deadlineTick.isReached(by: tick) else {
            return timers.schedule(poll.connection.slot, at: poll.deadlineTick)
        }
        metrics.pollsEmpty.add()
        answer(poll)
    }

    /// Answers the polls that something came for, for one slice of time: a burst is one answer. Says whether some are left,
    /// who get what comes until it is their turn, too.
    func answerDuePolls() -> Bool {
        guard !duePolls.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.inputSliceMicroseconds * 1_000
        while let poll = duePolls.popFirst() {
            if polls[poll.connection] === poll { answer(poll) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !duePolls.isEmpty
    }

    /// No longer holds a poll.
    func release(_ poll: Poll) {
        guard polls.removeValue(forKey: poll.connection) != nil else { return }
        metrics.polls.set(polls.count)
        for topic in poll.topics {
            topic.polls[poll.connection] = nil
            changeCount(of: topic, by: -1)
            releaseIfUnused(topic)
        }
    }

    func answer(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        guard let connection = connections.pointer(to: poll.connection), !connection.pointee.isClosed
        else { return }
        frame.removeAll()
        frame.append("{\"cursor\":")
        frame.appendJSONString(poll.cursor)
        frame.append(",\"publications\":[")
        for (number, item) in poll.items.enumerated() {
            if number > 0 { frame.append(",") }
            append(item, isRaw: poll.opening.plan.isRaw)
        }
        frame.append("]")
        if !poll.gaps.isEmpty {
            appendGaps(of: poll)
        } else if poll.hasCursor {
            frame.append(",\"recovered\":true")
        }
        frame.append("}")
        metrics.deliveries.add(poll.items.count)
        if poll.isDivided || poll.leavesRest { metrics.pollsDivided.add() }
        answerOrigin = poll.opening.origin
        leaveAll(poll.connection.slot)
        releaseSession(poll.connection.slot)
        answer(poll.connection.slot, contentType: "application/json", frame.bytes) {
            $0.append(field: "Cache-Control", "no-store")
            append(fieldsOf: poll.opening, to: &$0)
        }
    }

    private func appendGaps(of poll: Poll) {
        frame.append(",\"recovered\":false,\"gaps\":[")
        for (number, gap) in poll.gaps.enumerated() {
            if number > 0 { frame.append(",") }
            gap.topic.name.withUTF8 {
                Envelope.appendGap(channel: $0, from: gap.from.numbers, to: gap.to.numbers, into: &frame)
            }
        }
        frame.append("]")
    }

    /// Answers a poll in whose place another one of its session is held now.
    func displace(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        answerOrigin = poll.opening.origin
        refuse(poll.connection.slot, status: 409, "another request of this session took its place", field: "session")
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
