public import Broker

// What the backplane answers of channels, and what is read from it. For sessions and presence see the files named so.

extension Uplink: BackplaneDelegate {
    public func linkChanged() {
        let isUp = backplane.isUp
        metrics.isUp.set(isUp ? 1 : 0)
        metrics.trouble = backplane.trouble
        willLinkChanged(isUp: backplane.areWillsUp)
        if isUp != wasUp {
            wasUp = isUp
            post(.link(isUp: isUp), to: .max)
        }
        // A part of it may be back while another was there all the time.
        if isUp { askAgain() }
    }

    public func ticketsShared(_ secrets: [[UInt8]]) { post(.ticketsShared(secrets), to: .max) }

    public func subscribed(_ name: ChannelName) {
        if name.isPattern { return subscribed(pattern: name) }
        guard let channel = channels[name] else { return }
        // Heard again after a silence: what came meanwhile is in the history.
        if channel.continuity.isOpen { fillIfMissed(channel) } else { readHead(of: channel) }
    }

    /// Reads what may have been missed of a channel, unless that is being read. A read that was not answered is asked for anew, and will know
    /// what was missed until now.
    func fillIfMissed(_ channel: WatchedChannel) {
        if case .fill = channel.missedRead, let last = channel.continuity.restartReading() {
            return fill(channel, after: last)
        }
        if let last = channel.continuity.beginReading() { fill(channel, after: last) }
    }

    /// The channel is no longer tried: who asks for it anew is told anew.
    public func refused(_ name: ChannelName, _ reason: String) {
        if name.isPattern { return refused(pattern: name, reason) }
        // By a pattern it may be heard.
        if let channel = channels[name], channel.patternCount > 0 {
            channel.isSubscribed = false
            return
        }
        guard let channel = channels[name] else { return }
        channels[name] = nil
        lingering.remove(channel)
        tails.remove(channel)
        failedReads.remove(name)
        metrics.channelsRefused.add()
        post(.refused(name, reason), to: channel.reactors)
    }

    public func heard(_ publication: Publication, in name: ChannelName) {
        guard let channel = channels[name] else { return }
        if channel.patternsVersion != patternsVersion { adopt(name, with: publication) }
        metrics.publicationsHeard.add()
        switch channel.continuity.receive(publication) {
        case .deliver:
            tails.count(channel)
            deliver(.publication(name, publication), of: channel)
        case .ignore: break
        case .hold: tails.count(channel)
        case .read(let after):
            metrics.gapsFound.add()
            tails.count(channel)
            fill(channel, after: after)
        }
    }

    public func heard(_ payload: Payload, in name: ChannelName) {
        guard let channel = channels[name] else { return }
        metrics.ephemeralsHeard.add()
        deliver(.ephemeral(name, payload), of: channel)
    }

    public func published(_ ticket: Ticket, _ outcome: Result<Position, BackplaneFailure>) {
        switch outcome {
        case .success: metrics.publishesAcknowledged.add()
        case .failure: metrics.publishesFailed.add()
        }
        post(.published(ticket, outcome), to: 1 << ticket.reactor)
    }

    public func described(_ ticket: Ticket, _ facts: Result<ChannelFacts, BackplaneFailure>) {
        post(.described(ticket, facts), to: 1 << ticket.reactor)
    }

    public func read(
        _ name: ChannelName,
        for purpose: ReadPurpose,
        since: Position?,
        _ page: Result<HistoryPage, BackplaneFailure>
    ) {
        if case .request(let ticket) = purpose {
            if case .success(let page) = page, page.hasMore { metrics.historyDivided.add() }
            return post(.history(ticket, page), to: 1 << ticket.reactor)
        }
        guard let channel = channels[name] else { return }
        switch (purpose, page) {
        case (.open, .success(let page)): open(channel, page)
        case (.open, .failure): missHead(of: channel)
        case (.fill, .success(let page)): fill(channel, with: page)
        case (.fill, .failure): missFill(of: channel, after: since)
        case (.recover, .success(let page)): answerRecoveries(of: channel, page)
        case (.recover, .failure):
            channel.recoveryUnderWay = nil
            failedReads.insert(name)
        case (.request, _): break
        }
    }

    // MARK: Reads

    /// Where a channel stands; of one that a pattern stands for and does not know yet, what its readers do not have. For the answer
    /// may come before the pattern has heard of the channel's first publications, which are on their way by another connection.
    private func readHead(of channel: WatchedChannel) {
        metrics.historyReads.add()
        channel.missedRead = nil
        let since = sinceOfPatterns(unawareOf: channel.name)
        backplane.read(
            channel.name,
            since: since,
            countMax: since == nil ? 0 : limits.readCountMax,
            bytesMax: since == nil ? 0 : limits.readBytesMax,
            for: .open
        )
    }

    func fill(_ channel: WatchedChannel, after position: Position) {
        if channel.missedRead != nil { channel.missedRead = nil }
        tellBehind(channel)
        readPage(of: channel, after: position, for: .fill)
    }

    /// As much as one read brings; what lies behind is read when it is answered.
    private func readPage(of channel: WatchedChannel, after position: Position, for purpose: ReadPurpose) {
        metrics.historyReads.add()
        backplane.read(
            channel.name,
            since: position,
            countMax: limits.readCountMax,
            bytesMax: limits.readBytesMax,
            for: purpose
        )
    }

    /// Where another head opened the channel meanwhile, this one would have said what came since; that is read instead,
    /// or behind the read that is under way or missed already, which must not be forgotten.
    private func missHead(of channel: WatchedChannel) {
        if !channel.continuity.isOpen {
            channel.missedRead = .open
        } else if let last = channel.continuity.beginReading() {
            channel.missedRead = .fill(after: last)
        }
        failedReads.insert(channel.name)
    }

    private func missFill(of channel: WatchedChannel, after position: Position?) {
        // What nobody waits for was asked for someone who is gone.
        guard channel.continuity.isOpen, !channel.continuity.isLive else { return }
        channel.missedRead = position.map { .fill(after: $0) }
        failedReads.insert(channel.name)
    }

    func open(_ channel: WatchedChannel, _ page: HistoryPage) {
        if !channel.continuity.isOpen, let since = sinceOfPatterns(unawareOf: channel.name) {
            guard let asked = page.since, asked <= since else { return readHead(of: channel) }
            adopt(channel.name, head: page.start(behind: since))
            if page.head > since { fillIfMissed(channel) }
            return readRecoveries(of: channel)
        }
        let (deliveries, readAfter) = channel.continuity.open(head: page.head)
        post(.opened(channel.name, head: page.head), to: channel.reactorsToOpen)
        channel.reactorsToOpen = 0
        deliver(deliveries, of: channel)
        if let readAfter { fill(channel, after: readAfter) }
        readRecoveries(of: channel)
    }

    private func fill(_ channel: WatchedChannel, with page: HistoryPage) {
        let (deliveries, readAfter) = channel.continuity.fill(page)
        let isWhole = !deliveries.contains { if case .gap = $0 { true } else { false } }
        if isWhole, !deliveries.isEmpty { metrics.gapsFilled.add() }
        deliver(deliveries, of: channel)
        if let readAfter { fill(channel, after: readAfter) } else { tellLive(channel) }
        answerFromPageAhead(of: channel)
        readRecoveries(of: channel)
    }

    /// Readers of a pattern must not take its newest publication for a sign that they have all before it, while one of its channels
    /// waits for a read.
    private func tellBehind(_ channel: WatchedChannel) {
        guard channel.patternCount > 0, !channel.isTold else { return }
        channel.isTold = true
        post(.behind(channel.name), to: channel.reactors)
    }

    private func tellLive(_ channel: WatchedChannel) {
        guard channel.isTold, channel.continuity.isLive else { return }
        channel.isTold = false
        post(.moved(channel.name, head: channel.continuity.last), to: channel.reactors)
    }

    /// Begins to repeat the reads that failed: at once when the backplane is back, and once a second where it was there all the
    /// time and refused.
    func askAgain() {
        guard backplane.isUp, readsToRepeat.isEmpty, !failedReads.isEmpty else { return }
        readsToRepeat = Array(failedReads)
        failedReads.removeAll(keepingCapacity: true)
        goOnAskingAgain()
    }

    func goOnAskingAgain() {
        for _ in 0..<Self.slice {
            guard backplane.isUp, let name = readsToRepeat.popLast() else { return }
            guard let channel = channels[name] else { continue }
            switch channel.missedRead {
            case .open: readHead(of: channel)
            case .fill: fillIfMissed(channel)
            case nil: readRecoveries(of: channel)
            }
        }
    }

    // MARK: Clients that come back

    func recover(_ name: ChannelName, _ since: Position, _ reactor: Int, _ isKeyed: Bool) {
        guard let channel = channels[name] else { return }
        channel.isKeyed = isKeyed
        if channel.continuity.isLive, let page = tailPage(of: channel, since: since) {
            metrics.tailHits.add()
            return post(.recovered(name, page), to: 1 << reactor)
        }
        channel.recoveries[since, default: 0] |= 1 << reactor
        readRecoveries(of: channel)
    }

    /// How many publications this node itself may answer those with who come back: as many as the channel's history has. The tail has
    /// more, to tell what was heard twice. In a keyed channel the rule counts keys, and the tail knows what came last.
    private func rememberedMax(of channel: WatchedChannel) -> Int {
        guard rules.areAnyForgetful, !rules.isKeyed(channel.name) else { return .max }
        return rules.history(of: channel.name).countMax(isKeyed: false, limits)
    }

    private func tailPage(of channel: WatchedChannel, since: Position) -> HistoryPage? {
        let last = channel.continuity.last
        if since == last { return HistoryPage(since: since, publications: [], head: last) }
        let tail = channel.continuity.tail
        let countMax = rememberedMax(of: channel)
        // Of a pattern a client says only until when it has everything. What is remembered of a keyed channel need not be all of it: so
        // whether somebody's position ever was one of it, Redis says.
        if !channel.isKeyed, let first = tail.publications.first, first.previous < since, since < last {
            let rest = tail.publications.filter { $0.position > since }
            if rest.first?.previous != since, rest.count <= countMax {
                return HistoryPage(since: since, publications: rest, head: last)
            }
        }
        guard let found = tail.publications(after: since, countMax: countMax) else { return nil }
        return HistoryPage(since: since, publications: Array(found), head: last)
    }

    /// Starts one read for all who wait; those who come during it wait for the next, which the tail then spares.
    func readRecoveries(of channel: WatchedChannel) {
        guard channel.continuity.isLive, channel.recoveryUnderWay == nil else { return }
        answerFromTail(channel)
        guard let oldest = channel.recoveries.keys.min() else { return }
        guard backplane.isUp else {
            failedReads.insert(channel.name)
            return
        }
        channel.recoveryUnderWay = oldest
        readPage(of: channel, after: oldest, for: .recover)
    }

    private func answerFromTail(_ channel: WatchedChannel) {
        for (since, reactors) in channel.recoveries {
            guard let page = tailPage(of: channel, since: since) else { continue }
            metrics.tailHits.add()
            channel.recoveries[since] = nil
            post(.recovered(channel.name, page), to: reactors)
        }
    }

    private func answerRecoveries(of channel: WatchedChannel, _ page: HistoryPage) {
        if page.floor != nil { return answerMerged(of: channel, page) }
        guard let since = channel.recoveryUnderWay else { return }
        channel.recoveryUnderWay = nil
        guard channel.continuity.isLive else { return }
        if isAheadOfNode(page.head, channel), let last = channel.continuity.beginReading() {
            return fill(channel, after: last)
        }
        if isOfAnotherMaster(page, since: since, channel), channel.recoveryAttempts < Self.recoveryAttemptsMax {
            channel.recoveryAttempts += 1
            return readRecoveries(of: channel)
        }
        channel.recoveryAttempts = 0
        if let end = page.publications.last?.position, !reachesTail(end, channel) {
            answerRecoveries(of: channel, since: since, before: end) { part(of: page, after: $0, of: channel) }
        } else {
            // Who has more than the page knows may have asked behind it, and asks again: only what the read was made for is
            // certainly gone.
            answerRecoveries(of: channel, since: since, before: page.head.successor) {
                rest(after: $0, from: page, of: channel)
            }
            // Only now: what is remembered makes room for it, and the answers need what is there.
            channel.continuity.remember(page)
            tails.count(channel)
        }
        readRecoveries(of: channel)
    }

    /// Answers those whose position a page knows.
    private func answerRecoveries(
        of channel: WatchedChannel,
        since: Position,
        before end: Position,
        _ answer: (Position) -> HistoryPage
    ) {
        for (position, reactors) in channel.recoveries
        where position == since || position > since && position < end {
            channel.recoveries[position] = nil
            post(.recovered(channel.name, answer(position)), to: reactors)
        }
    }

    /// Whether some who come back have more than this node was told so far, and history has it, too: they come from a node
    /// that heard it first. What they have must be reported before they are answered, or they were set back.
    private func isAheadOfNode(_ head: Position, _ channel: WatchedChannel) -> Bool {
        let last = channel.continuity.last
        return head > last && channel.recoveries.keys.contains { $0 > last && $0 <= head }
    }

    /// Reads that are asked for anew, one after the other, for those who come back: a master that was replaced and does not know it
    /// yet is asked for some milliseconds at most.
    static let recoveryAttemptsMax = 3

    /// Whether what was read leads to something else than what was reported of the channel: a master says so that was replaced, and
    /// knows others than the one that was heard. Who was answered with that would be told a gap over what there is.
    private func isOfAnotherMaster(_ page: HistoryPage, since: Position, _ channel: WatchedChannel) -> Bool {
        let last = channel.continuity.last
        let end = page.publications.last?.position ?? page.head
        guard !page.hasMore, end != last else { return false }
        if end > last { return since < last && !page.publications.contains { $0.position == last } }
        // It ends between two that follow each other.
        let next = channel.continuity.tail.publications.first { $0.position > end }
        return next.map { $0.previous < end } ?? false
    }

    /// Whether what was read meets what is remembered. If more was published during the read than is remembered, it does
    /// not, and the rest must be read, too.
    private func reachesTail(_ end: Position, _ channel: WatchedChannel) -> Bool {
        end >= channel.continuity.last || channel.continuity.tail.publications(after: end) != nil
    }

    /// What follows a position, up to what was reported of the channel so far: the page, and behind it the tail.
    private func rest(after since: Position, from page: HistoryPage, of channel: WatchedChannel) -> HistoryPage {
        let last = channel.continuity.last
        let known = page.publications.filter { $0.position > since && $0.position <= last }
        let reached = known.last?.position ?? since
        let newest = channel.continuity.tail.publications.suffix(rememberedMax(of: channel))
        let publications = known + newest.filter { $0.position > reached }
        return HistoryPage(since: since, publications: Self.chain(publications, upTo: last), head: last)
    }

    /// What a page has behind a position, when it does not reach what is remembered here: the rest is asked for again by whoever
    /// was told this, so that nobody's whole history is in memory for one who reads slowly.
    private func part(of page: HistoryPage, after since: Position, of channel: WatchedChannel) -> HistoryPage {
        let publications = page.publications.filter { $0.position > since }
        let end = publications.last?.position ?? since
        return HistoryPage(
            since: since,
            publications: Self.chain(publications, upTo: end),
            head: channel.continuity.last,
            hasMore: true
        )
    }

    /// What leads up to a position without a hole: where something is missing, the first publication says so.
    private static func chain(_ publications: [Publication], upTo end: Position) -> [Publication] {
        var expected = end
        let hole = publications.lastIndex { publication in
            defer { expected = publication.previous }
            return publication.position != expected
        }
        return hole.map { Array(publications[($0 + 1)...]) } ?? publications
    }
}
