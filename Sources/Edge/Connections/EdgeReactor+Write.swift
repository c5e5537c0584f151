internal import Broker
internal import Hub
internal import Reactor
internal import Wire

/// Where one part of a gathering send comes from.
enum PartSource {
    case outbox
    case subscription(SubscriptionSlot)
}

extension EdgeReactor {
    /// Bytes that one connection is sent in a turn, besides what is sent with the others of a feed: 256 KiB are some 100 µs of
    /// copying. The last send may exceed it.
    private static let drainedBytesMax = 262_144

    /// Parts of one gathering send: the kernel takes 1,024, and a slow connection needs no more than this at once.
    private static let partsMax = 64

    /// Sends bytes to a connection, behind what already waits for it.
    func write(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) {
        let connection = connections[live: slot]
        guard !connection.pointee.isClosed, bytes.count > 0 else { return }
        if slot == corked {
            corkedBytes.append(bytes)
            return
        }
        var sent = 0
        if !connection.pointee.traffic.contains(.isBlocked) {
            switch connection.pointee.link.send(bytes) {
            case .moved(let count):
                sent = count
                noteSent(count, connection)
            case .wouldBlock, .endOfStream: break
            case .failed(let code): return fail(slot, code)
            }
        }
        guard sent < bytes.count else { return }
        enqueue(slot, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }

    /// Sends all that `body` writes to a connection in one system call.
    func cork(_ slot: Slot, _ body: () -> Void) {
        if corked == slot { return body() }
        assert(corked == nil, "one connection's writes are gathered at a time")
        corked = slot
        body()
        uncork(slot)
    }

    /// Sends what was gathered for a connection; what follows is sent by itself.
    func uncork(_ slot: Slot) {
        guard corked == slot else { return }
        corked = nil
        write(slot, corkedBytes.bytes)
        corkedBytes.removeAll()
    }

    /// Bytes that wait for a connection and are its own.
    func heldBytes(of slot: Slot) -> Int {
        (connections[live: slot].pointee.client.outbox?.heldBytes ?? 0) + (corked == slot ? corkedBytes.count : 0)
    }

    /// Puts bytes behind what waits for a connection. What waits is bounded: past it the client is too slow for its own
    /// answers. One of them, such as a page of history, may be larger than that by itself.
    private func enqueue(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) {
        let connection = connections[live: slot]
        let outbox = connection.pointee.client.outbox ?? Outbox(held)
        guard outbox.heldBytes <= limits.outboxBytesMax else {
            metrics.disconnects.add()
            debug(slot, "closed: too much waits for it", ["bytes": "\(outbox.heldBytes)"])
            return close(slot)
        }
        outbox.append(bytes)
        connection.pointee.client.outbox = outbox
        block(slot)
    }

    /// The socket is full: wait until it takes bytes again.
    func block(_ slot: Slot) {
        let connection = connections[live: slot]
        guard !connection.pointee.traffic.contains(.isBlocked) else { return }
        connection.pointee.traffic.insert(.isBlocked)
        metrics.laggards.add()
        watch(slot)
        timers.schedule(slot, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds / Stall.looksPerLimit))
    }

    private func unblock(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.traffic.contains(.isBlocked) else { return }
        connection.pointee.traffic.remove(.isBlocked)
        connection.pointee.client.outbox = nil
        stalls[slot] = nil
        metrics.laggards.add(-1)
        watch(slot)
        if connection.pointee.lifeCycle >= .closing { return shut(slot) }
        if connection.pointee.input != nil || connection.pointee.traffic.contains(.isEnded) { goOn(slot) }
    }

    func noteSent(_ count: Int, _ connection: UnsafeMutablePointer<Connection>) {
        connection.pointee.lastSentTick = reactor.currentTick
        connection.pointee.sentBytes &+= UInt32(truncatingIfNeeded: count)
        metrics.bytesSent.add(count)
    }

    // MARK: Catching up

    /// Sends what waits for a connection: the rest of a frame first, then the outbox, then its logs. One gathering send
    /// for all of it; also how a connection with several channels gets one system call per turn. A reader that takes much
    /// gets the rest in its next turn.
    func drain(_ slot: Slot) {
        var left = Self.drainedBytesMax
        while true {
            rejoin(slot)
            let connection = connections[live: slot]
            if connection.pointee.isClosed { return }
            gather(slot)
            if parts.isEmpty { return unblock(slot) }
            let total = parts.reduce(0) { $0 + $1.count }
            let outcome = parts.withUnsafeMutableBufferPointer { connection.pointee.link.send($0) }
            switch outcome {
            case .moved(let count):
                noteSent(count, connection)
                account(count, for: slot)
                left -= count
                // Writability is level-triggered: with room left it is told again at once.
                if count < total || left <= 0 { return block(slot) }
            case .wouldBlock, .endOfStream: return block(slot)
            case .failed(let code): return fail(slot, code)
            }
        }
    }

    private func gather(_ slot: Slot) {
        parts.removeAll(keepingCapacity: true)
        partSources.removeAll(keepingCapacity: true)
        let connection = connections[live: slot]
        let unfinished = connection.pointee.client.unfinished
        if unfinished != SubscriptionSlot.none { gather(subscription: unfinished) }
        let isClosing = connection.pointee.lifeCycle >= .closing
        if !isClosing { refillOutbox(slot) }
        connection.pointee.client.outbox?.withSegments(upTo: Self.partsMax) {
            parts.append(OutputPart($0))
            partSources.append(.outbox)
        }
        if isClosing || isReplaying(slot) { return }
        var next = connection.pointee.client.firstSubscription
        while next != SubscriptionSlot.none, parts.count < Self.partsMax {
            if next != unfinished { gather(subscription: next) }
            next = subscriptions[next].pointee.next
        }
    }

    /// Whether something is to be told first, before what its logs hold.
    private func isReplaying(_ slot: Slot) -> Bool {
        connections[live: slot].pointee.client.outbox?.replays.isEmpty == false
    }

    private func gather(subscription: SubscriptionSlot) {
        let reader = subscriptions[subscription]
        guard !reader.pointee.flags.contains(.isSkipping) else { return }
        let bytes = reader.pointee.log.bytes(from: reader.pointee.offset)
        guard bytes.count > 0 else { return }
        parts.append(OutputPart(bytes))
        partSources.append(.subscription(subscription))
    }

    /// Spreads the bytes that were sent over the parts they came from.
    private func account(_ sent: Int, for slot: Slot) {
        let connection = connections[live: slot]
        var rest = sent
        for (part, source) in zip(parts, partSources) where rest > 0 {
            let taken = min(rest, part.count)
            rest -= taken
            switch source {
            case .outbox:
                connection.pointee.client.outbox?.consume(taken)
                // Its reader may go on before its logs are sent, too.
                if connection.pointee.client.outbox?.isEmpty == true, connection.pointee.input != nil { goOn(slot) }
            case .subscription(let subscription):
                advance(subscription, by: taken)
                connection.pointee.client.unfinished = taken < part.count ? subscription : SubscriptionSlot.none
            }
        }
    }

    /// Notes that a subscription's connection took bytes of its log.
    func advance(_ subscription: SubscriptionSlot, by count: Int) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        metrics.deliveries.add(log.frameCount(from: reader.pointee.offset, count: count))
        reader.pointee.offset += UInt64(count)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
    }

    /// Puts subscriptions that fell out of their window back among the readers, behind the news of what they missed.
    private func rejoin(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen, !isReplaying(slot) else { return }
        var next = connection.pointee.client.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if reader.pointee.flags.contains(.isSkipping) { rejoin(slot, subscription: next) }
            next = reader.pointee.next
        }
    }

    private func rejoin(_ slot: Slot, subscription: SubscriptionSlot) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        let gap = log.endSkipping(subscription, in: subscriptions)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        guard let feed = feed(of: log), feed.key.encoding.hasControlMessages, gap.from != gap.to else { return }
        frame.removeAll()
        let encoding = feed.key.encoding
        let cursor = encoding.hasCursors ? feed.cursor(feed.topics[0], at: gap.to) : nil
        appendGap(feed.topics[0], from: gap.from, to: gap.to, cursor: cursor, as: encoding, to: &frame)
        let connection = connections[live: slot]
        let outbox = connection.pointee.client.outbox ?? Outbox(held)
        outbox.append(frame.bytes)
        connection.pointee.client.outbox = outbox
    }
}
