import Backplane
import Broker

extension SimulatedEdge {
    /// Where one part of a gathering send comes from.
    private enum Part {
        case outbox(UnsafeRawBufferPointer)
        case subscription(SubscriptionSlot, UnsafeRawBufferPointer)
    }

    func write(_ connection: SimulatedConnection, _ message: Message, padding: Int = 0) {
        message.frame(padding: padding).withUnsafeBytes { write(connection, $0) }
    }

    private func write(_ connection: SimulatedConnection, _ bytes: UnsafeRawBufferPointer) {
        guard !connection.isClosed else { return }
        let sent = connection.isBlocked ? 0 : connection.send(bytes)
        guard sent < bytes.count else { return }
        guard connection.outbox?.count ?? 0 <= limits.outboxBytesMax else {
            note("\(connection.slot) is too slow for its answers")
            return close(connection)
        }
        connection.outbox = (connection.outbox ?? []) + bytes[sent...]
        connection.isBlocked = true
    }

    // MARK: Catching up

    func drain(_ connection: SimulatedConnection) {
        rejoin(connection)
        while !connection.isClosed {
            let outbox = connection.outbox ?? []
            let isBlocked = outbox.withUnsafeBytes { send(connection, outbox: $0) }
            if isBlocked == nil { return unblock(connection) }
            if isBlocked == true {
                connection.isBlocked = true
                return
            }
        }
    }

    /// One gathering send; says whether the socket is full, or `nil` if there was nothing to send.
    private func send(_ connection: SimulatedConnection, outbox: UnsafeRawBufferPointer) -> Bool? {
        let parts = gather(connection, outbox)
        if parts.isEmpty { return nil }
        for part in parts {
            switch part {
            case .outbox(let bytes):
                let taken = connection.send(bytes)
                connection.outbox!.removeFirst(taken)
                if taken < bytes.count { return true }
            case .subscription(let subscription, let bytes):
                let taken = connection.send(bytes)
                if taken > 0 {
                    advance(subscription, by: taken)
                    connection.unfinished = taken < bytes.count ? subscription : SubscriptionSlot.none
                }
                if taken < bytes.count { return true }
            }
        }
        return false
    }

    private func gather(_ connection: SimulatedConnection, _ outbox: UnsafeRawBufferPointer) -> [Part] {
        var parts: [Part] = []
        let unfinished = connection.unfinished
        if unfinished != SubscriptionSlot.none { gather(unfinished, into: &parts) }
        if outbox.count > 0 { parts.append(.outbox(outbox)) }
        if connection.isClosing { return parts }
        var next = connection.firstSubscription
        while next != SubscriptionSlot.none {
            if next != unfinished { gather(next, into: &parts) }
            next = subscriptions[next].pointee.next
        }
        return parts
    }

    private func gather(_ subscription: SubscriptionSlot, into parts: inout [Part]) {
        let reader = subscriptions[subscription]
        guard !reader.pointee.flags.contains(.isSkipping) else { return }
        let bytes = reader.pointee.log.bytes(from: reader.pointee.offset)
        if bytes.count > 0 { parts.append(.subscription(subscription, bytes)) }
    }

    private func unblock(_ connection: SimulatedConnection) {
        guard connection.isBlocked else { return }
        connection.isBlocked = false
        connection.outbox = nil
        if connection.isClosing { connection.isShut = true }
    }

    func advance(_ subscription: SubscriptionSlot, by count: Int) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        reader.pointee.offset += UInt64(count)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
    }

    private func rejoin(_ connection: SimulatedConnection) {
        guard !connection.isClosing else { return }
        var next = connection.firstSubscription
        while next != SubscriptionSlot.none {
            let reader = subscriptions[next]
            if reader.pointee.flags.contains(.isSkipping) { rejoin(connection, subscription: next) }
            next = reader.pointee.next
        }
    }

    private func rejoin(_ connection: SimulatedConnection, subscription: SubscriptionSlot) {
        let reader = subscriptions[subscription]
        let log = reader.pointee.log
        let gap = log.endSkipping(subscription, in: subscriptions)
        if reader.pointee.offset == log.end { log.markCaughtUp(reader) }
        guard let topic = topic(of: log), gap.from != gap.to else { return }
        let frame = Message.gap(channel: topic.number, from: gap.from, to: gap.to).frame()
        connection.outbox = (connection.outbox ?? []) + frame.withUnsafeBytes { Array($0) }
    }

    // MARK: Ends

    func close(_ connection: SimulatedConnection) {
        guard !connection.isClosed, !isDead else { return }
        note("\(connection.slot) is closed")
        connection.isClosed = true
        if let poll = connection.poll { release(poll) }
        releaseSession(connection)
        unsubscribeAll(connection)
        connection.outbox = nil
    }

    /// Tells a client why and ends; never in the middle of a frame.
    func sayBye(_ connection: SimulatedConnection, _ code: Int) {
        guard !connection.isClosed, !connection.isClosing else { return }
        note("bye \(code) to \(connection.slot)")
        noteFarewell(connection)
        finishFrame(connection)
        write(connection, .bye(code: code))
        guard !connection.isClosed else { return }
        connection.isClosing = true
        unsubscribeAll(connection)
        if connection.outbox == nil { connection.isShut = true }
    }

    func finishFrame(_ connection: SimulatedConnection) {
        let unfinished = connection.unfinished
        guard unfinished != SubscriptionSlot.none else { return }
        connection.unfinished = SubscriptionSlot.none
        let reader = subscriptions[unfinished]
        if let rest = reader.pointee.log.restOfFrame(at: reader.pointee.offset) { keepFirst(connection, rest) }
    }

    func keepFirst(_ connection: SimulatedConnection, _ rest: (bytes: [UInt8], skipping: Int)) {
        connection.outbox = rest.bytes[rest.skipping...] + (connection.outbox ?? [])
    }
}
