import CReactor
import Synchronization
import Testing

@testable import Reactor

/// What a shared handler of these tests is told.
private enum Order: Sendable {
    case add(Int)
    case answer(Inbox<Int>, Int)
    case watch(Int32)
    case finish
}

/// Counts without any protection of its own: two turns at once would be seen in the sum.
private final class Teller: ReactorHandler {
    private let seat: ReactorSeat
    private let tally: Tally
    private var sum = 0
    private let readsPerTurn: Int

    init(_ seat: ReactorSeat, _ tally: Tally, readsPerTurn: Int = .max) {
        self.seat = seat
        self.tally = tally
        self.readsPerTurn = readsPerTurn
    }

    private(set) var isFinished = false

    func receive(_ order: Order) {
        switch order {
        case .add(let amount): sum += amount
        case .answer(let inbox, let number): inbox.post(number)
        case .watch(let descriptor): try? seat.watch(descriptor, token: 3)
        case .finish: isFinished = true
        }
    }

    func ready(token: UInt64, readiness: Readiness) {
        guard token == 3, readiness.contains(.read) else { return }
        tally.threads.withLock { _ = $0.insert(threadNumber) }
        for _ in 0..<readsPerTurn {
            guard let byte = readByte() else { return }
            tally.bytes.withLock { $0.append(byte) }
        }
        seat.resume(token: 3, .read)
    }

    private func readByte() -> UInt8? {
        var byte: UInt8 = 0
        let descriptor = tally.descriptor.load(ordering: .relaxed)
        let outcome = withUnsafeMutableBytes(of: &byte) { Socket(descriptor: descriptor).receive(into: $0) }
        return outcome == .moved(1) ? byte : nil
    }

    func tick(_ tick: Tick) { tally.ticks.add(1, ordering: .relaxed) }

    func endOfTurn() -> Bool {
        tally.sum.store(sum, ordering: .relaxed)
        tally.turns.add(1, ordering: .relaxed)
        return false
    }
}

/// What a test sees of a teller.
private final class Tally: Sendable {
    let sum = Atomic<Int>(0)
    let turns = Atomic<Int>(0)
    let ticks = Atomic<Int>(0)
    let descriptor = Atomic<Int32>(-1)
    let bytes = Lock<[UInt8]>([])
    let threads = Lock<Set<UInt>>([])
}

/// A host that idles, or is busy while it is told to be, until it is stopped.
private final class Host: ReactorHandler {
    private let control: HostControl
    init(_ control: HostControl) { self.control = control }
    private(set) var isFinished = false
    func ready(token: UInt64, readiness: Readiness) {}
    func receive(_ message: Int) {
        if message < 0 { isFinished = true } else { control.received.withLock { $0.append(message) } }
    }
    func tick(_ tick: Tick) {}
    func endOfTurn() -> Bool {
        control.turns.add(1, ordering: .relaxed)
        guard control.isBusy.load(ordering: .relaxed) else { return false }
        // Work of many turns: each takes a while, and the poller is not reached in between.
        while control.holds.load(ordering: .relaxed) { control.isHeld.store(true, ordering: .relaxed) }
        return true
    }
}

private final class HostControl: Sendable {
    let inbox: Inbox<Int>
    let isBusy = Atomic<Bool>(false)
    let holds = Atomic<Bool>(false)
    /// Whether it is in the turn that does not end.
    let isHeld = Atomic<Bool>(false)
    let turns = Atomic<Int>(0)
    let received = Lock<[Int]>([])
    let hasEnded = Atomic<Bool>(false)
    let thread = Atomic<UInt>(0)
    init() throws { inbox = try Inbox() }

    func start(_ shared: SharedReactor<Order>, standsIn: Bool = false) throws {
        let started = Started()
        try ReactorThread.start(name: "host") { [self] in
            guard let reactor = try? Reactor(inbox: inbox) else { return }
            if standsIn { reactor.standIn(for: shared) } else { try? reactor.host(shared) }
            thread.store(threadNumber, ordering: .relaxed)
            started.value.store(true, ordering: .releasing)
            reactor.run(Host(self))
            hasEnded.store(true, ordering: .releasing)
        }
        #expect(eventually { started.value.load(ordering: .acquiring) })
    }

    func stop() {
        isBusy.store(false, ordering: .relaxed)
        holds.store(false, ordering: .relaxed)
        inbox.post(-1)
        #expect(eventually { hasEnded.load(ordering: .acquiring) })
    }
}

private final class Started: Sendable {
    let value = Atomic<Bool>(false)
}

@Suite("Shared reactor")
struct SharedReactorTests {
    private let tally = Tally()

    private func make(readsPerTurn: Int = .max) throws -> SharedReactor<Order> {
        let tally = tally
        return try SharedReactor { seat in Teller(seat, tally, readsPerTurn: readsPerTurn) }
    }

    @Test("many threads post and give turns; no message is lost and no two turns are given at once")
    func contention() throws {
        let shared = try make()
        let finished = Tally()
        for _ in 0..<4 {
            try ReactorThread.start(name: "poster") {
                for _ in 0..<20_000 {
                    shared.inbox.post(.add(1))
                    shared.takeTurns()
                }
                finished.turns.add(1, ordering: .releasing)
            }
        }
        #expect(eventually { finished.turns.load(ordering: .acquiring) == 4 })
        // Whoever was last to ask saw to it, so nothing waits for somebody to come by.
        #expect(tally.sum.load(ordering: .relaxed) == 80_000)
        #expect(shared.inbox.count == 0)
    }

    @Test("a host's question is answered in the host's own turn")
    func exchange() throws {
        let shared = try make()
        let control = try HostControl()
        let asker = Asker(shared, control)
        let reactor = try Reactor(inbox: control.inbox)
        try reactor.host(shared)
        control.inbox.post(0)
        reactor.run(asker)
        #expect(asker.turnsUntilAnswer == 0, "the answer came in a later turn")
    }

    /// Asks in its first turn and counts the turns until it is answered.
    private final class Asker: ReactorHandler {
        private let shared: SharedReactor<Order>
        private let control: HostControl
        private(set) var turnsUntilAnswer = 0
        private(set) var isFinished = false
        init(_ shared: SharedReactor<Order>, _ control: HostControl) {
            self.shared = shared
            self.control = control
        }
        func ready(token: UInt64, readiness: Readiness) {}
        func receive(_ message: Int) {
            if message == 0 { shared.inbox.post(.answer(control.inbox, 1)) } else { isFinished = true }
        }
        func tick(_ tick: Tick) {}
        func endOfTurn() -> Bool {
            if !isFinished { turnsUntilAnswer += 1 }
            return false
        }
    }

    @Test("what comes on a socket is read by hosts that sleep, all of it and in order", arguments: [Int.max, 1])
    func sockets(readsPerTurn: Int) throws {
        let shared = try make(readsPerTurn: readsPerTurn)
        let pair = try SocketPair()
        tally.descriptor.store(pair.near.descriptor, ordering: .relaxed)
        let hosts = try (0..<2).map { _ in try HostControl() }
        try hosts[0].start(shared)
        shared.inbox.post(.watch(pair.near.descriptor))
        shared.takeTurns()
        // One that joins later watches what was watched before.
        try hosts[1].start(shared)
        var sent: [UInt8] = []
        for round in 0..<200 {
            let bytes = (0..<20).map { UInt8(truncatingIfNeeded: round + $0) }
            sent += bytes
            _ = bytes.withUnsafeBytes { pair.far.send($0) }
            if round % 10 == 0 { #expect(eventually { tally.bytes.withLock { $0.count } == sent.count }) }
        }
        #expect(eventually { tally.bytes.withLock { $0.count } == sent.count })
        #expect(tally.bytes.withLock { $0 } == sent)
        for host in hosts { host.stop() }
    }

    @Test("while the only host is in the middle of much work, the stand-in reads")
    func standIn() throws {
        let shared = try make()
        let pair = try SocketPair()
        tally.descriptor.store(pair.near.descriptor, ordering: .relaxed)
        let host = try HostControl()
        let keeper = try HostControl()
        try host.start(shared)
        try keeper.start(shared, standsIn: true)
        shared.inbox.post(.watch(pair.near.descriptor))
        shared.takeTurns()
        _ = pair.far.send(text: "a")
        #expect(eventually { tally.bytes.withLock { $0.count } == 1 })
        #expect(tally.threads.withLock { $0 } == [host.thread.load(ordering: .relaxed)])

        // Busy for some turns first, as a fan-out is; then one of them never ends.
        host.isBusy.store(true, ordering: .relaxed)
        host.inbox.post(1)
        let turns = host.turns.load(ordering: .relaxed)
        #expect(eventually { host.turns.load(ordering: .relaxed) > turns + 2 })
        let keeperTurns = keeper.turns.load(ordering: .relaxed)
        #expect(eventually { keeper.turns.load(ordering: .relaxed) > keeperTurns })
        host.holds.store(true, ordering: .relaxed)
        #expect(eventually { host.isHeld.load(ordering: .relaxed) })
        _ = pair.far.send(text: "b")
        #expect(eventually { tally.bytes.withLock { $0.count } == 2 })
        #expect(tally.threads.withLock { $0.contains(keeper.thread.load(ordering: .relaxed)) })
        host.stop()
        keeper.stop()
    }

    @Test("its clock goes on as long as a host turns")
    func clock() throws {
        let shared = try make()
        let host = try HostControl()
        try host.start(shared)
        #expect(eventually { tally.ticks.load(ordering: .relaxed) >= 3 })
        #expect(tally.turns.load(ordering: .relaxed) < 20, "an idle host sleeps")
        host.stop()
    }

    @Test("a finished handler gets no more turns")
    func finished() throws {
        let shared = try make()
        shared.inbox.post(.add(1))
        shared.inbox.post(.finish)
        shared.takeTurns()
        #expect(shared.isFinished)
        shared.inbox.post(.add(1))
        shared.takeTurns()
        #expect(tally.sum.load(ordering: .relaxed) == 1)
        #expect(tally.turns.load(ordering: .relaxed) == 1)
    }
}

/// Tells threads apart, on systems where a thread is a number and where it is a pointer.
private var threadNumber: UInt {
    #if canImport(Darwin)
    UInt(bitPattern: pthread_self())
    #else
    UInt(pthread_self())
    #endif
}
