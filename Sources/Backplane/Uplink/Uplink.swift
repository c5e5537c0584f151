public import Broker
public import Reactor

/// What stands between a node's reactors and the backplane: one subscription per channel however many reactors want it,
/// an unbroken chain per channel, one read for all who come back at once.
///
/// Thread: whichever has the turn of its shared reactor: a reactor of the edge that is awake or asleep, or the uplink's own
/// thread, so that a busy edge never delays the bus.
public final class Uplink: ReactorHandler {
    let seat: ReactorSeat
    let backplane: any Backplane
    let reports: [Inbox<UplinkReport>]
    let limits: Limits
    let metrics: UplinkMetrics
    /// How much of each channel is remembered.
    private(set) var rules: AccessRules
    var channels = ChannelTable<WatchedChannel>()
    var patterns: [ChannelName: WatchedPattern] = [:]
    /// Tells apart which patterns there are: raised with each new one.
    var patternsVersion: UInt32 = 0
    /// Those whose channels have to be looked for.
    var patternsToSearch: Set<ChannelName> = []
    var search: PatternSearch?
    var searchCount: UInt64 = 0
    var nextSearchNanoseconds: UInt64 = 0
    var lingering = LingeringChannels()
    var tails: TailMemory
    var overflowed: Set<ChannelName> = []
    /// Channels whose count is due.
    var countsToTell: [WatchedChannel] = []
    /// Of those, the ones that are being told in this second.
    var countsBeingTold: [WatchedChannel] = []
    /// Channels with a read that failed, or that could not be asked for.
    var failedReads: Set<ChannelName> = []
    /// Of those, the ones that are being asked for again.
    var readsToRepeat: [ChannelName] = []
    var countRenewals = RenewalRound<WatchedChannel>()
    var lastTellTick: Tick = .start
    var wasUp = false

    let sessions = SessionTable<HeldSession>()
    /// Sessions that were let go of and may be resumed.
    var detachedSessions = DetachedSessions()
    /// New sessions that the backplane was asked for.
    var openingSessions = 0
    var resumes: [SessionID: ResumesUnderWay] = [:]
    /// Sessions of which the backplane does not have all.
    var unsavedSessions: Set<SessionID> = []
    /// Sessions of polls that moved on since they were saved.
    var movedSessions: Set<SessionID> = []
    /// Visits that wait for the backplane.
    var visits: [Ticket: VisitUnderWay] = [:]
    /// Answers that wait for what they mean to be written, with what was known before.
    var settlements: [Ticket: SessionState] = [:]
    /// Sessions of which the backplane may have to be told something, in this second.
    var sessionsToTend: [SessionID] = []
    var sessionRenewals = RenewalRound<SessionID>()
    var nextCheckpointTick: Tick = .start

    /// This node's members of channels whose presence is switched on.
    var presence: [ChannelName: [MemberID: PresentMember]] = [:]
    var presenceRenewals = RenewalRound<ChannelName>()
    /// Of those, the ones whose turn it is.
    var membersToRenew: [MemberBatch] = []

    /// What is left to others of this node's readers, and what is told of those of a node that is gone.
    var will = NodeWill()
    var execution: WillExecution?
    /// The reactor that tells next.
    var nextHeir = 0
    /// Since when the backplane is heard without a break.
    var upSinceTick: Tick?

    /// What was asked of all nodes, by its number, and what this node's reactors were asked.
    var inquiries: [UInt64: ClusterInquiry] = [:]
    var nextInquiry: UInt64 = 0
    var replies: [ClusterCall: ClusterReply] = [:]

    public private(set) var isFinished = false

    /// Makes an uplink for reactors numbered as their inboxes are ordered; at most 64.
    public init(
        seat: ReactorSeat,
        backplane: any Backplane,
        reports: [Inbox<UplinkReport>],
        limits: Limits,
        rules: AccessRules = AccessRules(),
        metrics: UplinkMetrics
    ) {
        // bounded: how many threads there are is a setting
        precondition(reports.count <= 64, "reactors are a 64-bit set here")
        self.seat = seat
        self.backplane = backplane
        self.reports = reports
        self.limits = limits
        self.rules = rules
        self.metrics = metrics
        tails = TailMemory(bytesMax: limits.tailsBytesMax, heldBytesMax: limits.recoveriesBytesMax)
    }

    /// Starts the backplane; from here on its shared reactor must have turns.
    public func start() {
        backplane.start(delegate: self)
    }

    // MARK: Reactor

    public func ready(token: UInt64, readiness: Readiness) { backplane.ready(token: token, readiness: readiness) }

    /// Work that comes by the thousand goes on by a slice with each turn while there is room for it, and what Redis answers to it brings the
    /// next: so no turn is long, and it goes as fast as Redis does.
    public func endOfTurn() -> Bool {
        goOnAskingAgain()
        goOnTellingCounts()
        goOnTendingSessions()
        goOnRenewingPresence()
        writeWill()
        backplane.endOfTurn()
        return false
    }

    public func tick(_ tick: Tick) {
        backplane.tick(tick)
        dropLingering(tick)
        reportOverflows()
        renewLeases(tick)
        detachedSessions.advance(tick, resumeMilliseconds: limits.resumeMilliseconds, seat: seat)
        renewSessions(tick)
        renewPresence(tick)
        tendWill(tick)
        if backplane.isUp { beginSearch() }
        giveUpInquiries(tick)
        // Once a second: a channel that comes and goes faster is not worth Redis' time.
        if tick.milliseconds(since: lastTellTick) >= 1_000 {
            lastTellTick = tick
            tellCounts()
            askAgain()
            tendSessions(tick)
        }
    }

    public func receive(_ command: UplinkCommand) {
        switch command {
        case .watch(let name, let reactor): watch(name, reactor)
        case .unwatch(let name, let reactor): unwatch(name, reactor)
        case .count(let name, let reactor, let subscribers): count(name, reactor, subscribers)
        case .publish(let request): backplane.publish(request)
        case .rulesChanged(let rules): self.rules = rules
        case .tellFacts(let payload): tellFacts(payload)
        case .recover(let name, let since, let reactor, let isKeyed): recover(name, since, reactor, isKeyed)
        case .history(let ticket, let name, let since, let limit):
            metrics.historyReads.add()
            let bytesMax = limits.historyBytesMax
            backplane.read(name, since: since, countMax: limit, bytesMax: bytesMax, for: .request(ticket))
        case .describe(let ticket, let name):
            if backplane.isUp, let channel = channels[name], channel.isCountDue { tellCount(of: channel) }
            backplane.describe(name, for: ticket)
        case .session(let request): ask(for: request)
        case .saveSession(let id, let holder, let positions): save(id, holder, positions)
        case .visitSession(let visit): self.visit(visit)
        case .settleSession(let settlement): settle(settlement)
        case .releaseSession(let id, let holder): release(id, holder)
        case .enter(let name, let member, let transport, let details, let holder, let session):
            enter(name, member, PresentMember(transport: transport, details: details, holder: holder), of: session)
        case .leave(let name, let member, let holder, let departure): leave(name, member, holder, departure)
        case .presence(let ticket, let name): backplane.list(name, limit: limits.presenceMembersMax, for: ticket)
        case .control(let ticket, let request): control(ticket, request)
        case .reply(let call, let part): reply(part, to: call)
        case .endSession(let id, let holder): end(id, holder)
        case .keepWill(let isWanted): keepWill(isWanted)
        case .bequeath(let holder, let entry): bequeath(holder, entry)
        case .forgetReader(let holder): forgetReader(holder)
        case .told(let will, let entry, let isDone): told(will, entry, isDone: isDone)
        case .spend(let spending): spend(spending)
        case .stop(let deadline): stop(until: deadline)
        }
    }

    func stop(until deadlineNanoseconds: UInt64) {
        // The other half of the time is for all that to be answered.
        let now = Clock.monotonicNanoseconds
        let halfway = now + (max(deadlineNanoseconds, now) - now) / 2
        leaveSessions(until: halfway)
        leaveWill()
        // Last, for they end by themselves.
        for channel in channels.values where channel.isCounted {
            if !backplane.hasRoom { backplane.makeRoom(until: halfway) }
            backplane.count(channel.name, subscribers: 0, leaseMilliseconds: countLeaseMilliseconds)
        }
        backplane.finish(until: deadlineNanoseconds)
        isFinished = true
    }

    // MARK: Interest

    func watch(_ name: ChannelName, _ reactor: Int) {
        if name.isPattern { return watchPattern(name, reactor) }
        let known = channels[name]
        let channel = known ?? WatchedChannel(name, limits: limits)
        channel.reactors |= 1 << reactor
        lingering.remove(channel)
        if known == nil {
            channels[name] = channel
            metrics.channels.set(channels.count)
            channel.reactorsToOpen |= 1 << reactor
            channel.isSubscribed = true
            backplane.subscribe(name)
            noteListener(channel)
        } else if channel.continuity.isOpen {
            post(.opened(name, head: channel.continuity.last), to: 1 << reactor)
        } else {
            channel.reactorsToOpen |= 1 << reactor
        }
    }

    func unwatch(_ name: ChannelName, _ reactor: Int) {
        if name.isPattern { return unwatchPattern(name, reactor) }
        guard let channel = channels[name], channel.reactors != 0 else { return }
        channel.reactors &= ~(1 << reactor)
        channel.reactorsToOpen &= ~(1 << reactor)
        channel.reactorsMissed &= ~(1 << reactor)
        // By a pattern it is heard all the same.
        guard channel.reactors == 0, channel.patternCount == 0 || channel.isSubscribed else { return }
        lingering.append(channel, untilTick: seat.tick(afterMilliseconds: limits.lingerMilliseconds))
        if let oldest = lingering.takeOldest(countMax: limits.lingeringChannelsMax) { drop(oldest) }
    }

    /// Unsubscribes from channels nobody wanted for a while: someone who reloads a page costs Redis nothing.
    func dropLingering(_ tick: Tick) {
        for _ in 0..<LingeringChannels.slice {
            guard let channel = lingering.takeDue(tick) else { break }
            drop(channel)
        }
        metrics.channels.set(channels.count)
        metrics.lingering.set(lingering.count)
        metrics.tailBytes.set(tails.byteCount)
    }

    /// Hears a channel no longer; one that a pattern stands for is heard by that.
    func drop(_ channel: WatchedChannel) {
        if channel.isSubscribed { backplane.unsubscribe(channel.name) }
        channel.isSubscribed = false
        if channel.patternCount > 0 { return }
        channels[channel.name] = nil
        tails.remove(channel)
        failedReads.remove(channel.name)
        if channel.isCounted, backplane.isUp {
            backplane.count(channel.name, subscribers: 0, leaseMilliseconds: countLeaseMilliseconds)
        }
    }

    // MARK: Counts

    func count(_ name: ChannelName, _ reactor: Int, _ subscribers: Int) {
        guard let channel = channels[name] else { return }
        channel.counts[reactor] = subscribers
        noteCountDue(of: channel)
    }

    /// Begins to tell those that changed: those of a channel that came and went in between are never told.
    func tellCounts() {
        guard backplane.isUp, countsBeingTold.isEmpty, !countsToTell.isEmpty else { return }
        swap(&countsBeingTold, &countsToTell)
        goOnTellingCounts()
    }

    func goOnTellingCounts() {
        for _ in 0..<Self.slice {
            guard backplane.isUp, backplane.hasRoom, let channel = countsBeingTold.popLast() else { return }
            if channel.isCountDue, !channel.isGone { tellCount(of: channel) }
        }
        // An array that was emptied would keep its memory, and all may have changed at once.
        if countsBeingTold.isEmpty { countsBeingTold = [] }
    }

    private func noteCountDue(of channel: WatchedChannel) {
        guard !channel.isCountDue else { return }
        channel.isCountDue = true
        countsToTell.append(channel)
    }

    /// Counts told, reads repeated, and sessions written in one turn: some 100 µs each.
    static let slice = 64

    private func tellCount(of channel: WatchedChannel) {
        channel.isCountDue = false
        let subscribers = channel.counts.total
        guard subscribers > 0 || channel.isCounted else { return }
        channel.isCounted = subscribers > 0
        backplane.count(channel.name, subscribers: subscribers, leaseMilliseconds: countLeaseMilliseconds)
    }

    /// As long as three rounds of renewing.
    private var countLeaseMilliseconds: UInt64 { max(limits.countLeaseMilliseconds, 3 * countRenewals.milliseconds) }

    /// Renews every lease within a third of its length.
    func renewLeases(_ tick: Tick) {
        let due = countRenewals.next(
            tick,
            within: limits.countLeaseMilliseconds / 3,
            perSecondMax: limits.countRenewalsPerSecondMax,
            seat: seat
        ) { channels.values.filter { $0.counts.total > 0 } }
        metrics.countLeaseMilliseconds.set(Int(clamping: countLeaseMilliseconds))
        for channel in due where !channel.isGone { noteCountDue(of: channel) }
    }

    // MARK: Reports

    func post(_ report: UplinkReport, to reactors: UInt64) {
        for index in reports.indices where reactors & 1 << index != 0 { reports[index].post(report) }
    }

    /// Hands a channel's news to its reactors. One whose inbox is full is told later how far the channel moved, and
    /// recovers what it missed: an inbox is bounded and nothing is lost silently.
    func deliver(_ report: UplinkReport, of channel: WatchedChannel) {
        for index in reports.indices where channel.reactors & 1 << index != 0 {
            if channel.reactorsToOpen & 1 << index != 0 || channel.reactorsMissed & 1 << index != 0 { continue }
            if reports[index].post(report, depthMax: limits.inboxDepthMax) { continue }
            channel.reactorsMissed |= 1 << index
            overflowed.insert(channel.name)
            metrics.inboxOverflows.add()
        }
    }

    func reportOverflows() {
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

    func deliver(_ deliveries: [Continuity.Delivery], of channel: WatchedChannel) {
        tails.count(channel)
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
