internal import Broker
internal import Wire

// A feed that is compressed is one stream of deflate (RFC 1951), of which all its readers are sent every byte: so its messages are
// compressed once, with those before them, and no reader costs memory for that. Whoever comes waits, and is sent what is not
// compressed, until the stream begins anew: from there on it refers to nothing that the newcomer does not have.
//
// On a WebSocket a message is compressed or not by itself (RFC 7692), and one that is not does not enter what is referred to. A client
// has one place to keep what was compressed, so it reads one such feed at most, and others as they are.
extension Hub {
    // MARK: Which feed

    /// The feed of some topics for a client, whatever it understands.
    func anyFeed(for topics: Few<Topic>, of slot: ClientSlot, _ encoding: Encoding, _ pace: Pace) -> Feed {
        encoding.isCompressible
            ? compressedFeed(for: topics, of: slot, encoding, pace) : feed(for: topics, encoding: encoding, pace)
    }

    /// The feed of some topics for a client that understands what is compressed; where rules let it be.
    func compressedFeed(for topics: Few<Topic>, of slot: ClientSlot, _ encoding: Encoding, _ pace: Pace) -> Feed {
        let compression = compression(of: topics)
        guard !encoding.hasContentCoding else {
            let stage = compression == .alone ? Feed.Stage.alone : .waiting
            return feed(for: topics, Feed.Kind(encoding, stage, pace: pace))
        }
        let direct = Feed.Kind(encoding.unchunked, pace: pace)
        guard compression != .off else { return feed(for: topics, direct) }
        let hasContext = encoding.form == .deflated
        if compression == .shared, hasContext {
            let isFree = !reads(slot, .shared) && !reads(slot, .alone)
            let waiting = Feed.Kind(encoding, .waiting, pace: pace)
            return feed(for: topics, isFree ? waiting : direct)
        }
        if hasContext, reads(slot, .shared) { return feed(for: topics, direct) }
        let form = hasContext ? Encoding.Form.deflatedAlone : encoding.form
        let alone = Encoding(encoding.carrier, encoding.dialect, form)
        return feed(for: topics, Feed.Kind(alone, .alone, pace: pace))
    }

    /// What may be done with all of some topics.
    private func compression(of topics: Few<Topic>) -> Compression {
        topics.map { outlet.compression(of: $0.name) }.min() ?? .off
    }

    /// Whether a client reads a feed at a stage.
    private func reads(_ slot: ClientSlot, _ stage: Feed.Stage) -> Bool {
        var next = outlet.client(at: slot).pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if feeds[reader.pointee.log]?.stage == stage { return true }
            next = reader.pointee.next
        }
        return false
    }

    /// A feed is made whose readers understand what is compressed.
    func beginCompressing(_ feed: Feed) {
        feed.mayCompress = mayCompress(feed)
        // Of those that wait on a WebSocket nothing is compressed or counted.
        if feed.stage != .waiting || feed.encoding.hasContentCoding {
            feed.coder = FeedCoder(feed.encoding.contentCoding)
        }
    }

    /// The rules are others now. What may not be compressed any more is sent as it is, by the same feeds.
    public func compressionChanged() {
        for feed in allFeeds { considerCompressing(feed) }
    }

    /// Something changed that a feed may be compressed by, or not.
    func considerCompressing(_ feed: Feed) {
        guard feed.encoding.isCompressible else { return }
        feed.mayCompress = mayCompress(feed)
        if !feed.mayCompress, let coder = feed.coder { giveBackWindow(of: coder) }
    }

    /// Two feeds of the same patterns hold back each what it holds back: nobody goes from one of them to the other.
    private func mayCompress(_ feed: Feed) -> Bool {
        if feed.patternPacer != nil, feed.stage != .alone { return false }
        return compression(of: feed.topics) >= feed.stage.compression
    }

    // MARK: Those who wait

    /// Has those who wait read on with what is compressed, if that may begin anew now. Called before a publication is made part of
    /// either, for who has everything of the one has everything of the other.
    func admit(from room: Feed) {
        guard room.mayCompress else { return }
        let kind = room.kind.at(.shared)
        let known = feeds[room.topics, kind]
        if let known, known.coder?.hasWindow == true, !known.members.isEmpty {
            guard known.coder?.bytesSinceFlush ?? 0 >= limits.compressionFlushBytes else { return }
        }
        if known?.coder?.hasWindow != true, !windows.hasRoom { return metrics.compressionWindowsRefused.add() }
        let ready = Array(room.members.lazy.filter { self.isReady($0, of: room) }.prefix(Self.admittedMax))
        guard !ready.isEmpty else { return }
        let shared = feed(for: room.topics, kind)
        if let coder = shared.coder, takeWindow(for: coder) {
            if !shared.members.isEmpty { metrics.compressionFlushes.add() }
            coder.beginAnew()
            for member in ready { admit(member, from: room, to: shared) }
        }
        // One that nobody reads is let go of when it is its turn to be sent: not in the middle of a publication's way to all of them.
        enqueue(room)
        enqueue(shared)
    }

    /// Readers that go over at once, so that nobody waits for a hundred thousand of them: the others go over the next time.
    private static var admittedMax: Int { 4_096 }

    /// Whether a member has everything, also of what is its own.
    private func isReady(_ member: SubscriptionSlot, of log: FanoutLog) -> Bool {
        let reader = subscriptions[member]
        guard reader.pointee.offset == log.end, reader.pointee.flags.isDisjoint(with: [.isSkipping, .isAhead])
        else { return false }
        let client = outlet.client(at: reader.pointee.client)
        return client.pointee.isOpen && !client.pointee.isBlocked && client.pointee.outbox == nil
    }

    /// A client that reads something compressed already waits for nothing.
    private func admit(_ member: SubscriptionSlot, from room: Feed, to shared: Feed) {
        let slot = subscriptions[member].pointee.client
        let isFree =
            outlet.client(at: slot).pointee.subscriptionCount == 1 || !reads(slot, .shared) && !reads(slot, .alone)
        move(
            member,
            from: room,
            to: isFree ? shared : feed(for: room.topics, encoding: room.encoding.unchunked, room.kind.pace)
        )
    }

    /// Has a reader of a compressed feed that has all of it read on with those who wait.
    func leaveShared(_ member: SubscriptionSlot, of feed: Feed) {
        move(member, from: feed, to: self.feed(for: feed.topics, feed.kind.at(.waiting)))
        releaseIfUnread(feed)
    }

    private func move(_ member: SubscriptionSlot, from feed: Feed, to other: Feed) {
        if let checksum = feed.coder?.checksum, let next = other.coder?.checksum {
            let slot = subscriptions[member].pointee.client
            bodySums.settle(slot, checksum)
            bodySums.enter(slot, next)
        }
        feed.move(member, to: other, in: subscriptions)
    }
}

extension Feed.Stage {
    /// What a rule must allow for it.
    var compression: Compression {
        switch self {
        case .direct: .off
        case .alone: .alone
        case .waiting, .shared: .shared
        }
    }
}

extension Feed {
    /// Whether a reader that falls behind is sent its newest publication, and cannot make anything of its frame.
    var needsNewest: Bool { stage == .shared && policy == .latest }
}
