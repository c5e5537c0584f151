internal import BenchWire
internal import CBench

/// What comes from the nodes.
extension Clients {
    func receive(_ index: Int) {
        let kept = takeRest(index)
        let capacity = Clients.receiveByteCount - kept
        let count = capacity > 0 ? bench_receive(clients[index].descriptor, received + kept, capacity) : 0
        guard count > 0 else {
            if count == -Int(EAGAIN) { return keepRest(index, received, kept) }
            return lose(index)
        }
        board.count(.receiveCalls)
        board.count(.receivedBytes, by: count)
        let consumed = consume(index, received, kept + count)
        if clients[index].state != .idle { keepRest(index, received + consumed, kept + count - consumed) }
    }

    private func takeRest(_ index: Int) -> Int {
        guard clients[index].hasRest, let rest = rests.removeValue(forKey: index) else { return 0 }
        clients[index].hasRest = false
        rest.withUnsafeBytes { received.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        return rest.count
    }

    private func keepRest(_ index: Int, _ bytes: UnsafeRawPointer, _ count: Int) {
        guard count > 0 else { return }
        clients[index].hasRest = true
        rests[index] = Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// Returns how many bytes are done with.
    private func consume(_ index: Int, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        var consumed = 0
        if clients[index].state == .greeting {
            guard let head = Inbound.head(bytes, count: count) else { return 0 }
            open(index, status: head.status)
            consumed = head.byteCount
        }
        let now = bench_monotonic_nanoseconds()
        let isStream = requests.carrier == .events
        while consumed < count, clients[index].state == .open {
            let next = bytes + consumed
            let found =
                isStream ? Inbound.line(next, count: count - consumed) : Inbound.frame(next, count: count - consumed)
            guard let byteCount = handle(found, index, now) else { break }
            consumed += byteCount
        }
        return consumed
    }

    /// Returns how many bytes it had, or nil while it is not whole.
    @inline(__always)
    private func handle(_ found: Inbound.Found, _ index: Int, _ now: UInt64) -> Int? {
        switch found {
        case .message(let start, let count, let byteCount):
            let message = Message(start, count: count)
            if case .error = message { show(start, count) }
            handle(message, index, now)
            return byteCount
        case .ping(let payload, let byteCount):
            board.count(.pings)
            answer(index, payload)
            return byteCount
        case .heartbeat(let byteCount):
            board.count(.pings)
            return byteCount
        case .close(let byteCount):
            lose(index)
            return byteCount
        case .other(let byteCount):
            return byteCount
        case .incomplete:
            return nil
        }
    }

    /// The first few, on standard error, which `bench/million` keeps.
    private func show(_ bytes: UnsafeRawPointer, _ count: Int) {
        guard board.value(.errors) < 3 else { return }
        _ = bench_write(2, bytes, count)
        _ = bench_write(2, "\n", 1)
    }

    private func answer(_ index: Int, _ payload: UnsafeRawBufferPointer) {
        let pong = WebSocketFrame.pong(payload)
        if send(pong, to: index) != pong.count { lose(index) }
    }

    @inline(__always)
    private func handle(_ message: Message, _ index: Int, _ now: UInt64) {
        switch message {
        case .publication(let publication):
            checker.check(publication, to: &clients[index], client: number(index), at: now)
        case .subscribed(let kind, let channel, let position, let isRecovered):
            guard checker.channels.number(ofClient: number(index), kind: kind) == channel else {
                return board.count(.foreign)
            }
            confirm(index, kind: kind, position: position, isRecovered: isRecovered)
        case .welcome(let session):
            if let session { keepSession(session, of: index) }
        case .gap:
            board.count(.gaps)
        case .bye(let after):
            dismiss(index, afterMilliseconds: after)
        case .error:
            board.count(.errors)
            retry(index)
        case .malformed:
            board.count(.malformed)
        }
    }
}
