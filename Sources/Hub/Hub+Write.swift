public import Broker
public import Wire

// What is one client's own: answers, control messages, and the rest of what its connection did not take.
extension Hub {
    /// Sends bytes to a client, behind what already waits for it.
    public func write(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer) {
        let client = outlet.client(at: slot)
        guard !client.pointee.isClosed, bytes.count > 0 else { return }
        if let coding = client.pointee.contentCoding { return writeStored(slot, bytes, coding) }
        transmit(slot, bytes)
    }

    /// The same for bytes that are wrapped as their client's encoding wants them.
    func transmit(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer) {
        let client = outlet.client(at: slot)
        guard !client.pointee.isClosed, bytes.count > 0 else { return }
        if cork.take(bytes, for: slot) { return }
        var sent = 0
        if !client.pointee.isBlocked {
            switch outlet.send(bytes, to: slot) {
            case .moved(let count): sent = count
            case .filled(let count):
                sent = count
                block(slot)
            case .full: break
            case .gone: return
            }
        }
        guard sent < bytes.count else { return }
        keep(slot, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }

    /// Sends all that `body` writes to a client in one system call.
    public func cork(_ slot: ClientSlot, _ body: () -> Void) {
        if cork.slot == slot { return body() }
        cork.begin(slot)
        body()
        uncork(slot)
    }

    /// Sends what was gathered for a client; what follows is sent by itself.
    public func uncork(_ slot: ClientSlot) {
        guard cork.slot == slot else { return }
        cork.end()
        transmit(slot, cork.bytes)
        cork.drop()
    }

    /// Bytes that wait for a client and are its own.
    public func heldBytes(of slot: ClientSlot) -> Int {
        (outlet.client(at: slot).pointee.outbox?.heldBytes ?? 0) + cork.count(for: slot)
    }

    /// Puts bytes behind what waits for a client. What waits is bounded: past it the client is too slow for its own answers.
    /// One of them, such as a page of history, may be larger than that by itself.
    private func keep(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer) { keep(slot) { $0.append(bytes) } }

    private func keep(_ slot: ClientSlot, _ put: (Outbox) -> Void) {
        let client = outlet.client(at: slot)
        let outbox = client.pointee.outbox ?? Outbox(held)
        guard outbox.heldBytes <= limits.outboxBytesMax else {
            metrics.disconnects.add()
            return outlet.closeOverfull(slot, heldBytes: outbox.heldBytes)
        }
        put(outbox)
        client.pointee.outbox = outbox
        block(slot)
    }

    /// Sends bytes that tell of some channels: behind what their reader missed of these and is yet to be told, as what is in the log of a
    /// feed would be.
    func writeInTurn(_ slot: ClientSlot, _ bytes: UnsafeRawBufferPointer, of topics: Few<Topic>) {
        guard let replays = outlet.client(at: slot).pointee.outbox?.replays,
            replays.contains(where: { replay in topics.contains { replay.overlaps($0.name) } })
        else { return write(slot, bytes) }
        guard bytes.count > 0, !outlet.client(at: slot).pointee.isClosed else { return }
        keep(slot) { $0.append(Replay(made: Array(bytes), of: topics.map(\.name))) }
    }

    // MARK: Control messages

    /// Sends one control message, if there is a way to: a raw WebSocket carries payloads and nothing else.
    public func send(_ message: ControlMessage, to slot: ClientSlot) {
        guard let encoding = outlet.client(at: slot).pointee.encoding, encoding.hasControlMessages else { return }
        output.removeAll()
        encoder.append(message, as: encoding, to: &output)
        write(slot, output.bytes)
    }

    func appendSubscribed(
        _ topic: Topic,
        at position: Position,
        recovered: Bool?,
        commandID: [UInt8]?,
        _ rate: MaxRate?,
        to slot: ClientSlot,
        cursor: String? = nil,
        as encoding: Encoding
    ) {
        let subscribed = ControlMessage.subscribed(
            id: commandID,
            channel: topic.name.text,
            position: position.numbers,
            isRecovered: recovered,
            isKeyed: outlet.isKeyed(topic.name),
            maxRate: rate?.text
        )
        encoder.append(subscribed, cursor: cursor, as: encoding, to: &output)
    }

    func appendGap(
        _ topic: Topic,
        from: Position,
        to position: Position,
        cursor: String?,
        as encoding: Encoding,
        to buffer: inout ByteBuffer
    ) {
        let gap = ControlMessage.gap(channel: topic.name.text, from: from.numbers, to: position.numbers)
        encoder.append(gap, cursor: cursor, as: encoding, to: &buffer)
    }
}
