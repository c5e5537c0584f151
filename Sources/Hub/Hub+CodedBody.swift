public import Broker
internal import Wire

// Streams whose body is compressed as a whole (RFC 9110 §8.4). What is one reader's own goes into it uncompressed, between what it shares
// with others; so it moves what these refer to, and the reader waits for them to begin anew.
extension Hub {
    /// A stream begins whose body is compressed; its head says so.
    public func beginCodedBody(_ slot: ClientSlot) {
        guard let coding = outlet.client(at: slot).pointee.contentCoding else { return }
        bodySums.begin(slot, coding)
        deflated.removeAll()
        deflated.append(coding.header)
        transmitPiece(to: slot)
    }

    /// Sends bytes that are a reader's own, behind all that its feed made so far.
    func writeStored(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer, _ coding: ContentCoding) {
        leaveContext(slot)
        transmitStored(slot, bytes, coding)
    }

    /// Sends the last bytes that a reader gets, and the end of its stream. What it does not have of its feed by now it does not get: a
    /// thousand who are sent away are not worth a window each. So of such a one nobody knows the checksum.
    func writeLast(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer, _ coding: ContentCoding) {
        if hasAll(slot) { leaveContext(slot) } else { bodySums.lose(slot) }
        transmitStored(slot, bytes, coding)
        writeEnd(slot, coding)
    }

    private func transmitStored(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer, _ coding: ContentCoding) {
        guard bytes.count > 0, !outlet.client(at: slot).pointee.isClosed else { return }
        bodySums.add(bytes, to: slot, coding)
        deflated.removeAll()
        StoredBlocks.append(bytes, to: &deflated)
        transmitPiece(to: slot)
    }

    /// Has bytes that are a client's own wait for it, in front of what its feeds made since it joined them.
    func keepOwn(_ bytes: UnsafeRawBufferPointer, in outbox: Outbox, of slot: ClientSlot) {
        let client = outlet.client(at: slot)
        guard let coding = client.pointee.contentCoding else { return outbox.append(bytes) }
        bodySums.add(bytes, to: slot, coding)
        deflated.removeAll()
        StoredBlocks.append(bytes, to: &deflated)
        wrapPiece(of: slot)
        outbox.append(coded.bytes)
    }

    /// Ends the stream behind the last of its bytes.
    private func writeEnd(_ slot: ClientSlot, _ coding: ContentCoding) {
        if let total = bodySums.total(of: slot, coding) {
            deflated.removeAll()
            deflated.append(StoredBlocks.end)
            total.appendTrailer(to: &deflated)
            transmitPiece(to: slot)
        }
        guard outlet.client(at: slot).pointee.encoding?.isChunked == true else { return }
        coded.removeAll()
        coded.append(HTTPChunkedEncoder.end)
        transmit(slot, coded.bytes)
    }

    /// Whether a reader was sent all that its feed made.
    private func hasAll(_ slot: ClientSlot) -> Bool {
        let member = outlet.client(at: slot).pointee.firstSubscription
        guard member != SubscriptionSlot.none else { return true }
        let reader = subscriptions[member]
        return reader.pointee.offset == reader.pointee.log.end && !reader.pointee.flags.contains(.isSkipping)
    }

    /// A reader is about to be sent something of its own: that comes behind what its feed made so far, and the reader cannot go on with
    /// what refers to that.
    private func leaveContext(_ slot: ClientSlot) {
        let member = outlet.client(at: slot).pointee.firstSubscription
        // Who is yet to be told what it missed has nothing of its feed, and is told that first.
        guard member != SubscriptionSlot.none, !isReplaying(slot) else { return }
        let reader = subscriptions[member]
        guard let feed = feeds[reader.pointee.log], let checksum = feed.coder?.checksum else { return }
        // It goes on elsewhere anyway.
        if reader.pointee.flags.contains(.isSkipping) { return bodySums.lose(slot) }
        if reader.pointee.offset < feed.end {
            sendRest(of: feed, to: member)
            guard outlet.client(at: slot).pointee.isOpen else { return }
        }
        bodySums.settle(slot, checksum)
        if feed.stage == .shared { leaveShared(member, of: feed) }
    }

    /// Sends a member what it does not have of its feed, or has that wait for it, as its own.
    private func sendRest(of feed: Feed, to member: SubscriptionSlot) {
        let reader = subscriptions[member]
        let slot = reader.pointee.client
        let client = outlet.client(at: slot)
        var offset = reader.pointee.offset
        if client.pointee.unfinished == member {
            offset = feed.frameEnd(at: offset)
            finishFrame(slot)
        }
        let rest = feed.bytes(from: offset)
        if rest.count > 0 { transmit(slot, rest) }
        guard client.pointee.isOpen else { return }
        advance(member, by: Int(clamping: feed.end - reader.pointee.offset))
    }

    /// Sends what `deflated` holds.
    private func transmitPiece(to slot: ClientSlot) {
        wrapPiece(of: slot)
        transmit(slot, coded.bytes)
    }

    private func wrapPiece(of slot: ClientSlot) {
        coded.removeAll()
        if outlet.client(at: slot).pointee.encoding?.isChunked == true {
            HTTPChunkedEncoder.append(deflated.bytes, to: &coded)
        } else {
            coded.append(deflated.bytes)
        }
    }
}
