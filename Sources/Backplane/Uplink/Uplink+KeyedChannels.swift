internal import Broker

// Those who come back to a keyed channel, of which the backplane has the newest of each key.

extension Uplink {
    /// Answers those who come back to a keyed channel. A page of it leaves out what was replaced, and what replaced it may be ahead of
    /// what the node was told so far: then the node catches up first.
    func answerMerged(of channel: WatchedChannel, _ page: HistoryPage) {
        guard channel.recoveryUnderWay != nil else { return }
        guard channel.continuity.isLive else {
            channel.recoveryUnderWay = nil
            return
        }
        let last = channel.continuity.last
        if page.head > last, let after = channel.continuity.beginReading() {
            channel.pageAhead = page
            return fill(channel, after: after)
        }
        channel.recoveryUnderWay = nil
        let end = page.hasMore ? page.publications.last?.position ?? last : last
        for (position, reactors) in channel.recoveries {
            guard let since = page.since,
                position == since || page.tellsOthers(at: position) && position > since && position < end,
                let answer = merged(after: position, from: page, of: channel)
            else { continue }
            channel.recoveries[position] = nil
            post(.recovered(channel.name, answer), to: reactors)
        }
        let isUnanswered = page.since.map { channel.recoveries[$0] != nil } ?? false
        channel.recoveryAttempts = isUnanswered ? channel.recoveryAttempts + 1 : 0
        if channel.recoveryAttempts > Self.recoveryAttemptsMax { giveUpMerging(since: page.since, of: channel) }
        readRecoveries(of: channel)
    }

    /// What a Redis has time and again does not reach what is remembered here: it lost what was told since. Those who asked are told that
    /// all of it may be missing; they would wait for ever else, and Redis would be asked for ever.
    private func giveUpMerging(since: Position?, of channel: WatchedChannel) {
        channel.recoveryAttempts = 0
        guard let since, let reactors = channel.recoveries.removeValue(forKey: since) else { return }
        let nothing = HistoryPage(since: since, publications: [], head: channel.continuity.last)
        post(.recovered(channel.name, nothing), to: reactors)
    }

    /// The node has caught up with a page that was ahead of it, unless its Redis lost what that had.
    func answerFromPageAhead(of channel: WatchedChannel) {
        guard channel.continuity.isLive, let page = channel.pageAhead else { return }
        channel.pageAhead = nil
        if page.head <= channel.continuity.last { return answerMerged(of: channel, page) }
        channel.recoveryUnderWay = nil
    }

    /// What changed in a keyed channel behind a position, up to what was reported of it so far; `nil` if more was published since the
    /// page was made than is remembered.
    private func merged(after since: Position, from page: HistoryPage, of channel: WatchedChannel) -> HistoryPage? {
        let last = channel.continuity.last
        var publications = Array(page.missed(behind: since))
        if !page.hasMore, page.head < last {
            guard let tail = channel.continuity.tail.publications(after: page.head) else { return nil }
            publications += tail
        }
        return HistoryPage(
            since: since,
            publications: publications,
            head: last,
            hasMore: page.hasMore,
            floor: page.floor,
            beginsAnew: page.beginsAnew,
            breaks: page.breaks
        )
    }
}
