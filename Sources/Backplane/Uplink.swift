public import Broker
public import Reactor

/// The thread between a node's reactors and the backplane: one subscription per channel however many reactors want it,
/// an unbroken chain per channel, one read for all who come back at once.
///
/// Thread: its own reactor, so that a busy edge never delays the bus.
public final class Uplink: ReactorHandler {
    private let reactor: Reactor<UplinkCommand>
    private let backplane: any Backplane
    private let reports: [Inbox<UplinkReport>]
    private let limits: Limits
    private let metrics: UplinkMetrics
    private var channels: [ChannelName: WatchedChannel] = [:]
    private var lingering: Set<ChannelName> = []
    private var overflowed: Set<ChannelName> = []
    private var countsToTell: Set<ChannelName> = []
    /// Channels with a read that failed, or that could not be asked for.
    private var failedReads: Set<ChannelName> = []
    private var leaseRenewals: [ChannelName] = []
    private var nextRenewalTick: UInt32 = 0
    private var lastTellTick: UInt32 = 0
    private var wasUp = false

    public private(set) var isFinished = false

    /// Makes an uplink for reactors numbered as their inboxes are ordered; at most 64.
    public init(
        reactor: Reactor<UplinkCommand>,
        backplane: any Backplane,
        reports: [Inbox<UplinkReport>],
        limits: Limits,
        metrics: UplinkMetrics
    ) {
        precondition(reports.count <= 64, "reactors are a 64-bit set here")
        self.reactor = reactor
        self.backplane = backplane
        self.reports = reports
        self.limits = limits
        self.metrics = metrics
    }

    /// Starts the backplane; from here on its reactor must run.
    public func start() {
        backplane.start(delegate: self)
    }

    // MARK: Reactor

    public var isIntakePaused: Bool { false }

    public func ready(token: UInt64, readiness: Readiness) { backplane.ready(token: token, readiness: readiness) }

    public func endOfTurn() -> Bool {
        backplane.endOfTurn()
        return false
    }

    public func tick(_ tick: UInt32) {
        backplane.tick(tick)
        dropLingering(tick)
        reportOverflows()
        renewLeases(tick)
        // Once a second: a channel that comes and goes faster is not worth Redis' time.
        if tick &- lastTellTick >= 4 {
            lastTellTick = tick
            tellCounts()
            askAgain()
        }
    }

    public func receive(_ command: UplinkCommand) {
        switch command {
        case .watch(let name, let reactor): watch(name, reactor)
        case .unwatch(let name, let reactor): unwatch(name, reactor)
        case .count(let name, let reactor, let subscribers): count(name, reactor, subscribers)
        case .publish(let request): backplane.publish(request)
        case .recover(let name, let since, let reactor): recover(name, since, reactor)
        case .history(let ticket, let name, let since, let limit):
            metrics.historyReads.add()
            backplane.read(name, since: since, limit: limit, for: .request(ticket))
        case .describe(let ticket, let name):
            tellCounts()
            backplane.describe(name, for: ticket)
        case .stop: stop()
        }
    }

    private func stop() {
        tellCounts()
        for (name, channel) in channels where channel.subscribers > 0 { backplane.count(name, subscribers: 0) }
        backplane.endOfTurn()
        isFinished = true
    }

    // MARK: Interest

    private func watch(_ name: ChannelName, _ reactor: Int) {
        let channel = channels[name] ?? WatchedChannel(name, limits: limits)
        channel.reactors |= 1 << reactor
        channel.lingersUntilTick = nil
        lingering.remove(name)
        if channels.updateValue(channel, forKey: name) == nil {
            metrics.channels.set(channels.count)
            channel.reactorsToOpen |= 1 << reactor
            backplane.subscribe(name)
        } else if channel.continuity.isOpen {
            post(.opened(name, head: channel.continuity.last), to: 1 << reactor)
        } else {
            channel.reactorsToOpen |= 1 << reactor
        }
    }

    private func unwatch(_ name: ChannelName, _ reactor: Int) {
        guard let channel = channels[name] else { return }
        channel.reactors &= ~(1 << reactor)
        channel.reactorsToOpen &= ~(1 << reactor)
        channel.reactorsMissed &= ~(1 << reactor)
        guard channel.reactors == 0 else { return }
        channel.lingersUntilTick = self.reactor.tick(afterMilliseconds: limits.lingerMilliseconds)
        lingering.insert(name)
    }

    /// Unsubscribes from channels nobody wanted for a while: someone who reloads a page costs Redis nothing.
    private func dropLingering(_ tick: UInt32) {
        for name in lingering {
            guard let until = channels[name]?.lingersUntilTick, Int32(bitPattern: tick &- until) >= 0 else { continue }
            lingering.remove(name)
            channels[name] = nil
            backplane.unsubscribe(name)
        }
        metrics.channels.set(channels.count)
    }

    // MARK: Counts

    private func count(_ name: ChannelName, _ reactor: Int, _ subscribers: Int) {
        guard let channel = channels[name] else { return }
        channel.counts[reactor] = subscribers
        countsToTell.insert(name)
    }

    private func tellCounts() {
        guard backplane.isUp else { return }
        for name in countsToTell { backplane.count(name, subscribers: channels[name]?.subscribers ?? 0) }
        countsToTell.removeAll(keepingCapacity: true)
    }

    /// Renews every lease within a third of its length, a few in each tick, so that many channels make no burst.
    private func renewLeases(_ tick: UInt32) {
        if leaseRenewals.isEmpty, Int32(bitPattern: tick &- nextRenewalTick) >= 0 {
            leaseRenewals = channels.values.filter { $0.subscribers > 0 }.map(\.name)
            nextRenewalTick = reactor.tick(afterMilliseconds: limits.countLeaseMilliseconds / 3)
        }
        let ticksInThird = Int(limits.countLeaseMilliseconds / 3 / Reactor<UplinkCommand>.tickMilliseconds)
        for _ in 0..<(leaseRenewals.count / max(ticksInThird, 1) + 1) {
            guard let name = leaseRenewals.popLast() else { return }
            if channels[name] != nil { countsToTell.insert(name) }
        }
    }

    // MARK: Reports

    private func post(_ report: UplinkReport, to reactors: UInt64) {
        for index in reports.indices where reactors & 1 << index != 0 { reports[index].post(report) }
    }

    /// Hands a channel's news to its reactors. One whose inbox is full is told later how far the channel moved, and
    /// recovers what it missed: an inbox is bounded and nothing is lost silently.
    private func deliver(_ report: UplinkReport, of channel: WatchedChannel) {
        for index in reports.indices where channel.reactors & 1 << index != 0 {
            if channel.reactorsToOpen & 1 << index != 0 || channel.reactorsMissed & 1 << index != 0 { continue }
            if reports[index].post(report, depthMax: limits.inboxDepthMax) { continue }
            channel.reactorsMissed |= 1 << index
            overflowed.insert(channel.name)
            metrics.inboxOverflows.add()
        }
    }

    private func reportOverflows() {
        for name in overflowed {
            guard let channel = channels[name] else {
                overflowed.remove(name)
                continue
            }
            for index in reports.indices where channel.reactorsMissed & 1 << index != 0 {
                guard reports[index].count < limits.inboxDepthMax / 2 else { continue }
                channel.reactorsMissed &= ~(1 << index)
                reports[index].post(.moved(name, head: channel.continuity.last))
            }
            if channel.reactorsMissed == 0 { overflowed.remove(name) }
        }
    }

    private func deliver(_ deliveries: [Continuity.Delivery], of channel: WatchedChannel) {
        for delivery in deliveries {
            switch delivery {
            case .publication(let publication):
                deliver(.publication(channel.name, publication), of: channel)
            case .gap(let from, let to):
                metrics.gapsReported.add()
                deliver(.gap(channel.name, from: from, to: to), of: channel)
            }
        }
    }
}

// MARK: - What the backplane answers

extension Uplink: BackplaneDelegate {
    public func linkChanged() {
        let isUp = backplane.isUp
        metrics.isUp.set(isUp ? 1 : 0)
        guard isUp != wasUp else { return }
        wasUp = isUp
        post(.link(isUp: isUp), to: .max)
        if isUp { askAgain() }
    }

    public func subscribed(_ name: ChannelName) {
        guard let channel = channels[name] else { return }
        let isFirst = !channel.isSubscribed
        channel.isSubscribed = true
        if isFirst || !channel.continuity.isOpen {
            readHead(of: channel)
        } else if let last = channel.continuity.beginReading() {
            // Heard again after a silence: what came meanwhile is in the history.
            fill(channel, after: last)
        }
    }

    public func heard(_ publication: Publication, in name: ChannelName) {
        guard let channel = channels[name] else { return }
        metrics.publicationsHeard.add()
        switch channel.continuity.receive(publication) {
        case .deliver: deliver(.publication(name, publication), of: channel)
        case .ignore, .hold: break
        case .read(let after):
            metrics.gapsFound.add()
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
            return post(.history(ticket, page), to: 1 << ticket.reactor)
        }
        guard let channel = channels[name] else { return }
        switch (purpose, page) {
        case (.open, .success(let page)): open(channel, page)
        case (.open, .failure):
            channel.missedRead = .open
            failedReads.insert(name)
        case (.fill, .success(let page)): fill(channel, with: page)
        case (.fill, .failure):
            channel.missedRead = since.map { .fill(after: $0) }
            failedReads.insert(name)
        case (.recover, .success(let page)): answerRecoveries(of: channel, page)
        case (.recover, .failure):
            channel.recoveryUnderWay = nil
            failedReads.insert(name)
        case (.request, _): break
        }
    }

    // MARK: Reads

    private func readHead(of channel: WatchedChannel) {
        metrics.historyReads.add()
        channel.missedRead = nil
        backplane.read(channel.name, since: nil, limit: 0, for: .open)
    }

    private func fill(_ channel: WatchedChannel, after position: Position) {
        metrics.historyReads.add()
        channel.missedRead = nil
        backplane.read(channel.name, since: position, limit: limits.readCountMax, for: .fill)
    }

    private func open(_ channel: WatchedChannel, _ page: HistoryPage) {
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
        if let readAfter { fill(channel, after: readAfter) }
        readRecoveries(of: channel)
    }

    /// Repeats the reads that failed: at once when the backplane is back, and once a second where it was there all the
    /// time and refused.
    private func askAgain() {
        guard backplane.isUp else { return }
        let names = failedReads
        failedReads.removeAll()
        for channel in names.compactMap({ channels[$0] }) {
            switch channel.missedRead {
            case .open: readHead(of: channel)
            case .fill(let after): fill(channel, after: after)
            case nil: readRecoveries(of: channel)
            }
        }
    }

    // MARK: Clients that come back

    private func recover(_ name: ChannelName, _ since: Position, _ reactor: Int) {
        guard let channel = channels[name] else { return }
        if channel.continuity.isLive, let page = tailPage(of: channel, since: since) {
            metrics.tailHits.add()
            return post(.recovered(name, page), to: 1 << reactor)
        }
        channel.recoveries[since, default: 0] |= 1 << reactor
        readRecoveries(of: channel)
    }

    private func tailPage(of channel: WatchedChannel, since: Position) -> HistoryPage? {
        let last = channel.continuity.last
        if since == last { return HistoryPage(since: since, publications: [], head: last) }
        guard let found = channel.continuity.tail.publications(after: since) else { return nil }
        return HistoryPage(since: since, publications: Array(found), head: last)
    }

    /// Starts one read for all who wait; those who come during it wait for the next, which the tail then spares.
    private func readRecoveries(of channel: WatchedChannel) {
        guard channel.continuity.isLive, channel.recoveryUnderWay == nil else { return }
        answerFromTail(channel)
        guard let oldest = channel.recoveries.keys.min() else { return }
        guard backplane.isUp else {
            failedReads.insert(channel.name)
            return
        }
        channel.recoveryUnderWay = oldest
        metrics.historyReads.add()
        backplane.read(channel.name, since: oldest, limit: limits.readCountMax, for: .recover)
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
        let covered = channel.recoveryUnderWay ?? page.since ?? .start
        channel.recoveryUnderWay = nil
        guard channel.continuity.isLive else { return }
        channel.continuity.remember(page)
        for (since, reactors) in channel.recoveries where since >= covered {
            channel.recoveries[since] = nil
            post(.recovered(channel.name, answer(to: since, from: page, of: channel)), to: reactors)
        }
        readRecoveries(of: channel)
    }

    /// What follows a position, up to what was reported of the channel so far: the page, and behind it the tail. Where
    /// they do not meet, or the page has a hole, only what lies behind it: then its first publication says that something
    /// is missing.
    private func answer(to since: Position, from page: HistoryPage, of channel: WatchedChannel) -> HistoryPage {
        let last = channel.continuity.last
        var publications = page.publications.filter { $0.position > since && $0.position <= last }
        let reached = publications.last?.position ?? since
        publications += channel.continuity.tail.publications.filter { $0.position > reached }
        var expected = last
        let hole = publications.lastIndex { publication in
            defer { expected = publication.previous }
            return publication.position != expected
        }
        if let hole { publications.removeFirst(hole + 1) }
        return HistoryPage(since: since, publications: publications, head: last)
    }
}
