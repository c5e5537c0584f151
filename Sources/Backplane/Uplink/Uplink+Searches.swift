internal import Broker
internal import Reactor

// Looking for the channels that patterns stand for, when they begin to be heard and after each silence.
extension Uplink {
    // MARK: Asking

    /// Looks for a pattern's channels with the next search: what one that is under way says may be of before the silence ended.
    func search(_ pattern: WatchedPattern) {
        pattern.searchNumber = 0
        patternsToSearch.insert(pattern.name)
        beginSearch()
    }

    /// Begins a search if one is due; else the next tick asks.
    func beginSearch() {
        guard search == nil, !patternsToSearch.isEmpty,
            seat.thisMoment + PatternSearch.aheadNanoseconds >= nextSearchNanoseconds
        else { return }
        let names = Array(patternsToSearch.prefix(PatternSearch.patternsMax))
        patternsToSearch.subtract(names)
        searchCount += 1
        for name in names { patterns[name]?.searchNumber = searchCount }
        metrics.patternSearches.add()
        let sought = PatternSet(names)
        search = PatternSearch(number: searchCount, patterns: sought, begin: seat.thisMoment)
        backplane.find(sought)
    }

    private func endSearch(_ ended: PatternSearch) {
        search = nil
        nextSearchNanoseconds = endOfRest(behind: ended)
        beginSearch()
    }

    /// Whether it found something or not, Redis has its rest behind it.
    private func endOfRest(behind search: PatternSearch) -> UInt64 {
        let taken = seat.thisMoment - search.begin
        return max(nextSearchNanoseconds, search.begin) + PatternSearch.timesMin * taken
    }

    /// Patterns that a search is about; not those that are no longer heard, or that wait for another since.
    private func sought(by search: PatternSearch) -> [WatchedPattern] {
        search.patterns.names.compactMap { patterns[$0] }.filter { $0.searchNumber == search.number }
    }

    // MARK: What the backplane says

    public func found(_ part: FoundChannels?) {
        guard var current = search else { return }
        guard let part else { return failSearch(current) }
        let isFirst = !current.isAnswered
        current.isAnswered = true
        current.earliestMilliseconds = min(current.earliestMilliseconds, part.milliseconds)
        search = current
        if isFirst { fillSilences(current) }
        for (channel, head) in part.channels { found(channel, head: head, by: current) }
        if isFirst { for pattern in sought(by: current) { pattern.mustFill = false } }
        guard part.isLast else { return }
        open(current)
        endSearch(current)
    }

    /// Tried again after a while.
    private func failSearch(_ failed: PatternSearch) {
        for pattern in sought(by: failed) {
            pattern.searchNumber = 0
            patternsToSearch.insert(pattern.name)
        }
        search = nil
        let soonest = seat.thisMoment + PatternSearch.aheadNanoseconds + Self.searchRetryNanoseconds
        nextSearchNanoseconds = max(soonest, endOfRest(behind: failed))
    }

    private static let searchRetryNanoseconds: UInt64 = 1_000_000_000

    /// What is heard again after a silence: it ends with the search, and what came meanwhile is in the history of each channel.
    private func fillSilences(_ current: PatternSearch) {
        for pattern in sought(by: current) where pattern.mustFill {
            for channel in pattern.channels.compactMap({ channels[$0] }) { fillIfMissed(channel) }
        }
    }

    /// One that readers of a pattern should have heard of began in a silence: all of it was missed.
    private func found(_ name: ChannelName, head: Position, by current: PatternSearch) {
        let seeking = current.patterns.standing(for: name).compactMap { patterns[$0] }
            .filter { $0.searchNumber == current.number }
        let aware = seeking.filter { $0.channels.contains(name) }
        let isNew = aware.count < seeking.count
        let isMissed = isNew && sinceOfPatterns(unawareOf: name) != nil
        let isBehind = !aware.isEmpty && isRead(name, beforeFoundAt: head, of: aware)
        if isNew { adopt(name, head: isMissed ? .start : head) }
        if isMissed || isBehind, let channel = channels[name] { fillIfMissed(channel) }
    }

    /// Whether a channel was read before its master was asked, and stands further there. Until it was asked, that master may not have known
    /// that somebody hears the pattern: what was published between the two is neither read nor heard.
    private func isRead(_ name: ChannelName, beforeFoundAt head: Position, of aware: [WatchedPattern]) -> Bool {
        guard let continuity = channels[name]?.continuity, aware.allSatisfy({ !$0.mustFill }) else { return false }
        return continuity.isOpen && continuity.last < head
    }

    /// The search has ended: its patterns are open. What was published before it began is found, or lies before where its channel was
    /// found; what was published meanwhile is heard of, or of a channel that is read whole when it is.
    private func open(_ current: PatternSearch) {
        let opening = sought(by: current).filter { !$0.isOpen }
        guard !opening.isEmpty else { return }
        // Channels that the backplane has forgotten and somebody here reads.
        let opened = PatternSet(opening.map(\.name))
        for channel in channels.values where channel.continuity.isOpen && !opened.standing(for: channel.name).isEmpty {
            adopt(channel.name, head: channel.continuity.last)
        }
        let milliseconds = current.earliestMilliseconds
        let since = Position(milliseconds: milliseconds > 0 ? milliseconds - 1 : 0, sequence: 0)
        for pattern in opening {
            pattern.since = since
            post(.opened(pattern.name, head: since), to: pattern.reactorsToOpen)
            pattern.reactorsToOpen = 0
        }
    }
}
