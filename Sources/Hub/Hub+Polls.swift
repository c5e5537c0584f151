public import Broker
internal import DequeModule

// Requests that wait for what is published next. A poll joins its channels like everybody else; then it is answered at once if
// there is something to tell, and else held until there is, or for long enough.
extension Hub {
    /// Takes a poll whose channels are open.
    func begin(_ poll: Poll, _ join: Join) {
        if poll.isAnswered { return }
        if addToDozing(poll, join) { return }
        for part in join.parts where tellsNewestOnly(part.topic, join.pace) { part.keepNewest() }
        if let due = dueMilliseconds(of: poll, join) { return doze(poll, join, until: due) }
        if polls[poll.client] !== poll { poll.beginAnew() }
        poll.begin(join.parts)
        for part in join.parts where part.topic.hasPresence && poll.hasSession { enter(part.topic, poll.client.slot) }
        // What there was no room for comes with the next one: held, it would pass that over.
        let now = outlet.nowMilliseconds
        let isLongEnough = poll.holdMilliseconds == 0 || poll.deadlineMilliseconds <= now
        if poll.hasNews || poll.leavesRest || isLongEnough { return answer(poll) }
        for topic in join.topics {
            topic.polls[poll.client] = poll
            changeCount(of: topic, by: 1)
        }
        // It was held before it had these channels.
        if polls[poll.client] === poll { return }
        polls.hold(poll)
        metrics.polls.set(polls.count)
        outlet.didHold(poll, milliseconds: poll.deadlineMilliseconds - now)
    }

    // MARK: Channels that change while it is held

    /// Gives the held poll of a client more channels, from a position each; says whether one is held.
    public func extendPoll(of slot: ClientSlot, with channels: [SessionPosition]) -> Bool {
        if extendDozing(of: slot, with: channels) { return true }
        guard let poll = polls[outlet.id(of: slot)] else { return false }
        let new = channels.compactMap { channel -> (name: ChannelName, since: Position?)? in
            let topic = topics[channel.channel]
            if topic?.polls[poll.client] != nil || topic?.part(of: poll.client) != nil { return nil }
            return channel.position.map { (channel.channel, $0) }
        }
        if !new.isEmpty { join(slot, new, pace: poll.pace, poll: poll) }
        return true
    }

    /// Gives up the poll of a WebSocket's client, which is not answered: it may be held, or its channels are yet to be opened.
    public func dropPoll(of slot: ClientSlot) {
        let id = outlet.id(of: slot)
        for join in joins.ofClient(id) {
            guard let poll = join.poll else { continue }
            poll.isAnswered = true
            _ = abandon(join)
        }
        guard let poll = polls[id] else { return dropDozing(of: slot) }
        release(poll)
        poll.isAnswered = true
    }

    /// Takes a channel from the held poll of a client.
    public func shortenPoll(of slot: ClientSlot, by channel: ChannelName) {
        shortenDozing(of: slot, by: channel)
        guard let poll = polls[outlet.id(of: slot)], let topic = topics[channel] else { return }
        if let part = topic.partAsked(by: poll.client) { _ = abandon(part.join) }
        guard topic.polls.removeValue(forKey: poll.client) != nil else { return }
        poll.end(topic)
        changeCount(of: topic, by: -1)
        releaseIfUnused(topic)
    }

    /// Whether the poll of a client is held until something is published.
    public func holdsPoll(of slot: ClientSlot) -> Bool {
        let id = outlet.id(of: slot)
        return polls[id] != nil || polls.dozing[id] != nil
    }

    /// Answers the poll of a client with what there is, if one is held.
    public func answerHeldPoll(of slot: ClientSlot) {
        endDoze(of: slot)
        if let poll = polls[outlet.id(of: slot)] { answer(poll) }
    }

    /// Answers the poll of a client if it was held long enough; else says for how long it still is. One whose channels are not
    /// open yet is given up with them.
    public func answerPollIfDue(of slot: ClientSlot) -> UInt64? {
        guard let poll = polls[outlet.id(of: slot)] else { return nil }
        let now = outlet.nowMilliseconds
        guard poll.deadlineMilliseconds <= now else { return poll.deadlineMilliseconds - now }
        metrics.pollsEmpty.add()
        answer(poll)
        return nil
    }

    /// Answers the polls that something came for, for one slice of time: a burst is one answer. Says whether some are left,
    /// who get what comes until it is their turn, too.
    public func answerDuePolls() -> Bool {
        guard !polls.due.isEmpty || !polls.early.isEmpty else { return false }
        dozeEarlyPolls()
        let end = sliceEnd
        while let poll = polls.popDue() {
            answer(poll)
            if outlet.clockNanoseconds >= end { break }
        }
        return !polls.due.isEmpty
    }

    /// No longer holds a poll. It may just have been given channels with news, in which it is not held.
    func release(_ poll: Poll) {
        guard polls.remove(poll) else { return }
        metrics.polls.set(polls.count)
        for topic in poll.topics where topic.polls[poll.client] === poll {
            topic.polls[poll.client] = nil
            changeCount(of: topic, by: -1)
            releaseIfUnused(topic)
        }
    }

    private func answer(_ poll: Poll) {
        release(poll)
        poll.isAnswered = true
        guard outlet.isWaitedFor(poll) else { return }
        metrics.deliveries.add(poll.items.count)
        if poll.isDivided || poll.leavesRest { metrics.pollsDivided.add() }
        leaveAll(poll.client.slot)
        if poll.releasesSession { releaseSession(poll.client.slot) }
        outlet.answer(poll)
    }

    /// Answers a poll whose session is another's now, or nobody's.
    func displace(_ poll: Poll, _ taking: SessionTaking) {
        release(poll)
        polls.dozing[poll.client] = nil
        poll.isAnswered = true
        outlet.refuse(poll, PollRefusal(taking))
    }

    /// Sends a client away, which may have no more than a poll.
    public func dismiss(_ slot: ClientSlot, _ code: ByeCode, afterMilliseconds: UInt64) {
        guard let poll = takePoll(of: slot) else {
            return sayBye(slot, code, afterMilliseconds: afterMilliseconds)
        }
        release(poll)
        poll.isAnswered = true
        guard outlet.isWaitedFor(poll) else { return }
        leaveAll(slot)
        releaseSession(slot)
        outlet.refuse(poll, .dismissed)
    }

    /// Answers a poll that asks for a channel which the backplane refuses.
    func forbid(_ poll: Poll) {
        if poll.isAnswered { return }
        release(poll)
        poll.isAnswered = true
        guard outlet.isWaitedFor(poll) else { return }
        leaveAll(poll.client.slot)
        releaseSession(poll.client.slot)
        outlet.refuse(poll, .forbidden)
    }
}
