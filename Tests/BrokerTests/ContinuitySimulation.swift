import Broker
import TestRandomness
import Testing

/// Redis with an at-most-once bus in front of it and a `Continuity` behind: what it publishes is lost, repeated and late
/// on its way; it trims its history, loses writes in failovers and is flushed.
private struct SimulatedBus {
    var generator: SeededGenerator
    var clock: UInt64 = 100
    var head = Position.start
    var history: [Publication] = []

    /// Messages on their way.
    var bus: [Publication] = []

    /// Pages on their way, each made when the read reached Redis; and reads that did not reach it yet.
    var pages: [(isOpening: Bool, page: HistoryPage)] = []
    var reads: [(isOpening: Bool, after: Position)] = []

    var continuity = Continuity(tailCountMax: 20, tailBytesMax: 100_000)
    var deliveries: [Continuity.Delivery] = []
    var readCount = 0

    /// Where the reactors stand; `nil` until they are told.
    var reached: Position?
    var seen: Set<Position> = []

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        for _ in 0..<Int.random(in: 0...3, using: &generator) { publish() }
        bus.removeAll()
        reads.append((true, .start))
    }

    mutating func publish() {
        clock += generator.once(in: 3) ? 0 : UInt64.random(in: 1...3, using: &generator)
        let position = clock > head.milliseconds ? Position(milliseconds: clock, sequence: 0) : head.successor
        let publication = Publication(position, after: head)
        head = position
        history.append(publication)
        if history.count > 30 { history.removeFirst(10) }
        bus.append(publication)
    }

    /// A replica takes over that lacks the last writes.
    mutating func failOver() {
        let lost = Int.random(in: 1...4, using: &generator)
        guard history.count > lost else { return }
        history.removeLast(lost)
        head = history.last!.position
        clock += 2
        loseLinks()
    }

    /// What was on its way is gone; unanswered reads are repeated.
    mutating func loseLinks() {
        if generator.once(in: 2) { bus.removeAll() }
        reads = pages.map { ($0.isOpening, $0.page.since!) } + reads
        pages.removeAll()
        if continuity.isOpen { ask(after: continuity.beginReading()) } else { reads.append((true, .start)) }
    }

    mutating func flush() {
        head = .start
        history.removeAll()
        clock += 2
    }

    mutating func ask(after position: Position?) {
        guard let position else { return }
        readCount += 1
        reads.append((false, position))
    }

    /// A read reaches Redis, which makes the page.
    mutating func makePage() {
        guard !reads.isEmpty else { return }
        let read = reads.removeFirst()
        let limit = generator.once(in: 10) ? 2 : 1_000
        let page = HistoryPage(
            since: read.after,
            of: read.isOpening ? [] : history,
            countMax: limit,
            bytesMax: .max,
            head: head
        )
        pages.append((read.isOpening, page))
    }

    mutating func takePage() {
        guard !pages.isEmpty else { return }
        let (isOpening, page) = pages.removeFirst()
        let outcome = isOpening ? continuity.open(head: page.head) : continuity.fill(page)
        if isOpening, reached == nil { reached = page.head }
        take(outcome.deliveries)
        ask(after: outcome.readAfter)
    }

    mutating func hear(_ publication: Publication) {
        switch continuity.receive(publication) {
        case .deliver: take([.publication(publication)])
        case .read(let after): ask(after: after)
        case .ignore, .hold: break
        }
    }

    /// I7: each publication follows what was delivered before or an explicit gap, and none comes twice.
    mutating func take(_ taken: [Continuity.Delivery]) {
        for delivery in taken {
            switch delivery {
            case .publication(let publication):
                #expect(publication.previous == reached, "a silent hole")
                #expect(seen.insert(publication.position).inserted, "\(publication.position) came twice")
                reached = publication.position
            case .gap(let from, let to):
                #expect(from == reached, "a gap that begins elsewhere")
                #expect(from != to, "a gap that is none")
                reached = to
            }
        }
        if continuity.isOpen { #expect(continuity.last == reached) }
    }

    mutating func step(losesWrites: Bool) {
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<35: publish()
        case ..<60: if !bus.isEmpty { hear(bus.removeFirst()) }
        case ..<65: if !bus.isEmpty { bus.remove(at: Int.random(in: bus.indices, using: &generator)) }
        case ..<69: if let message = bus.randomElement(using: &generator) { bus.append(message) }
        case ..<72: if let message = bus.randomElement(using: &generator) { hear(message) }
        case ..<82: makePage()
        case ..<93: takePage()
        case ..<95: loseLinks()
        case ..<96: history.removeFirst(min(history.count, 3))
        case ..<98 where losesWrites: failOver()
        case ..<99 where losesWrites: flush()
        default: break
        }
    }

    /// Lets everything arrive. It must come to rest, and what rests must be where Redis is.
    mutating func settle() {
        bus.removeAll()
        if continuity.isOpen { ask(after: continuity.beginReading()) }
        drain()
    }

    /// What was heard before Redis lost it was delivered; the next publication shows that it is gone.
    mutating func settleAgain() {
        publish()
        hear(bus.removeLast())
        drain()
    }

    private mutating func drain() {
        let before = readCount
        while !bus.isEmpty || !reads.isEmpty || !pages.isEmpty {
            makePage()
            takePage()
            guard readCount - before < 50 else {
                Issue.record("reads for ever")
                return
            }
        }
        #expect(continuity.isLive)
    }
}

@Suite("Continuity, simulated")
struct ContinuitySimulation {
    @Test("a bus that loses, repeats and delays: a chain or an explicit gap, nothing twice, and an end at the head")
    func unreliableBus() {
        for seed in 0..<4_000 as Range<UInt64> {
            var simulation = SimulatedBus(seed: seed)
            for _ in 0..<150 { simulation.step(losesWrites: false) }
            simulation.settle()
            #expect(simulation.reached == simulation.head, "seed \(seed)")
        }
    }

    @Test("a Redis that also loses writes and is flushed: the same")
    func unreliableRedis() {
        for seed in 0..<4_000 as Range<UInt64> {
            var simulation = SimulatedBus(seed: seed &+ 1_000_000)
            for _ in 0..<150 { simulation.step(losesWrites: true) }
            simulation.settle()
            simulation.settleAgain()
            #expect(simulation.reached == simulation.head, "seed \(seed)")
        }
    }
}
