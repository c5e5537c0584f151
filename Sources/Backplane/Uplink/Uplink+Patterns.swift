public import Broker

// Patterns: one subscription each, by which the channels they stand for are heard. Those that there are when a pattern begins to be
// heard are looked for; one that begins later is heard of with its first publication.
extension Uplink {
    // MARK: Interest

    func watchPattern(_ name: ChannelName, _ reactor: Int) {
        let pattern = patterns[name] ?? WatchedPattern(name)
        pattern.reactors |= 1 << reactor
        if patterns.updateValue(pattern, forKey: name) == nil {
            patternsVersion += 1
            metrics.patterns.set(patterns.count)
            pattern.reactorsToOpen |= 1 << reactor
            return backplane.subscribe(name)
        }
        for channel in pattern.channels.compactMap({ channels[$0] }) {
            tell(channel, of: pattern, to: 1 << reactor, at: channel.continuity.last)
        }
        if let since = pattern.since {
            post(.opened(name, head: since), to: 1 << reactor)
        } else {
            pattern.reactorsToOpen |= 1 << reactor
        }
    }

    func unwatchPattern(_ name: ChannelName, _ reactor: Int) {
        guard let pattern = patterns[name] else { return }
        pattern.reactors &= ~(1 << reactor)
        pattern.reactorsToOpen &= ~(1 << reactor)
        guard pattern.reactors == 0 else { return }
        forget(pattern)
        backplane.unsubscribe(name)
    }

    private func forget(_ pattern: WatchedPattern) {
        patterns[pattern.name] = nil
        patternsToSearch.remove(pattern.name)
        metrics.patterns.set(patterns.count)
        for channel in pattern.channels.compactMap({ channels[$0] }) {
            channel.patternCount -= 1
            metrics.patternChannels.add(-1)
            guard channel.patternCount == 0, !channel.isSubscribed else { continue }
            // It was heard by the pattern only.
            if channel.reactors == 0 {
                lingering.remove(channel)
                drop(channel)
            } else {
                channel.isSubscribed = true
                backplane.subscribe(channel.name)
            }
        }
    }

    // MARK: What the backplane says

    func subscribed(pattern name: ChannelName) {
        guard let pattern = patterns[name] else { return }
        pattern.mustFill = true
        search(pattern)
    }

    func refused(pattern name: ChannelName, _ reason: String) {
        guard let pattern = patterns[name] else { return }
        forget(pattern)
        metrics.channelsRefused.add()
        post(.refused(name, reason), to: pattern.reactors)
    }

    public func heard(_ publication: Publication, in name: ChannelName, by patternName: ChannelName) {
        guard patterns[patternName] != nil else { return }
        if channels[name] == nil { adopt(name, with: publication) }
        // The usual case of a channel that is heard in several ways.
        if let channel = channels[name], channel.continuity.isLive,
            channel.continuity.tail.publications.last == publication
        {
            return
        }
        heard(publication, in: name)
    }

    /// Takes a channel among those of all patterns that stand for it, before what was heard of it is handed on: whichever way it
    /// was heard first, all readers get it. One that nobody heard before stands at `head`.
    func adopt(_ name: ChannelName, head: Position, isOverlooked: Bool = false) {
        let unfound = name.patterns.compactMap { patterns[$0] }.filter { !$0.channels.contains(name) }
        adopt(name, head: head, isOverlooked: isOverlooked, into: unfound)
        channels[name]?.patternsVersion = patternsVersion
    }

    /// The same with the first that is heard of it. What came before that, after the readers of an open pattern had everything, was
    /// published in a silence: then all of it is read. What came before they had, the search should have found: who came back to the
    /// channel is told that something is missing, for nobody knows any more where that one stood.
    func adopt(_ name: ChannelName, with publication: Publication) {
        let previous = publication.previous
        guard let since = sinceOfPatterns(unawareOf: name), previous > .start else {
            return adopt(name, head: previous)
        }
        adopt(name, head: previous > since ? .start : previous, isOverlooked: previous <= since)
    }

    /// Until when the readers of patterns have everything of a channel that those do not know yet; `nil` if there is no such pattern.
    func sinceOfPatterns(unawareOf name: ChannelName) -> Position? {
        name.patterns.compactMap { patterns[$0] }.filter { !$0.channels.contains(name) && hasRoom($0) }.compactMap(
            \.since
        ).min()
    }

    // MARK: Channels of a pattern

    private func hasRoom(_ pattern: WatchedPattern) -> Bool { pattern.channels.count < limits.channelsPerPatternMax }

    private func adopt(_ name: ChannelName, head: Position, isOverlooked: Bool, into unfound: [WatchedPattern]) {
        let adopting = unfound.filter(hasRoom)
        metrics.patternChannelsRefused.add(unfound.count - adopting.count)
        guard !adopting.isEmpty else { return }
        let known = channels[name]
        let channel = known ?? WatchedChannel(name, limits: limits)
        lingering.remove(channel)
        if known == nil {
            channels[name] = channel
            metrics.channels.set(channels.count)
        }
        let opening = channel.continuity.isOpen ? nil : channel.continuity.open(head: head)
        let position = opening == nil ? channel.continuity.last : isOverlooked ? .start : head
        for pattern in adopting {
            pattern.channels.insert(name)
            metrics.patternChannels.add()
            channel.patternCount += 1
            tell(channel, of: pattern, to: pattern.reactors, at: position)
        }
        guard let opening else { return }
        // Whoever hears a pattern gets all that follows, and must not wait for where the channel stands once that is read.
        post(.opened(name, head: head), to: channel.reactorsToOpen)
        channel.reactorsToOpen = 0
        deliver((isOverlooked ? [.gap(from: .start, to: head)] : []) + opening.deliveries, of: channel)
        if let after = opening.readAfter { fill(channel, after: after) }
    }

    /// Tells reactors of a channel of a pattern that they have; they hear of it from now on.
    private func tell(
        _ channel: WatchedChannel,
        of pattern: WatchedPattern,
        to reactors: UInt64,
        at position: Position
    ) {
        channel.reactors |= reactors
        channel.reactorsToOpen &= ~reactors
        post(.found(channel.name, by: pattern.name), to: reactors)
        post(.opened(channel.name, head: position), to: reactors)
        if !channel.continuity.isLive { post(.behind(channel.name), to: reactors) }
    }
}
