internal import Broker
internal import Reactor
internal import Wire

/// Where one part of a gathering send comes from.
enum PartSource {
    case outbox
    case subscription(UInt32)
}

extension EdgeReactor {
    /// Bytes that one connection is sent in a turn, besides what is sent with the others of a feed: 256 KiB are some 100 µs of
    /// copying. The last send may exceed it.
    private static let drainedBytesMax = 262_144

    /// Parts of one gathering send: the kernel takes 1,024, and a slow connection needs no more than this at once.
    private static let partsMax = 64

    /// Sends bytes to a connection, behind what already waits for it.
    func write(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) {
        let connection = connections[live: index]
        guard !connection.pointee.flags.contains(.isClosed), bytes.count > 0 else { return }
        if index == corked {
            corkedBytes.append(bytes)
            return
        }
        var sent = 0
        if !connection.pointee.flags.contains(.isBlocked) {
            switch connection.pointee.socket.send(bytes) {
            case .moved(let count):
                sent = count
                noteSent(count, connection)
            case .wouldBlock, .endOfStream: break
            case .failed(let code): return fail(index, code)
            }
        }
        guard sent < bytes.count else { return }
        enqueue(index, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }

    /// Sends all that `body` writes to a connection in one system call.
    func cork(_ index: UInt32, _ body: () -> Void) {
        if corked == index { return body() }
        assert(corked == .max, "one connection's writes are gathered at a time")
        corked = index
        body()
        uncork(index)
    }

    /// Sends what was gathered for a connection; what follows is sent by itself.
    func uncork(_ index: UInt32) {
        guard corked == index else { return }
        corked = .max
        write(index, corkedBytes.bytes)
        corkedBytes.removeAll()
    }

    /// Bytes that wait for a connection and are its own.
    func heldBytes(of index: UInt32) -> Int {
        (connections[live: index].pointee.outbox?.heldBytes ?? 0) + (corked == index ? corkedBytes.count : 0)
    }

    /// Puts bytes behind what waits for a connection. What waits is bounded: past it the client is too slow for its own
    /// answers. One of them, such as a page of history, may be larger than that by itself.
    private func enqueue(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) {
        let connection = connections[live: index]
        let outbox = connection.pointee.outbox ?? Outbox(held)
        guard outbox.heldBytes <= limits.outboxBytesMax else {
            metrics.disconnects.add()
            debug(index, "closed: too much waits for it", ["bytes": "\(outbox.heldBytes)"])
            return close(index)
        }
        outbox.append(bytes)
        connection.pointee.outbox = outbox
        block(index)
    }

    /// The socket is full: wait until it takes bytes again.
    func block(_ index: UInt32) {
        let connection = connections[live: index]
        guard !connection.pointee.flags.contains(.isBlocked) else { return }
        connection.pointee.flags.insert(.isBlocked)
        metrics.laggards.add()
        watch(index)
        timers.schedule(index, at: reactor.tick(afterMilliseconds: limits.stallMilliseconds / Stall.looksPerLimit))
    }

    private func unblock(_ index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.contains(.isBlocked) else { return }
        connection.pointee.flags.remove(.isBlocked)
        connection.pointee.outbox = nil
        stalls[index] = nil
        metrics.laggards.add(-1)
        watch(index)
        if connection.pointee.flags.contains(.isClosing) { return shut(index) }
        if connection.pointee.input != nil || connection.pointee.flags.contains(.isEnded) { goOn(index) }
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
    func drain(_ index: UInt32) {
        var left = Self.drainedBytesMax
        while true {
            rejoin(index)
            let connection = connections[live: index]
            if connection.pointee.flags.contains(.isClosed) { return }
            gather(index)
            if parts.isEmpty { return unblock(index) }
            let total = parts.reduce(0) { $0 + $1.count }
            let outcome = parts.withUnsafeMutableBufferPointer { connection.pointee.socket.send($0) }
            switch outcome {
            case .moved(let count):
                noteSent(count, connection)
                account(count, for: index)
                left -= count
                // Writability is level-triggered: with room left it is told again at once.
                if count < total || left <= 0 { return block(index) }
            case .wouldBlock, .endOfStream: return block(index)
            case .failed(let code): return fail(index, code)
            }
        }
    }

    private func gather(_ index: UInt32) {
        parts.removeAll(keepingCapacity: true)
        partSources.removeAll(keepingCapacity: true)
        let connection = connections[live: index]
        let unfinished = connection.pointee.unfinished
        if unfinished != SubscriptionTable.none { gather(subscription: unfinished) }
        let isClosing = connection.pointee.flags.contains(.isClosing)
        if !isClosing { refillOutbox(index) }
        connection.pointee.outbox?.withSegments(upTo: Self.partsMax) {
            parts.append(OutputPart($0))
            partSources.append(.outbox)
        }
        if isClosing || isReplaying(index) { return }
        var next = connection.pointee.firstSubscription
        while next != SubscriptionTable.none, parts.count < Self.partsMax {
            if next != unfinished { gather(subscription: next) }
            next = subscriptions[next].pointee.next
        }
    }

    /// Whether something is to be told first, before what its logs hold.
    private func isReplaying(_ index: UInt32) -> Bool {
        connections[live: index].pointee.outbox?.replays.isEmpty == false
    }

    private func gather(subscription: UInt32) {
        let reader = subscriptions[subscription]
        guard !reader.pointee.flags.contains(.isSkipping) else { return }
        let bytes = reader.pointee.log.bytes(from: reader.pointee.offset)
        guard bytes.count > 0 else { return }
        parts.append(OutputPart(bytes))
        partSources.append(.subscription(subscription))
    }

    /// Spreads the bytes that were sent over the parts they came from.
    private func account(_ sent: Int, for index: UInt32) {
        let connection = connections[live: index]
        var rest = sent
        for (part, source) in zip(parts, partSources) where rest > 0 {
            let taken = min(rest, part.count)
            rest -= taken
            switch source {
            case .outbox:
                connection.pointee.outbox?.consume(taken)
                // Its reader may go on before its logs are sent, too.
                if connection.pointee.outbox?.isEmpty == true, connection.pointee.input != nil { goOn(index) }
            case .subscription(let subscription):
                advance(subscription, by: taken)
                connection.pointee.unfinished = taken < part.count ? subscription : SubscriptionTable.none
            }
        }
    }

    /// Notes that a subscription's connection took bytes of its log.
    func advance(_ subscription: UInt32, by count: Int) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        metrics.deliveries.add(log.frameCount(from: reader.pointee.offset, count: count))
        reader.pointee.offset += UInt64(count)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
    }

    /// Puts subscriptions that fell out of their window back among the readers, behind the news of what they missed.
    private func rejoin(_ index: UInt32) {
        let connection = connections[live: index]
        guard !connection.pointee.flags.contains(.isClosing), !isReplaying(index) else { return }
        var next = connection.pointee.firstSubscription
        while next != SubscriptionTable.none {
            let reader = subscriptions[next]
            if reader.pointee.flags.contains(.isSkipping) { rejoin(index, subscription: next) }
            next = reader.pointee.next
        }
    }

    private func rejoin(_ index: UInt32, subscription: UInt32) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        let gap = log.endSkipping(subscription, in: subscriptions)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        guard let feed = feed(of: log), feed.key.encoding.hasControlMessages, gap.from != gap.to else { return }
        frame.removeAll()
        let encoding = feed.key.encoding
        let cursor = encoding.hasCursors ? feed.cursor(feed.topics[0], at: gap.to) : nil
        appendGap(feed.topics[0], from: gap.from, to: gap.to, cursor: cursor, as: encoding, to: &frame)
        let connection = connections[live: index]
        let outbox = connection.pointee.outbox ?? Outbox(held)
        outbox.append(frame.bytes)
        connection.pointee.outbox = outbox
    }
}
