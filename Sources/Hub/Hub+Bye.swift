public import Broker
internal import Wire

// The end of a client: told why, or gone at once.
extension Hub {
    /// Tells a client why and closes. Never in the middle of a frame.
    public func sayBye(_ slot: ClientSlot, _ code: ByeCode, afterMilliseconds: UInt64) {
        let client = outlet.client(at: slot)
        guard client.pointee.isOpen else { return }
        outlet.willSayBye(slot, code)
        noteFarewell(slot)
        finishFrame(slot)
        output.removeAll()
        if let encoding = client.pointee.encoding {
            let id = encoding.traits.contains(.hasFields) ? code.lastEventID : nil
            if encoding.hasControlMessages {
                appendBye(code, id: id, afterMilliseconds: afterMilliseconds, as: encoding)
            }
            encoding.appendEnd(code, lastID: encoding.hasControlMessages ? nil : id, to: &output)
        }
        if let coding = client.pointee.contentCoding {
            writeLast(slot, output.bytes, coding)
        } else {
            write(slot, output.bytes)
        }
        outlet.closeWhenSent(slot)
    }

    private func appendBye(_ code: ByeCode, id: String?, afterMilliseconds: UInt64, as encoding: Encoding) {
        let bye = ControlMessage.bye(
            code: code.rawValue,
            reason: "\(code.reason)",
            mayReconnect: code.mayReconnect,
            afterMilliseconds: afterMilliseconds
        )
        encoder.append(bye, cursor: id, as: encoding, to: &output)
    }

    /// A client is about to be sent no more than what waits for it: the frame that it has the beginning of is the last of its
    /// channels.
    public func beginEnd(of slot: ClientSlot) {
        finishFrame(slot)
        leaveAll(slot)
        uncork(slot)
    }

    /// Lets go of all that a client had: its connection is closed.
    public func remove(_ slot: ClientSlot) {
        let client = outlet.client(at: slot)
        leaveAll(slot)
        if let poll = polls[outlet.id(of: slot)] { release(poll) }
        dropDozing(of: slot)
        if client.pointee.joinCount > 0 { abandonContinuations(slot) }
        releaseSession(slot)
        unsubscribeAll(slot)
        if client.pointee.isBlocked { metrics.laggards.add(-1) }
        client.pointee.outbox = nil
        bodySums.forget(slot)
    }
}
