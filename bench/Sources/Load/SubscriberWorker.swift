internal import BenchWire
internal import CBench

/// The subscribers of one process: connects them, then reads and checks what they get until told to finish.
///
/// It must cost far less per publication than any server, or it would measure itself: one large receive buffer for
/// all connections, frames checked in place, no allocation and no clock reading per publication.
final class SubscriberWorker {
    private let plan: Plan
    private let worker: Int
    private let ledger: Ledger
    private let poller: Int32
    private let subscriberCount: Int
    private let subscribers: UnsafeMutablePointer<Subscriber>
    private let verifier: Verifier
    private let requests: SubscribeRequests
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: SubscriberWorker.eventCapacity)
    private let received = UnsafeMutableRawPointer.allocate(byteCount: SubscriberWorker.receiveByteCount, alignment: 64)
    private var openedCount = 0
    private var inFlightCount = 0
    private var connectedCount = 0
    private var readyCount = 0
    private var hasReportedRefusal = false
    private var windowStartNanoseconds = UInt64.max

    private static let eventCapacity = 1024
    /// Fits the second-level cache, so that the copy out of the kernel is still warm when it is checked.
    private static let receiveByteCount = 256 << 10
    /// How often an idle worker looks whether the run is over.
    private static let idleNanoseconds: Int64 = 20_000_000

    init(plan: Plan, worker: Int, ledger: Ledger) throws {
        self.plan = plan
        self.worker = worker
        self.ledger = ledger
        poller = try checked(bench_epoll_create(), "create a poller")
        subscriberCount = (plan.connectionCount - worker + plan.workerCount - 1) / plan.workerCount
        subscribers = .allocate(capacity: max(1, subscriberCount))
        subscribers.initialize(repeating: Subscriber(), count: max(1, subscriberCount))
        requests = SubscribeRequests(plan: plan)
        verifier = Verifier(
            connectionCount: max(1, subscriberCount),
            sourcesPerChannel: plan.traffic.sourcesPerChannel,
            payloadByteCount: plan.payloadByteCount,
            latencySampling: plan.latencySampling
        )
    }

    func run() throws -> WorkerReport {
        while !ledger.isFinished {
            try openConnections()
            windowStartNanoseconds = ledger.windowStartNanoseconds
            let count = try checked(
                bench_epoll_wait(poller, events, Int32(Self.eventCapacity), Self.idleNanoseconds),
                "poll"
            )
            for event in 0..<Int(count) { handle(events + event) }
            publishCounters()
        }
        countMissing()
        return WorkerReport(tally: verifier.tally.pointee, latencies: verifier.latencies.pointee)
    }

    // MARK: Connecting

    private func openConnections() throws {
        guard ledger.isStarted else { return }
        let limit = max(1, plan.connectsInFlight / plan.workerCount)
        while inFlightCount < limit, openedCount < subscriberCount {
            try open(openedCount)
            openedCount += 1
            inFlightCount += 1
        }
    }

    /// A subscriber's number over all workers.
    private func connection(_ index: Int) -> Int { worker + index * plan.workerCount }

    private func open(_ index: Int) throws {
        let connection = connection(index)
        let endpoint = plan.endpoint(ofConnection: connection)
        let descriptor = try checked(
            bench_connect(plan.sourceAddress(ofConnection: connection), endpoint.host, endpoint.port),
            "connect to \(endpoint.host):\(endpoint.port)"
        )
        subscribers[index].descriptor = descriptor
        subscribers[index].state = .connecting
        subscribers[index].channel = Int32(connection % plan.channelCount)
        _ = try checked(bench_epoll_add(poller, descriptor, EPOLLOUT.rawValue, UInt64(index)), "poll a connection")
    }

    private func finishConnecting(_ index: Int) {
        let subscriber = subscribers + index
        let outcome = bench_socket_error(subscriber.pointee.descriptor)
        guard outcome == 0 else { return fail(index, because: String(cString: bench_error_text(-outcome))) }
        _ = bench_epoll_modify(poller, subscriber.pointee.descriptor, EPOLLIN.rawValue, UInt64(index))
        if let prelude = requests.prelude {
            subscriber.pointee.state = .awaitingPrelude
            send(prelude, to: index)
        } else {
            subscribe(index)
        }
    }

    private func subscribe(_ index: Int) {
        subscribers[index].state = .awaitingHead
        let channel = Int(subscribers[index].channel)
        send(requests.subscribe(toChannel: channel, connection: connection(index)), to: index)
    }

    private func send(_ bytes: [UInt8], to index: Int) {
        let sent = bytes.withUnsafeBytes { bench_send(subscribers[index].descriptor, $0.baseAddress!, $0.count) }
        if sent != bytes.count { fail(index, because: "cannot send a request of \(bytes.count) bytes: \(sent)") }
    }

    private func finishConnected(_ index: Int) {
        connectedCount += 1
        if plan.awaitsSubscribed {
            subscribers[index].state = .awaitingSubscribed
        } else {
            becomeReady(index)
        }
    }

    private func becomeReady(_ index: Int) {
        subscribers[index].state = .ready
        readyCount += 1
        inFlightCount -= 1
    }

    private func fail(_ index: Int, because reason: @autoclosure () -> String) {
        if subscribers[index].state == .ready { verifier.tally.pointee.closed += 1 } else { failConnecting(reason()) }
        subscribers[index].state = .closed
        bench_close(subscribers[index].descriptor)
    }

    private func failConnecting(_ reason: String) {
        verifier.tally.pointee.failed += 1
        inFlightCount -= 1
        guard !hasReportedRefusal else { return }
        hasReportedRefusal = true
        report("a connection failed: \(reason)")
    }

    // MARK: Receiving

    private func handle(_ event: UnsafePointer<epoll_event>) {
        let index = Int(event.pointee.data.u64)
        if subscribers[index].state == .connecting { return finishConnecting(index) }
        receive(index)
    }

    private func receive(_ index: Int) {
        let subscriber = subscribers + index
        let kept = takeIncomplete(subscriber)
        let count = bench_receive(subscriber.pointee.descriptor, received + kept, Self.receiveByteCount - kept)
        guard count > 0 else {
            if count == -Int(EAGAIN) { return keep(subscriber, received, kept) }
            return fail(index, because: "the server closed it")
        }
        verifier.tally.pointee.receivedBytes &+= count
        verifier.tally.pointee.receiveCalls &+= 1
        let consumed = consume(index, received, kept + count)
        guard subscriber.pointee.state != .closed else { return }
        keep(subscriber, received + consumed, kept + count - consumed)
    }

    private func takeIncomplete(_ subscriber: UnsafeMutablePointer<Subscriber>) -> Int {
        guard let incomplete = subscriber.pointee.incomplete else { return 0 }
        received.copyMemory(from: incomplete, byteCount: subscriber.pointee.incompleteByteCount)
        incomplete.deallocate()
        subscriber.pointee.incomplete = nil
        return subscriber.pointee.incompleteByteCount
    }

    private func keep(_ subscriber: UnsafeMutablePointer<Subscriber>, _ bytes: UnsafeRawPointer, _ count: Int) {
        guard count > 0 else { return }
        let incomplete = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 8)
        incomplete.copyMemory(from: bytes, byteCount: count)
        subscriber.pointee.incomplete = incomplete
        subscriber.pointee.incompleteByteCount = count
    }

    /// Reads what can be read; returns how many bytes are done with.
    private func consume(_ index: Int, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        var consumed = 0
        if subscribers[index].state == .awaitingPrelude {
            guard let answer = HTTPAnswer(bytes, count: count) else { return 0 }
            subscribe(index)
            return answer.byteCount
        }
        if subscribers[index].state == .awaitingHead {
            consumed = consumeHead(index, bytes, count)
            guard consumed > 0, subscribers[index].state != .closed else { return consumed }
        }
        let recipient = Recipient(
            connection: index,
            firstSource: plan.traffic.firstSource(ofChannel: Int(subscribers[index].channel)),
            nowNanoseconds: bench_monotonic_nanoseconds(),
            windowStartNanoseconds: windowStartNanoseconds
        )
        switch plan.transport {
        case .webSocket: return consumed + consumeFrames(bytes + consumed, count - consumed, recipient)
        case .eventStream: return consumed + consumeEvents(bytes + consumed, count - consumed, recipient)
        }
    }

    private func consumeHead(_ index: Int, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        guard let head = HTTPAnswer.head(bytes, count: count) else { return 0 }
        guard head.status == requests.expectedStatus else {
            fail(
                index,
                because: String(decoding: UnsafeRawBufferPointer(start: bytes, count: min(count, 400)), as: UTF8.self)
            )
            return count
        }
        finishConnected(index)
        return head.byteCount
    }

    private func consumeFrames(_ bytes: UnsafeRawPointer, _ count: Int, _ recipient: Recipient) -> Int {
        var offset = 0
        while let frame = WebSocketFrame(bytes + offset, available: count &- offset) {
            let payload = bytes + offset + frame.headerByteCount
            if frame.isMessage, !frame.isMasked {
                let outcome = verifier.message(payload, count: frame.payloadByteCount, to: recipient)
                if outcome == .other { note(payload, frame.payloadByteCount, recipient.connection) }
            } else {
                control(frame, payload, recipient.connection)
            }
            offset &+= frame.headerByteCount &+ frame.payloadByteCount
        }
        return offset
    }

    /// An event is found by its payload: a publication has no line breaks, and a server ends what it sends at once at
    /// the end of an event, so neither event fields nor chunk sizes stand inside a payload.
    private func consumeEvents(_ bytes: UnsafeRawPointer, _ count: Int, _ recipient: Recipient) -> Int {
        var offset = 0
        while let found = Payload.find(in: bytes + offset, count: count - offset) {
            guard count - offset - found >= plan.payloadByteCount else { return offset + found }
            verifier.publication(bytes + offset + found, to: recipient)
            offset += found + plan.payloadByteCount
        }
        note(bytes + offset, count - offset, recipient.connection)
        return max(offset, count - Payload.marker.utf8CodeUnitCount + 1)
    }

    /// What is not a publication: the server's own messages.
    private func note(_ bytes: UnsafeRawPointer, _ count: Int, _ index: Int) {
        guard count > 0 else { return }
        // Without the quotation mark behind it, in front of which there is a backslash where it stands in a script's string.
        if bench_find(bytes, count, "\"gap", 4) != nil { verifier.tally.pointee.gaps += 1 }
        guard subscribers[index].state == .awaitingSubscribed else { return }
        if bench_find(bytes, count, "\"subscribed", 11) != nil { becomeReady(index) }
    }

    private func control(_ frame: WebSocketFrame, _ payload: UnsafeRawPointer, _ index: Int) {
        if frame.isPing {
            send(WebSocketFrame.pong(UnsafeRawBufferPointer(start: payload, count: frame.payloadByteCount)), to: index)
        } else if !frame.isPong, !frame.isClose {
            verifier.tally.pointee.protocolErrors += 1
        }
    }

    // MARK: Reporting

    private func publishCounters() {
        ledger[.connected, worker: worker] = UInt64(connectedCount)
        ledger[.ready, worker: worker] = UInt64(readyCount)
        ledger[.failed, worker: worker] = UInt64(verifier.tally.pointee.failed)
        ledger[.closed, worker: worker] = UInt64(verifier.tally.pointee.closed)
        let delivered = UInt64(verifier.tally.pointee.delivered)
        guard delivered != ledger[.delivered, worker: worker] else { return }
        ledger[.lastDeliveryNanoseconds, worker: worker] = bench_monotonic_nanoseconds()
        ledger[.delivered, worker: worker] = delivered
    }

    private func countMissing() {
        for index in 0..<subscriberCount {
            let firstSource = plan.traffic.firstSource(ofChannel: connection(index) % plan.channelCount)
            verifier.countMissing(connection: index, firstSource: firstSource, ledger: ledger)
            bench_set_abortive_close(subscribers[index].descriptor)
        }
    }
}
