internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Reads once. What is left comes with the next turn, so a fast sender waits for everyone else.
    func read(_ index: UInt32) { _ = readOnce(index) }

    func readOnce(_ index: UInt32) -> Socket.Transfer {
        let connection = connections[live: index]
        let outcome = connection.pointee.socket.receive(into: receiveBuffer)
        switch outcome {
        case .moved(let count):
            metrics.bytesReceived.add(count)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<count])
            if connection.pointee.flags.contains(.isClosing) {
                lookForClose(bytes, index)
            } else {
                take(bytes, for: index)
            }
        case .wouldBlock: break
        case .endOfStream: endOfStream(index)
        case .failed: close(index)
        }
        return outcome
    }

    /// The peer will say no more. Who waits for an answer still gets it; a stream's reader is gone.
    func endOfStream(_ index: UInt32) {
        let connection = connections[live: index]
        if connection.pointee.flags.contains(.isShut), connection.pointee.transport.isStream { confirmFarewell(index) }
        // A poll that nobody waits for any more is let go of at once.
        if polls[connections.key(ofLive: index)] != nil { return close(index) }
        let isWaiting = !connection.pointee.flags.isDisjoint(with: .holdsRequests)
        guard connection.pointee.transport == .http, isWaiting, !connection.pointee.flags.contains(.isShut) else {
            return close(index)
        }
        connection.pointee.flags.insert(.isEnded)
        pauseReading(index)
    }

    /// Understands bytes where they lie if nothing came before them, else behind what did.
    private func take(_ bytes: UnsafeMutableRawBufferPointer, for index: UInt32) {
        let connection = connections[live: index]
        guard let input = connection.pointee.input else {
            let consumed = understand(bytes, for: index, input: nil)
            if consumed < bytes.count { keep(UnsafeRawBufferPointer(rebasing: bytes[consumed...]), for: index) }
            return
        }
        input.bytes.append(contentsOf: bytes)
        understandInput(of: index)
    }

    /// Goes on with the requests that had to wait, and closes behind the last if the peer says no more.
    func goOnAnswering(_ index: UInt32) {
        let connection = connections[live: index]
        let busy: Connection.Flags = [.holdsRequests, .isClosed, .isClosing]
        guard connection.pointee.transport == .http, connection.pointee.flags.isDisjoint(with: busy) else { return }
        if connection.pointee.input != nil { understandInput(of: index) }
        if connection.pointee.flags.contains(.isEnded), connection.pointee.flags.isDisjoint(with: busy) {
            closeWhenSent(index)
        }
    }

    /// Goes on with what waits in the input.
    func understandInput(of index: UInt32) {
        let connection = connections[live: index]
        guard let input = connection.pointee.input else { return }
        // The array is moved out and back, so that nothing copies it while its bytes are changed in place.
        var bytes = input.bytes
        input.bytes = []
        let consumed = bytes.withUnsafeMutableBytes { understand($0, for: index, input: input) }
        guard !connection.pointee.flags.contains(.isClosed), !connection.pointee.flags.contains(.isClosing) else {
            connection.pointee.input = nil
            return
        }
        if consumed == bytes.count, input.chunked == nil {
            connection.pointee.input = nil
        } else {
            if consumed > 0 { bytes.removeFirst(consumed) }
            input.bytes = bytes
        }
        updateReading(index)
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, for index: UInt32) {
        let connection = connections[live: index]
        guard !connection.pointee.flags.contains(.isClosed), !connection.pointee.flags.contains(.isClosing) else {
            return
        }
        let input = connection.pointee.input ?? ConnectionInput()
        input.bytes.append(contentsOf: bytes)
        connection.pointee.input = input
        updateReading(index)
    }

    private func understand(
        _ bytes: UnsafeMutableRawBufferPointer,
        for index: UInt32,
        input: ConnectionInput?
    ) -> Int {
        var consumed = 0
        while consumed < bytes.count {
            let connection = connections[live: index]
            let flags = connection.pointee.flags
            if flags.contains(.isClosed) || flags.contains(.isClosing) { return bytes.count }
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...])
            switch connection.pointee.transport {
            case .eventStream, .jsonStream:
                // Nothing may follow the request of a stream; whatever does is not read as a request.
                return bytes.count
            case .webSocket:
                return consumed + takeFrames(rest, for: index)
            case .http:
                if !flags.isDisjoint(with: .holdsRequests) { return consumed }
                let used = takeRequest(UnsafeRawBufferPointer(rest), for: index, input: input)
                if used == 0 { return consumed }
                consumed += used
            }
        }
        return consumed
    }

    // MARK: Pausing

    /// A client that sends more while it waits for an answer is not read until the answer is given and taken.
    private func updateReading(_ index: UInt32) {
        let connection = connections[live: index]
        let waiting = connection.pointee.input?.bytes.count ?? 0
        let isTooMuch = waiting > limits.requestHeadBytesMax + 2 * limits.messageBytesMax
        if !connection.pointee.flags.isDisjoint(with: .holdsRequests), isTooMuch {
            pauseReading(index)
        } else if connection.pointee.flags.contains(.isReadingPaused),
            connection.pointee.flags.isDisjoint(with: [.closesAfterAnswer, .isEnded])
        {
            connection.pointee.flags.remove(.isReadingPaused)
            watch(index)
        }
    }

    private func pauseReading(_ index: UInt32) {
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
