public import Broker
internal import Wire

// The way of what waits to a client that does not keep up: the rest of a frame first, then the outbox, then the logs.
extension Hub {
    /// Bytes that one client is sent in a turn, besides what is sent with the others of a feed: 256 KiB are some 100 µs of
    /// copying. The last send may exceed it.
    private static var drainedBytesMax: Int { 262_144 }

    /// The client is full: wait until it takes bytes again.
    func block(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        guard !client.pointee.isBlocked else { return }
        client.pointee.isBlocked = true
        metrics.laggards.add()
        outlet.didBlock(slot)
    }

    private func unblock(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        // A client that is being closed is told no more of what it missed.
        assert(!client.pointee.isOpen || client.pointee.hasNothingWaiting, "something waits, and nobody hears when")
        guard client.pointee.isBlocked else { return }
        client.pointee.isBlocked = false
        client.pointee.outbox = nil
        metrics.laggards.add(-1)
        outlet.didUnblock(slot)
    }

    /// Sends what waits for a client, in one gathering send; also how a client with several channels gets one system call a
    /// turn. A reader that takes much gets the rest in its next turn.
    public func drain(_ slot: ClientSlot) {
        var left = Self.drainedBytesMax
        while true {
            // In this order: a client that was told the last of what it missed is put back among the readers of its logs before
            // these are looked at.
            if outlet.client(at: slot).pointee.isOpen {
                refillOutbox(slot)
                rejoin(slot)
            }
            if outlet.client(at: slot).pointee.isClosed { return }
            gather(slot)
            if gathering.isEmpty { return unblock(slot) }
            let total = gathering.byteCount
            switch outlet.send(gathering.parts, to: slot) {
            case .moved(let count):
                account(count, for: slot)
                left -= count
                // Readiness is level-triggered: with room left it is told again at once.
                if count < total || left <= 0 { return block(slot) }
            case .filled(let count):
                account(count, for: slot)
                return block(slot)
            case .full: return block(slot)
            case .gone: return
            }
        }
    }

    private func gather(_ slot: ClientSlot) {
        gathering.removeAll()
        let client = outlet.client(at: slot)
        let unfinished = client.pointee.unfinished
        if unfinished != SubscriptionSlot.none { gather(subscription: unfinished) }
        let isClosing = client.pointee.lifeCycle >= .closing
        client.pointee.outbox?.withSegments(upTo: Gathering.partsMax) { gathering.append($0, from: .outbox) }
        if isClosing || isReplaying(slot) { return }
        var next = client.pointee.firstSubscription
        while next != SubscriptionSlot.none, !gathering.isFull {
            if next != unfinished { gather(subscription: next) }
            next = subscriptions[next].pointee.next
        }
    }

    /// Whether something is to be told first, before what its logs hold.
    func isReplaying(_ slot: ClientSlot) -> Bool {
        outlet.client(at: slot).pointee.outbox?.replays.isEmpty == false
    }

    private func gather(subscription: SubscriptionSlot) {
        let reader = subscriptions[subscription]
        guard !reader.pointee.flags.contains(.isSkipping) else { return }
        gathering.append(reader.pointee.log.bytes(from: reader.pointee.offset), from: .subscription(subscription))
    }

    /// Spreads the bytes that were sent over the parts they came from.
    private func account(_ sent: Int, for slot: ClientSlot) {
        let client = outlet.client(at: slot)
        var rest = sent
        for (part, source) in zip(gathering.parts, gathering.sources) where rest > 0 {
            let taken = min(rest, part.count)
            rest -= taken
            switch source {
            case .outbox:
                client.pointee.outbox?.consume(taken)
                // Its reader may go on before its logs are sent, too.
                if client.pointee.outbox?.isEmpty == true { outlet.didSendOutbox(slot) }
            case .subscription(let subscription):
                advance(subscription, by: taken)
                client.pointee.unfinished = taken < part.count ? subscription : SubscriptionSlot.none
            }
        }
    }

    /// Notes that a member's client took bytes of its log.
    func advance(_ subscription: SubscriptionSlot, by count: Int) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        metrics.deliveries.add(log.frameCount(from: reader.pointee.offset, count: count))
        reader.pointee.offset += UInt64(count)
        assert(reader.pointee.offset <= log.end, "nobody has more than there is")
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
    }

    // MARK: Those that fell out of the window

    /// Puts subscriptions that fell out of their window back among the readers, behind the news of what they missed.
    private func rejoin(_ slot: ClientSlot) {
        if isReplaying(slot) { return }
        var next = outlet.client(at: slot).pointee.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if reader.pointee.flags.contains(.isSkipping) { rejoin(slot, subscription: next) }
            next = reader.pointee.next
        }
    }

    /// Puts one that fell out of the window back among the readers of its log; that may be another log then.
    func rejoin(_ slot: ClientSlot, subscription: SubscriptionSlot) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        let gap = log.endSkipping(subscription, in: subscriptions)
        if outlet.client(at: slot).pointee.contentCoding != nil { bodySums.lose(slot) }
        if let feed = feeds[log], feed.stage == .shared { return rejoin(slot, subscription, shared: feed, gap) }
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        guard let feed = feeds[log], feed.encoding.hasControlMessages, gap.from != gap.to else { return }
        frame.removeAll()
        appendGap(in: feed, gap)
        keepOwn(slot, of: feed)
    }

    /// The same for one that lacks what later messages refer to: it is told the newest by itself, if it is to have that, and reads on
    /// with those that wait.
    private func rejoin(
        _ slot: ClientSlot,
        _ subscription: SubscriptionSlot,
        shared feed: Feed,
        _ gap: (from: Position, to: Position)
    ) {
        let reader = subscriptions[subscription]
        frame.removeAll()
        let newest = reader.pointee.offset < feed.end ? feed.newest : nil
        // Where the newest is gone, that is part of the gap.
        let to = newest == nil ? feed.lastPosition : gap.to
        if feed.encoding.hasControlMessages, gap.from != to { appendGap(in: feed, (gap.from, to)) }
        if let newest { appendNewest(newest, of: feed) }
        reader.pointee.offset = feed.end
        feed.markCaughtUp(reader)
        if !frame.isEmpty { keepOwn(slot, of: feed) }
        leaveShared(subscription, of: feed)
    }

    private func appendGap(in feed: Feed, _ gap: (from: Position, to: Position)) {
        let encoding = feed.encoding
        let cursor = encoding.hasCursors ? feed.cursor(feed.topics[0], at: gap.to) : nil
        appendGap(feed.topics[0], from: gap.from, to: gap.to, cursor: cursor, as: encoding, to: &frame)
    }

    private func appendNewest(_ newest: (publication: Publication, topic: Topic), of feed: Feed) {
        encoder.append(
            newest.publication.payload,
            position: newest.publication.position,
            channel: newest.topic.name,
            cursor: feed.encoding.hasCursors ? feed.cursor : nil,
            as: feed.encoding,
            to: &frame
        )
        metrics.deliveries.add()
    }

    /// Has `frame` wait for a reader of a feed.
    private func keepOwn(_ slot: ClientSlot, of feed: Feed) {
        if isReplaying(slot) { return writeInTurn(slot, frame.bytes, of: feed.topics) }
        let client = outlet.client(at: slot)
        let outbox = client.pointee.outbox ?? Outbox(held)
        keepOwn(frame.bytes, in: outbox, of: slot)
        client.pointee.outbox = outbox
    }

    // MARK: Frames that were begun

    /// Puts the rest of the frame that a client has the beginning of in front of all that waits, so that its log is no longer
    /// needed.
    public func finishFrame(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        let unfinished = client.pointee.unfinished
        guard unfinished != SubscriptionSlot.none else { return }
        client.pointee.unfinished = SubscriptionSlot.none
        let reader = subscriptions[unfinished]
        if let rest = reader.pointee.log.restOfFrame(at: reader.pointee.offset) { keepFirst(slot, rest) }
    }

    /// Whatever is gathered comes behind it.
    func keepFirst(_ slot: ClientSlot, _ rest: (bytes: [UInt8], skipping: Int)) {
        let client = outlet.client(at: slot)
        let outbox = client.pointee.outbox ?? Outbox(held)
        outbox.prepend(rest.bytes, skipping: rest.skipping)
        client.pointee.outbox = outbox
    }
}
