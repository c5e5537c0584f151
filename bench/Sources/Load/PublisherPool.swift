internal import CBench

/// All publishing connections, driven from the generator's main process so that receiving never delays publishing.
final class PublisherPool {
    private let plan: Plan
    private let ledger: Ledger
    private let poller: Int32
    private var publishers: [Publisher] = []
    private var requests: PublishRequests
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: PublisherPool.eventCapacity)
    private let received = UnsafeMutableRawPointer.allocate(byteCount: PublisherPool.receiveByteCount, alignment: 64)
    private var endNanoseconds: UInt64 = 0
    private var hasReportedRefusal = false

    private(set) var acknowledgedCount = 0
    private(set) var refusedCount = 0
    /// From when a publication was due to its acknowledgement.
    private(set) var acknowledgements = Latencies()
    /// From when a publication was due to its sending: the generator's and the publish connection's own delay.
    private(set) var lateness = Latencies()

    private static let eventCapacity = 256
    private static let receiveByteCount = 64 << 10

    init(plan: Plan, ledger: Ledger) throws {
        self.plan = plan
        self.ledger = ledger
        poller = try checked(bench_epoll_create(), "create a poller")
        requests = PublishRequests(plan: plan)
        for index in 0..<plan.publisherCount { publishers.append(try connect(index)) }
    }

    private func connect(_ index: Int) throws -> Publisher {
        let endpoint = plan.publishEndpoints[index % plan.publishEndpoints.count]
        let descriptor = try checked(
            bench_connect(nil, endpoint.host, endpoint.port),
            "connect to \(endpoint.host):\(endpoint.port)"
        )
        _ = try checked(bench_epoll_add(poller, descriptor, EPOLLOUT.rawValue, UInt64(index)), "poll a publisher")
        while try checked(bench_epoll_wait(poller, events, 1, 1_000_000_000), "poll") == 0 {}
        _ = try checked(bench_socket_error(descriptor), "connect to \(endpoint.host):\(endpoint.port)")
        _ = try checked(bench_epoll_modify(poller, descriptor, EPOLLIN.rawValue, UInt64(index)), "poll a publisher")
        return Publisher(descriptor: descriptor)
    }

    /// Forgets what a warm-up counted.
    func resetCounts() {
        acknowledgedCount = 0
        refusedCount = 0
        acknowledgements = Latencies()
        lateness = Latencies()
    }

    /// Publishes for a time, then waits for the last answers.
    func publish(seconds: Double) throws {
        let start = bench_monotonic_nanoseconds()
        endNanoseconds = start + UInt64(seconds * 1e9)
        if let rate = plan.ratePerSecond {
            try keepSchedule(from: start, ratePerSecond: rate)
        } else {
            for index in publishers.indices { try begin(index, dueNanoseconds: bench_monotonic_nanoseconds()) }
        }
        try awaitAnswers()
    }

    /// Hands out publications at fixed times, whatever the server does.
    private func keepSchedule(from start: UInt64, ratePerSecond: Double) throws {
        var number = 0
        var due = start
        while due < endNanoseconds {
            let now = bench_monotonic_nanoseconds()
            while due <= now, due < endNanoseconds {
                try schedule(number % publishers.count, dueNanoseconds: due)
                number += 1
                due = start + UInt64(Double(number) * 1e9 / ratePerSecond)
            }
            try handleEvents(timeoutNanoseconds: Int64(due) - Int64(min(due, bench_monotonic_nanoseconds())))
        }
    }

    private func schedule(_ index: Int, dueNanoseconds: UInt64) throws {
        if publishers[index].pending == nil { return try begin(index, dueNanoseconds: dueNanoseconds) }
        publishers[index].dueTimes.append(dueNanoseconds)
    }

    private func awaitAnswers() throws {
        let patience = endNanoseconds + UInt64(plan.drainSeconds * 1e9)
        while publishers.contains(where: { $0.pending != nil }) {
            try handleEvents(timeoutNanoseconds: 10_000_000)
            guard bench_monotonic_nanoseconds() < patience else {
                throw InvalidMeasurement(description: "publications were not answered within \(plan.drainSeconds) s")
            }
        }
    }

    private func handleEvents(timeoutNanoseconds: Int64) throws {
        let count = try checked(
            bench_epoll_wait(poller, events, Int32(Self.eventCapacity), timeoutNanoseconds),
            "poll"
        )
        for event in 0..<Int(count) { try receive(Int(events[event].data.u64)) }
    }

    // MARK: One publication

    private func begin(_ index: Int, dueNanoseconds: UInt64) throws {
        let source = plan.traffic.source(ofPublisher: index, turn: publishers[index].turn)
        publishers[index].turn += 1
        publishers[index].pending = Publisher.Pending(source: source, dueNanoseconds: dueNanoseconds)
        let descriptor = publishers[index].descriptor
        let sequence = UInt32(truncatingIfNeeded: ledger.acknowledgedCount(ofSource: source))
        try requests.withRequest(source: source, sequence: sequence, nanoseconds: dueNanoseconds) { bytes in
            let sent = bench_send(descriptor, bytes.baseAddress!, bytes.count)
            guard sent == bytes.count else { throw SystemError(action: "publish", code: Int32(max(0, -sent))) }
        }
        lateness.record(nanoseconds: bench_monotonic_nanoseconds() - dueNanoseconds)
    }

    private func receive(_ index: Int) throws {
        let kept = publishers[index].incompleteAnswer.count
        publishers[index].incompleteAnswer.withUnsafeBytes {
            received.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(received), byteCount: kept)
        }
        let count = bench_receive(publishers[index].descriptor, received + kept, Self.receiveByteCount - kept)
        if count == -Int(EAGAIN) { return }
        guard count > 0 else { throw InvalidMeasurement(description: "the server closed a publisher's connection") }
        guard let answer = answer(kept + count) else {
            publishers[index].incompleteAnswer = Array(UnsafeRawBufferPointer(start: received, count: kept + count))
            return
        }
        publishers[index].incompleteAnswer.removeAll(keepingCapacity: true)
        if !answer.isSuccess { reportRefusal(kept + count) }
        try finish(index, isAcknowledged: answer.isSuccess)
    }

    /// One publication is under way per connection, so what arrived is the start of exactly one answer.
    private func answer(_ count: Int) -> (isSuccess: Bool, byteCount: Int)? {
        switch plan.publishRoute {
        case .http: HTTPAnswer(received, count: count).map { ($0.isSuccess, $0.byteCount) }
        case .redisFunction, .redisPublish: RedisReply(received, count: count).map { (!$0.isError, $0.byteCount) }
        }
    }

    private func finish(_ index: Int, isAcknowledged: Bool) throws {
        guard let pending = publishers[index].pending else { return }
        publishers[index].pending = nil
        let now = bench_monotonic_nanoseconds()
        if isAcknowledged {
            ledger.acknowledge(source: pending.source)
            acknowledgedCount += 1
            acknowledgements.record(nanoseconds: now - pending.dueNanoseconds)
        } else {
            refusedCount += 1
        }
        if publishers[index].hasDue {
            try begin(index, dueNanoseconds: publishers[index].takeDue())
        } else if plan.ratePerSecond == nil, now < endNanoseconds {
            try begin(index, dueNanoseconds: now)
        }
    }

    private func reportRefusal(_ count: Int) {
        guard !hasReportedRefusal else { return }
        hasReportedRefusal = true
        let text = String(decoding: UnsafeRawBufferPointer(start: received, count: min(count, 300)), as: UTF8.self)
        report("a publication was refused: \(text)")
    }
}
