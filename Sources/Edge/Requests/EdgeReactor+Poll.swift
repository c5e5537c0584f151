internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Takes a request that waits for what is published next.
    func openPoll(_ request: borrowing HTTPRequest, _ exchange: Exchange) throws(HTTPRejection) {
        let plan = try SubscriptionPlan(request, limits: limits)
        open(makeOpening(request, exchange, plan, as: .poll))
    }

    /// Begins a poll, whose session, if it asked for one, is there.
    func beginPoll(_ opening: Opening, _ channels: [(name: ChannelName, since: Position?)]) {
        let slot = opening.exchange.slot
        let poll = Poll(
            client: client(slot),
            encoding: opening.encoding,
            hasSession: opening.token != nil,
            hasCursor: channels.contains { $0.since != nil },
            bytesMax: limits.pollBytesMax
        )
        connections[live: slot].pointee.client.session?.poll = poll
        connections[live: slot].pointee.client.encoding = opening.encoding
        pollOpenings[poll.client] = opening
        holdRequests(behind: opening.exchange)
        join(slot, channels, poll: poll)
    }

    /// Answers a poll whose channels are open at once if there is something to tell; else it is held.
    func begin(_ poll: Poll, _ join: Join) {
        if poll.isAnswered { return }
        for part in join.parts {
            poll.begin(part)
            if part.topic.hasPresence, poll.hasSession { enter(part.topic, Slot(poll.client.slot)) }
        }
        if poll.hasNews { return answer(poll) }
        polls[poll.client] = poll
        for topic in poll.topics {
            topic.polls[poll.client] = poll
            changeCount(of: topic, by: 1)
        }
        metrics.polls.set(polls.count)
        poll.deadlineMilliseconds = nowMilliseconds + limits.pollMilliseconds
        timers.schedule(Slot(poll.client.slot), at: reactor.tick(afterMilliseconds: limits.pollMilliseconds))
    }

    /// Whether the poll of a connection is held until something is published.
    func isHeld(_ slot: Slot) -> Bool { polls[client(slot)] != nil }

    /// Lets go of what a connection that ends was waiting for.
    func releasePoll(_ slot: Slot) {
        if let poll = polls[client(slot)] { release(poll) }
        pollOpenings[client(slot)] = nil
    }

    /// Answers the poll of a connection with what there is, if one is held.
    func answerHeldPoll(_ slot: Slot) {
        if let poll = polls[client(slot)] { answer(poll) }
    }

    func pollTimerFired(_ slot: Slot) {
        // One whose channels are not open yet is given up with them.
        guard let poll = polls[client(slot)] else { return }
        guard poll.deadlineMilliseconds <= nowMilliseconds else {
            let left = poll.deadlineMilliseconds - nowMilliseconds
            return timers.schedule(slot, at: reactor.tick(afterMilliseconds: left))
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
            if polls[poll.client] === poll { answer(poll) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !duePolls.isEmpty
    }

    /// No longer holds a poll.
    func release(_ poll: Poll) {
        guard polls.removeValue(forKey: poll.client) != nil else { return }
        metrics.polls.set(polls.count)
        for topic in poll.topics {
            topic.polls[poll.client] = nil
            changeCount(of: topic, by: -1)
            releaseIfUnused(topic)
        }
    }

    func answer(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        guard let opening = pollOpenings[poll.client], isWaitedFor(opening.exchange) else { return }
        frame.removeAll()
        AnswerBody.appendPoll(cursor: poll.cursor, publications: poll.items, to: &frame) { item, body in
            Self.append(item, as: poll.encoding, to: &body)
        }
        AnswerBody.appendPollEnd(gaps: poll.gaps, hasCursor: poll.hasCursor, to: &frame) { gap, body in
            gap.topic.name.withUTF8 {
                Envelope.appendGap(channel: $0, from: gap.from.numbers, to: gap.to.numbers, into: &body)
            }
        }
        metrics.deliveries.add(poll.items.count)
        if poll.isDivided || poll.leavesRest { metrics.pollsDivided.add() }
        leaveAll(opening.exchange.slot)
        releaseSession(opening.exchange.slot)
        answer(opening.exchange, contentType: "application/json", frame.bytes) {
            $0.append(field: "Cache-Control", "no-store")
            append(fieldsOf: opening, to: &$0)
        }
    }

    /// Answers a poll in whose place another one of its session is held now.
    func displace(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        guard let exchange = pollOpenings[poll.client]?.exchange else { return }
        let reason: StaticString = "another request of this session took its place"
        refuse(exchange, status: 409, reason, field: "session")
    }

    private static func append(
        _ item: (topic: Topic, payload: Payload, position: Position?),
        as encoding: Encoding,
        to body: inout ByteBuffer
    ) {
        item.payload.bytes.withUnsafeBytes { bytes in
            item.topic.name.withUTF8 { name in
                let publication = Dialect.Publication(
                    channel: name,
                    position: item.position?.numbers,
                    payload: Envelope.Payload(item.payload.kind, bytes)
                )
                // An answer of JSON: no dialect has other bytes for it.
                _ = encoding.dialect.dialect.publication(publication, encoding.traits, &body)
            }
        }
    }
}
