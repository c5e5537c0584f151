internal import Broker
internal import DequeModule

// The way of a publication to the members of a feed that keep up: feed by feed, some members at a time, many of them in one
// system call.
extension Hub {
    func enqueue(_ feed: Feed) {
        guard !feed.isQueued, !feed.isHoldingBack else { return }
        feed.isQueued = true
        flushQueue.append(feed)
    }

    /// Sends what the logs gained, feed by feed in turn, for at most one slice of time. Says whether more is left.
    public func flush() -> Bool {
        guard !flushQueue.isEmpty else { return false }
        let end = outlet.clockNanoseconds + limits.fanoutSliceMicroseconds * 1_000
        repeat {
            guard let feed = flushQueue.popFirst() else { return false }
            flushQuantum(of: feed)
            if feed.hasUnsentFrames {
                flushQueue.append(feed)
            } else {
                feed.isQueued = false
                releaseIfUnread(feed)
            }
        } while outlet.clockNanoseconds < end
        return !flushQueue.isEmpty
    }

    private func flushQuantum(of feed: Feed) {
        feed.beginRoundOfTimes()
        var bytesLeft = limits.fanoutQuantumBytes
        var membersLeft = min(limits.fanoutQuantumMembers, outlet.stagedCountMax)
        while membersLeft > 0, bytesLeft > 0, feed.hasMemberLeft, let member = feed.nextMember() {
            bytesLeft -= stage(feed, member)
            membersLeft -= 1
        }
        sendStaged(feed)
        guard !feed.hasMemberLeft else { return }
        // Only now, for it drops the bytes that were sent.
        _ = feed.nextMember()
        weigh(feed)
        useRoom(of: feed)
        observeLatency(of: feed)
    }

    private func observeLatency(of feed: Feed) {
        let now = outlet.wallMilliseconds
        feed.endRoundOfTimes { milliseconds in
            metrics.fanoutLatency.observe(milliseconds: now > milliseconds ? now - milliseconds : 0)
        }
    }

    /// Notes for the next batch what one member does not have yet; returns how many bytes that is. This and `sendStaged` are
    /// the hot path of the whole program: one system call for many members and no allocation.
    private func stage(_ log: FanoutLog, _ member: SubscriptionSlot) -> Int {
        let reader = subscriptions[member]
        let slot = reader.pointee.client
        let client = outlet.client(at: slot)
        if client.pointee.isBlocked {
            fallBehind(member, of: log)
            return 0
        }
        let bytes = log.bytes(from: reader.pointee.offset)
        if client.pointee.subscriptionCount > 1 {
            let count = bytes.count
            sendAll(slot, log, member)
            return count
        }
        if bytes.count > 0 { outlet.stage(bytes, to: slot, of: member) }
        return bytes.count
    }

    /// Sends what was noted. Each member's outcome concerns its own client only, so a client that is closed leaves the others'
    /// outcomes valid.
    private func sendStaged(_ log: FanoutLog) {
        outlet.sendStaged { member, byteCount, outcome in
            switch outcome {
            case .moved(let count):
                advance(member, by: count)
                guard count < byteCount else { return }
                let slot = subscriptions[member].pointee.client
                outlet.client(at: slot).pointee.unfinished = member
                block(slot)
                fallBehind(member, of: log)
            case .filled(let count):
                advance(member, by: count)
                let slot = subscriptions[member].pointee.client
                if count < byteCount { outlet.client(at: slot).pointee.unfinished = member }
                block(slot)
                fallBehind(member, of: log)
            case .full:
                block(subscriptions[member].pointee.client)
                fallBehind(member, of: log)
            case .gone: break
            }
        }
    }

    /// A client with several channels gets all it is due of them in one system call.
    private func sendAll(_ slot: ClientSlot, _ log: FanoutLog, _ member: SubscriptionSlot) {
        guard subscriptions[member].pointee.offset < log.end else { return }
        drain(slot)
        let client = outlet.client(at: slot)
        if client.pointee.isBlocked, client.pointee.subscriptionCount > 0 { fallBehind(member, of: log) }
    }

    /// Keeps the bytes a blocked member needs, or does what the policy says once that is more than the window.
    private func fallBehind(_ member: SubscriptionSlot, of log: FanoutLog) {
        let reader = subscriptions[member]
        guard !reader.pointee.flags.contains(.isSkipping), reader.pointee.offset < log.end else { return }
        if !isTooSlow(reader, log) {
            log.markBehind(reader)
            return log.keep(from: reader.pointee.offset)
        }
        let slot = reader.pointee.client
        switch log.policy {
        case .disconnect:
            metrics.disconnects.add()
            sayBye(slot, .tooSlow, afterMilliseconds: 0)
        case .skip, .latest:
            if log.policy == .skip { metrics.skips.add() } else { metrics.latests.add() }
            let rest = log.beginSkipping(member, in: subscriptions)
            let client = outlet.client(at: slot)
            if client.pointee.unfinished == member { client.pointee.unfinished = SubscriptionSlot.none }
            if let rest { keepFirst(slot, rest) }
        case .merge: beginMerging(member, of: log)
        }
    }

    /// Whether a reader lacks more than the window, besides the frame that it stands in: one publication, however large, makes
    /// nobody too slow.
    private func isTooSlow(_ reader: UnsafeMutablePointer<Subscription>, _ log: FanoutLog) -> Bool {
        let window = UInt64(min(log.windowBytesMax, logShareBytes))
        if log.keptBytes(from: reader.pointee.offset) <= window { return false }
        return log.keptBytes(from: log.frameEnd(at: reader.pointee.offset)) > window
    }
}
