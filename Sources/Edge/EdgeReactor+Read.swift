internal import Broker
internal import DequeModule
internal import Reactor
internal import Wire

// A client's bytes are understood in two places only: when they are read, and at the end of a turn, for those who had to
// wait (`goOn`). Nothing that happens in between understands input, so no answer is begun inside another one.
//
// Each client has a slice of time in a turn, all of them together have one, too; who has used his up waits for the next
// turn, and so do those who were not come to. What a client may hold or have under way is in `ClientBudget`.
extension EdgeReactor {
    /// Reads once. What is left comes with the next turn, so a fast sender waits for everyone else.
    func readOnce(_ index: UInt32) -> Socket.Transfer {
        let connection = connections[live: index]
        let outcome = connection.pointee.socket.receive(into: receiveBuffer)
        switch outcome {
        case .moved(let count):
            metrics.bytesReceived.add(count)
            noteTalk(count, connection)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<count])
            if connection.pointee.flags.contains(.isClosing) {
                lookForClose(bytes, index)
            } else {
                take(bytes, for: index)
            }
        case .wouldBlock: break
        case .endOfStream: endOfStream(index)
        case .failed(let code): fail(index, code)
        }
        return outcome
    }

    /// The peer will say no more. Who waits for an answer still gets it; a stream's reader is gone.
    func endOfStream(_ index: UInt32) {
        debug(index, "the client says no more")
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isShut), connection.pointee.transport.isStream { confirmFarewell(index) }
        // A poll that nobody waits for any more is let go of at once.
        if polls[connections.key(ofLive: index)] != nil { return close(index) }
        let isWaiting = !connection.pointee.flags.isDisjoint(with: [.isAnswering, .isBlocked, .isDeferred, .isWaiting])
        guard connection.pointee.transport == .http, isWaiting, !connection.pointee.flags.contains(.isShut) else {
            return close(index)
        }
        connection.pointee.flags.insert(.isEnded)
        pauseReading(index)
    }

    // MARK: Input

    /// Understands bytes where they lie if nothing came before them, else behind what did.
    private func take(_ bytes: UnsafeMutableRawBufferPointer, for index: UInt32) {
        if let input = connections[live: index].pointee.input {
            input.append(UnsafeRawBufferPointer(bytes))
            return understandInput(of: index)
        }
        let consumed = understand(bytes, for: index, input: nil)
        if consumed < bytes.count { keep(UnsafeRawBufferPointer(rebasing: bytes[consumed...]), for: index) }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, for index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: .ends) else { return }
        let input = connection.pointee.input ?? ConnectionInput(held)
        input.append(bytes)
        connection.pointee.input = input
        updateReading(index)
    }

    /// Goes on with what waits in the input, if its time has come.
    private func understandInput(of index: UInt32) {
        let connection = connections[live: index]
        guard let input = connection.pointee.input else { return }
        if !connection.pointee.flags.contains(.isDeferred) {
            input.withBytes { understand($0, for: index, input: input) }
        }
        guard connection.pointee.flags.isDisjoint(with: .ends) else {
            connection.pointee.input = nil
            return
        }
        if input.count == 0, input.chunked == nil { connection.pointee.input = nil }
        updateReading(index)
    }

    /// Understands whole requests or frames, as many as this client may have in this turn; returns how many bytes they were.
    /// What a WebSocket is answered to all of them is sent together.
    private func understand(
        _ bytes: UnsafeMutableRawBufferPointer,
        for index: UInt32,
        input: ConnectionInput?
    ) -> Int {
        guard connections[live: index].pointee.transport == .webSocket else {
            return understandAll(bytes, for: index, input: input)
        }
        var consumed = 0
        cork(index) { consumed = understandAll(bytes, for: index, input: input) }
        return consumed
    }

    private func understandAll(
        _ bytes: UnsafeMutableRawBufferPointer,
        for index: UInt32,
        input: ConnectionInput?
    ) -> Int {
        let sliceEnd = Clock.monotonicNanoseconds + limits.clientSliceMicroseconds * 1_000
        var consumed = 0
        while consumed < bytes.count {
            let connection = connections[live: index]
            if !connection.pointee.flags.isDisjoint(with: .ends) { return bytes.count }
            guard mayGoOn(index) else { return consumed }
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...])
            let used: Int
            switch connection.pointee.transport {
            case .eventStream, .jsonStream:
                // Nothing may follow the request of a stream; whatever does is not read as a request.
                return bytes.count
            case .webSocket: used = takeFrame(rest, for: index)
            case .http: used = takeRequest(UnsafeRawBufferPointer(rest), for: index, input: input)
            }
            if used == 0 { return consumed }
            consumed += used
            if consumed < bytes.count, Clock.monotonicNanoseconds >= sliceEnd {
                goOn(index)
                return consumed
            }
        }
        return consumed
    }

    /// Whether a client's next request or frame may be looked at: not while an answer is awaited or on its way out, while
    /// more waits to be sent than it reads, or when a budget is used up.
    private func mayGoOn(_ index: UInt32) -> Bool {
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isWaiting) { return false }
        if connection.pointee.transport == .http { return connection.pointee.flags.isDisjoint(with: .holdsRequests) }
        return heldBytes(of: index) <= limits.repliesBytesMax
    }

    // MARK: Going on

    /// Has what waits in a connection's input gone on with at the end of the turn.
    func goOn(_ index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: [.isDeferred, .isClosed, .isClosing]) else { return }
        connection.pointee.flags.insert(.isDeferred)
        deferred.append(connections.key(ofLive: index))
    }

    /// Goes on with those who had to wait, each for one slice. Says whether some are left.
    func workDeferred(until end: UInt64) -> Bool {
        guard !deferred.isEmpty else { return false }
        // Whoever has to wait again in the meantime stands behind all others, in the next turn.
        var left = deferred.count
        while left > 0, let key = deferred.popFirst() {
            left -= 1
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.flags.remove(.isDeferred)
            goOnNow(key.index)
            if Clock.monotonicNanoseconds >= end { break }
        }
        return !deferred.isEmpty
    }

    private func goOnNow(_ index: UInt32) {
        let connection = connections[live: index]
        if connection.pointee.input != nil { understandInput(of: index) } else { updateReading(index) }
        guard connection.pointee.flags.contains(.isEnded), connection.pointee.transport == .http else { return }
        let isBusy: Connection.Flags = [.isAnswering, .isBlocked, .isDeferred, .isWaiting, .isClosed, .isClosing]
        if connection.pointee.flags.isDisjoint(with: isBusy) { closeWhenSent(index) }
    }

    // MARK: Pausing

    /// A client that sends more while what it sent before has to wait is not read until that is gone on with.
    private func updateReading(_ index: UInt32) {
        let connection = connections[live: index]
        guard connection.pointee.flags.isDisjoint(with: .ends) else { return }
        let waiting = connection.pointee.input?.count ?? 0
        let mustWait = connection.pointee.flags.contains(.isDeferred) || !mayGoOn(index)
        if mustWait, waiting > limits.requestHeadBytesMax {
            pauseReading(index)
        } else if connection.pointee.flags.contains(.isReadingPaused),
            connection.pointee.flags.isDisjoint(with: [.closesAfterAnswer, .isEnded])
        {
            connection.pointee.flags.remove(.isReadingPaused)
            watch(index)
        }
    }

    private func pauseReading(_ index: UInt32) {
        guard !connections[live: index].pointee.flags.contains(.isReadingPaused) else { return }
        connections[live: index].pointee.flags.insert(.isReadingPaused)
        watch(index)
    }

    /// Tells the poller what the connection waits for.
    func watch(_ index: UInt32) {
        let connection = connections[live: index]
        var interest: Readiness = []
        if !connection.pointee.flags.contains(.isReadingPaused) { interest.insert(.read) }
        if connection.pointee.flags.contains(.isBlocked) { interest.insert(.write) }
        let token = connections.key(ofLive: index).token
        do {
            try reactor.poller.modify(connection.pointee.socket.descriptor, token: token, for: interest)
        } catch {
            close(index)
        }
    }
}
