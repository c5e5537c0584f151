internal import Broker

/// A poll that is not to be answered yet, and what it asks for.
struct DozingPoll {
    let poll: Poll
    var channels: [(name: ChannelName, since: Position?)]
    let entries: [ChannelName: Position]
    let pace: Pace
}

// Polls of who wants to be told only so often. A node knows nothing of the poll before; so each of them waits first, as long as it is from
// one batch to the next, and then asks for what its client missed: merged by key that is, where the channel is keyed, and nothing is kept
// for it meanwhile. The first of a client, which says nowhere where it stands, is answered at once, and so is one that is not held.
extension Hub {
    /// Has a poll wait, if its client or a rule wants that. Its slowest channel counts for all, for it has one answer.
    func doze(
        _ poll: Poll,
        _ channels: [(name: ChannelName, since: Position?)],
        _ entries: [ChannelName: Position],
        _ pace: Pace
    ) -> Bool {
        guard !poll.hasDozed, poll.hasCursor, poll.holdMilliseconds > 0 else { return false }
        let rates = channels.compactMap { $0.name.isPattern ? nil : outlet.pace(of: $0.name).rate(of: pace) }
        guard let slowest = rates.min() else { return false }
        poll.doze(milliseconds: slowest.intervalMilliseconds)
        polls.dozing[poll.client] = DozingPoll(poll: poll, channels: channels, entries: entries, pace: pace)
        pacing.add(.poll(poll), at: outlet.nowMilliseconds + slowest.intervalMilliseconds)
        return true
    }

    /// A poll may be answered from now on.
    func wake(_ poll: Poll) {
        guard let dozing = polls.dozing[poll.client], dozing.poll === poll else { return }
        polls.dozing[poll.client] = nil
        guard outlet.client(poll.client) != nil, outlet.isWaitedFor(poll) else { return }
        join(poll.client.slot, dozing.channels, entries: dozing.entries, pace: dozing.pace, poll: poll)
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
        guard let dozing = polls.dozing[id] else { return false }
        let new = channels.filter { channel in
            channel.position != nil && !dozing.channels.contains { $0.name == channel.channel }
        }
        polls.dozing[id]?.channels += new.map { ($0.channel, $0.position) }
        polls.dozing[id]?.channels.sort { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
        return true
    }

    func shortenDozing(of slot: ClientSlot, by channel: ChannelName) {
        polls.dozing[outlet.id(of: slot)]?.channels.removeAll { $0.name == channel }
    }
}
