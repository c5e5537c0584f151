internal import Broker

/// A poll that is not to be answered yet, and what it asks for.
struct DozingPoll {
    let poll: Poll
    var channels: [(name: ChannelName, since: Position?)]
    var entries: [ChannelName: Position]

    /// Adds channels that it does not have, in the order of cursors.
    mutating func add(_ new: [(name: ChannelName, since: Position?)]) {
        channels += new.filter { channel in !channels.contains { $0.name == channel.name } }
        channels.sort { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
    }
}

// Polls of who wants to be told only so often. A node knows nothing of the poll before; so each of them that there is something for waits,
// until as much time has passed since it came as is from one batch to the next, and then asks for what its client missed: merged by key
// that is, where the channel is keyed, and nothing is kept for it meanwhile. The first of a client, which says nowhere where it stands, is
// answered at once, and so is one that is not held. So is one that missed more than an answer has room for: that was due before, and the
// pace is not how fast it is read.
extension Hub {
    /// When a poll may be told what its client missed, if that is later: the slowest of the channels that there is something of counts,
    /// for it has one answer.
    func dueMilliseconds(of poll: Poll, _ join: Join) -> UInt64? {
        guard !poll.hasNews else { return nil }
        let rates = join.parts.compactMap { $0.hasNews ? rate(of: $0.topic, poll.pace) : nil }
        guard let slowest = rates.min(), let due = poll.mayTellMilliseconds(slowest), due > outlet.nowMilliseconds,
            !join.hasMore(thanRoomBytes: poll.roomBytes)
        else { return nil }
        return due
    }

    /// Has a poll wait whose channels are open.
    func doze(_ poll: Poll, _ join: Join, until due: UInt64) {
        // It may be held, and have been given more channels.
        prepareToDoze(poll)
        _ = addToDozing(poll, join)
        beginToDoze(poll, until: due)
    }

    /// Has a poll wait that may be held; what it has of channels it asks for again.
    private func doze(_ poll: Poll, until due: UInt64) {
        prepareToDoze(poll)
        beginToDoze(poll, until: due)
    }

    private func prepareToDoze(_ poll: Poll) {
        // One that comes back once more asks for what it did before, which the join has.
        let asked = polls[poll.client] === poll ? poll.asked : (channels: [], entries: [:])
        release(poll)
        poll.comeBack()
        polls.dozing[poll.client] = DozingPoll(poll: poll, channels: asked.channels, entries: asked.entries)
    }

    /// Its owner may take channels from it right away.
    private func beginToDoze(_ poll: Poll, until due: UInt64) {
        pacing.add(.poll(poll), at: due)
        outlet.didHold(poll, milliseconds: due - min(due, outlet.nowMilliseconds))
    }

    /// Gives a poll that waits the channels of a join; says whether there is such a poll.
    func addToDozing(_ poll: Poll, _ join: Join) -> Bool {
        guard polls.dozing[poll.client]?.poll === poll else { return false }
        let new = join.parts.filter { !$0.isMember }.map { (name: $0.topic.name, since: $0.comesBackSince) }
        polls.dozing[poll.client]?.add(new)
        polls.dozing[poll.client]?.entries.merge(join.entries) { known, _ in known }
        return true
    }

    /// Polls for which something came that they are not to be told yet are no longer held. Not where it came: that is in the middle of a
    /// publication's way to others.
    func dozeEarlyPolls() {
        for (poll, due) in polls.early where polls[poll.client] === poll && poll.isEarly { doze(poll, until: due) }
        polls.early.removeAll()
    }

    /// When a poll may be told what comes of a channel now; `nil` where that is at once.
    func dueMilliseconds(of poll: Poll, _ rule: PaceRule) -> UInt64? {
        guard let rate = rule.rate(of: poll.pace), let due = poll.mayTellMilliseconds(rate) else { return nil }
        return due > outlet.nowMilliseconds ? due : nil
    }

    /// Whether a poll is not to be told yet what comes of a channel now; then it is noted that it is to be told later.
    func leavesForLater(_ poll: Poll, _ rule: PaceRule) -> Bool {
        guard let due = dueMilliseconds(of: poll, rule) else { return false }
        if poll.takeEarly() { polls.early.append((poll, due)) }
        return true
    }

    /// A poll may be answered from now on.
    func wake(_ poll: Poll) {
        guard let dozing = polls.dozing[poll.client], dozing.poll === poll else { return }
        polls.dozing[poll.client] = nil
        guard outlet.client(poll.client) != nil, outlet.isWaitedFor(poll) else { return }
        join(poll.client.slot, dozing.channels, entries: dozing.entries, pace: poll.pace, poll: poll)
    }

    /// Whether a poll is told only the newest of what its client missed of a channel.
    func tellsNewestOnly(_ topic: Topic, _ pace: Pace) -> Bool {
        rate(of: topic, pace) != nil && outlet.pace(of: topic.name).tellsNewestOnly && !outlet.isKeyed(topic.name)
    }

    // MARK: Before it may be answered

    /// The poll of a client that is to be told why it gets nothing, held or not.
    func takePoll(of slot: ClientSlot) -> Poll? {
        let id = outlet.id(of: slot)
        if let dozing = polls.dozing.removeValue(forKey: id) { return dozing.poll }
        return polls[id]
    }

    func dropDozing(of slot: ClientSlot) {
        polls.dozing.removeValue(forKey: outlet.id(of: slot))?.poll.isAnswered = true
    }

    /// Has it answered as soon as it can be.
    func endDoze(of slot: ClientSlot) {
        guard let dozing = polls.dozing[outlet.id(of: slot)] else { return }
        dozing.poll.endHold()
        wake(dozing.poll)
    }

    /// Gives it more channels; says whether there is one.
    func extendDozing(of slot: ClientSlot, with channels: [SessionPosition]) -> Bool {
        let id = outlet.id(of: slot)
        guard polls.dozing[id] != nil else { return false }
        polls.dozing[id]?.add(channels.filter { $0.position != nil }.map { ($0.channel, $0.position) })
        return true
    }

    func shortenDozing(of slot: ClientSlot, by channel: ChannelName) {
        polls.dozing[outlet.id(of: slot)]?.channels.removeAll { $0.name == channel }
    }
}
