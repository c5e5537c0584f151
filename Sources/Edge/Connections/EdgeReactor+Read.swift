internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

// A client's bytes are understood in two places only: when they are read, and at the end of a turn, for those who had to
// wait (`goOn`). Nothing that happens in between understands input, so no answer is begun inside another one.
//
// Each client has a slice of time in a turn, all of them together have one, too; a client that has used its up waits for
// the next turn, and so do those that were not come to. What a client may hold or have under way is in `ClientBudget`.
extension EdgeReactor {
    /// Reads once. What is left comes with the next turn, so a fast sender waits for everyone else.
    func readOnce(_ slot: Slot) -> Socket.Transfer {
        let connection = connections[live: slot]
        if connection.pointee.traffic.contains(.awaitsProxyHeader) { return readProxyHeader(slot) }
        let wasHandshaking = connection.pointee.link.isHandshaking
        let outcome = connection.pointee.link.receive(into: receiveBuffer)
        if connection.pointee.link.isSecure { noteSecurity(of: slot, wasHandshaking: wasHandshaking) }
        switch outcome {
        case .moved(let count):
            metrics.bytesReceived.add(count)
            noteTalk(count, connection)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<count])
            if connection.pointee.lifeCycle >= .closing {
                lookForClose(bytes, slot)
            } else {
                take(bytes, for: slot)
            }
            // What it said last and that it will say no more came together.
            if connection.pointee.link.isPeerDone { endOfStream(slot) }
        case .wouldBlock: break
        case .endOfStream: endOfStream(slot)
        case .failed(let code): fail(slot, code)
        }
        return outcome
    }

    /// The peer will say no more. A client that waits for an answer still gets it; a stream's reader is gone.
    func endOfStream(_ slot: Slot) {
        debug(slot, "the client says no more")
        let connection = connections[live: slot]
        if connection.pointee.lifeCycle == .shut, connection.pointee.client.has(.isStream) {
            hub.confirmFarewell(slot.client)
        }
        // A poll that nobody waits for any more is let go of at once.
        if connection.pointee.client.has(.isOneAnswer), hub.holdsPoll(of: slot.client) { return close(slot) }
        guard !isReader(slot), !connection.pointee.isIdle, connection.pointee.lifeCycle < .shut
        else { return close(slot) }
        connection.pointee.traffic.insert(.isEnded)
        pauseReading(slot)
    }

    // MARK: Input

    /// Understands bytes where they lie if nothing came before them, else behind what did.
    private func take(_ bytes: UnsafeMutableRawBufferPointer, for slot: Slot) {
        if let input = connections[live: slot].pointee.input {
            input.append(UnsafeRawBufferPointer(bytes))
            return understandInput(of: slot)
        }
        let consumed = understand(bytes, for: slot, input: nil)
        if consumed < bytes.count { return keep(UnsafeRawBufferPointer(rebasing: bytes[consumed...]), for: slot) }
        // A body in chunks has one, also where all of it came at once.
        let connection = connections[live: slot]
        if connection.pointee.input?.isBetweenRequests == true { connection.pointee.input = nil }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, for slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen else { return }
        let input = connection.pointee.input ?? ConnectionInput(hub.held)
        input.append(bytes)
        connection.pointee.input = input
        updateReading(slot)
    }

    /// Goes on with what waits in the input, if its time has come.
    private func understandInput(of slot: Slot) {
        let connection = connections[live: slot]
        guard let input = connection.pointee.input else { return }
        if !connection.pointee.traffic.contains(.isDeferred), finishCommands(of: input, for: slot) {
            input.withBytes { understand($0, for: slot, input: input) }
        }
        guard connection.pointee.isOpen else {
            connection.pointee.input = nil
            return
        }
        if input.isBetweenRequests { connection.pointee.input = nil } else if input.count == 0 { input.release() }
        updateReading(slot)
    }

    /// Understands whole requests or frames, as many as this client may have in this turn; returns how many bytes they were.
    /// What a WebSocket is answered to all of them is sent together.
    private func understand(
        _ bytes: UnsafeMutableRawBufferPointer,
        for slot: Slot,
        input: ConnectionInput?
    ) -> Int {
        guard connections[live: slot].pointee.client.has(.isTwoWay) else {
            return understandAll(bytes, for: slot, input: input)
        }
        var consumed = 0
        hub.cork(slot.client) { consumed = understandAll(bytes, for: slot, input: input) }
        return consumed
    }

    private func understandAll(
        _ bytes: UnsafeMutableRawBufferPointer,
        for slot: Slot,
        input: ConnectionInput?
    ) -> Int {
        let sliceEnd = Clock.monotonicNanoseconds + limits.clientSliceMicroseconds * 1_000
        var consumed = 0
        while consumed < bytes.count {
            let connection = connections[live: slot]
            if !connection.pointee.isOpen { return bytes.count }
            guard mayGoOn(slot) else { return consumed }
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...])
            let used: Int
            // Nothing may follow the request of a stream; whatever does is not read as a request.
            if connection.pointee.client.has(.isStream) { return bytes.count }
            if connection.pointee.client.has(.isTwoWay) {
                used = takeFrame(rest, for: slot)
            } else {
                // What takes its body as it comes has an input from its head on.
                let input = input ?? connection.pointee.input
                used = takeRequest(UnsafeRawBufferPointer(rest), for: slot, input: input)
            }
            if used == 0 { return consumed }
            consumed += used
            if consumed < bytes.count, Clock.monotonicNanoseconds >= sliceEnd {
                goOn(slot)
                return consumed
            }
        }
        return consumed
    }

    /// Whether a client's next request or frame may be looked at: not while an answer is awaited or on its way out, while
    /// more waits to be sent than it reads, or when a budget is used up.
    func mayGoOn(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        if connection.pointee.traffic.contains(.isWaiting) || connection.pointee.input?.commands != nil { return false }
        if !isReader(slot) {
            return !connection.pointee.answer.contains(.isAwaited) && !connection.pointee.client.isBlocked
        }
        if connection.pointee.answer.contains(.isAwaited) { return false }
        return hub.heldBytes(of: slot.client) <= limits.repliesBytesMax
    }

    // MARK: Going on

    /// Has what waits in a connection's input gone on with at the end of the turn.
    func goOn(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen, !connection.pointee.traffic.contains(.isDeferred) else { return }
        connection.pointee.traffic.insert(.isDeferred)
        deferred.append(connections.key(ofLive: slot))
    }

    /// Goes on with those who had to wait, each for one slice. Says whether some are left.
    func workDeferred(until end: UInt64) -> Bool {
        guard !deferred.isEmpty else { return false }
        // A client that has to wait again in the meantime stands behind all others, in the next turn.
        var left = deferred.count
        while left > 0, let key = deferred.popFirst() {
            left -= 1
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.traffic.remove(.isDeferred)
            goOnNow(key.slot)
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !deferred.isEmpty
    }

    private func goOnNow(_ slot: Slot) {
        let connection = connections[live: slot]
        if connection.pointee.input != nil { understandInput(of: slot) } else { updateReading(slot) }
        guard connection.pointee.traffic.contains(.isEnded), !isReader(slot) else { return }
        if connection.pointee.isOpen, connection.pointee.isIdle { closeWhenSent(slot) }
    }

    /// Whether a connection is a reader of channels for as long as it lasts, and asks no more.
    private func isReader(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        return connection.pointee.client.encoding != nil && !connection.pointee.client.has(.isOneAnswer)
    }

    // MARK: Pausing

    /// A client that sends more while what it sent before has to wait is not read until that is gone on with.
    private func updateReading(_ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.isOpen else { return }
        let waiting = connection.pointee.input?.count ?? 0
        let mustWait = connection.pointee.traffic.contains(.isDeferred) || !mayGoOn(slot)
        if mustWait, waiting > limits.requestHeadBytesMax {
            pauseReading(slot)
        } else if connection.pointee.traffic.contains(.isReadingPaused), isMoreWanted(slot),
            !connection.pointee.traffic.contains(.isEnded)
        {
            connection.pointee.traffic.remove(.isReadingPaused)
            watch(slot)
        }
    }

    /// Whether what a client sends is of use: behind its last request nothing is, but the rest of that request's body.
    private func isMoreWanted(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        return !connection.pointee.answer.contains(.isLast) || connection.pointee.input?.lines?.isEnded == false
    }

    private func pauseReading(_ slot: Slot) {
        guard !connections[live: slot].pointee.traffic.contains(.isReadingPaused) else { return }
        connections[live: slot].pointee.traffic.insert(.isReadingPaused)
        watch(slot)
    }

    /// Tells the poller what the connection waits for.
    func watch(_ slot: Slot) {
        let connection = connections[live: slot]
        var interest: Readiness = []
        if !connection.pointee.traffic.contains(.isReadingPaused) { interest.insert(.read) }
        if connection.pointee.client.isBlocked || connection.pointee.link.hasUnsent { interest.insert(.write) }
        let token = connections.key(ofLive: slot).token
        do {
            try reactor.poller.modify(connection.pointee.link.descriptor, token: token, for: interest)
        } catch {
            close(slot)
        }
    }
}
