import CReactor
import Synchronization
import Testing

@testable import Reactor

/// Something each of many threads says.
private struct Note: Sendable, Equatable {
    let writer: Int
    let number: Int
}

@Suite("Inbox")
struct InboxTests {
    @Test("gives back what was posted, in order, and leaves itself empty")
    func order() throws {
        let inbox = try Inbox<Int>()
        for number in 0..<10 { inbox.post(number) }
        #expect(inbox.count == 10)
        var batch: [Int] = []
        inbox.take(into: &batch)
        #expect(batch == Array(0..<10))
        #expect(inbox.count == 0)
        batch.removeAll()
        inbox.take(into: &batch)
        #expect(batch.isEmpty)
    }

    @Test("takes no more than it may hold")
    func depthMax() throws {
        let inbox = try Inbox<Int>()
        for number in 0..<5 { #expect(inbox.post(number, depthMax: 5)) }
        #expect(!inbox.post(5, depthMax: 5))
        #expect(inbox.count == 5)
        inbox.post(6)
        var batch: [Int] = []
        inbox.take(into: &batch)
        #expect(batch == [0, 1, 2, 3, 4, 6])
        #expect(inbox.post(7, depthMax: 1))
        #expect(!inbox.post(8, depthMax: 1))
    }

    @Test("wakes its reactor once per batch")
    func coalesces() throws {
        let inbox = try Inbox<Int>()
        let poller = try Poller()
        try inbox.wakeup.attach(to: poller, token: 9)
        #expect(inbox.prepareToSleep())
        #expect(events(of: poller, milliseconds: 0) == [:])
        inbox.post(1)
        #expect(events(of: poller, milliseconds: 0) == [9: .read])
        inbox.wakeup.clear()
        inbox.post(2)
        #expect(events(of: poller, milliseconds: 0) == [:], "the reactor is on its way")
        var batch: [Int] = []
        inbox.take(into: &batch)
        #expect(batch == [1, 2])
        inbox.post(3)
        #expect(events(of: poller, milliseconds: 0) == [:], "the reactor is awake and looks again before it sleeps")
        #expect(!inbox.prepareToSleep(), "something came")
        batch.removeAll()
        inbox.take(into: &batch)
        #expect(inbox.prepareToSleep())
        inbox.post(4)
        #expect(events(of: poller, milliseconds: 0) == [9: .read])
    }

    @Test("many threads: everything arrives, each one's in its order, and no wake-up is lost")
    func manyWriters() throws {
        let writerCount = 8
        let notesEach = 20_000
        let inbox = try Inbox<Note>()
        let poller = try Poller()
        try inbox.wakeup.attach(to: poller, token: 1)
        for writer in 0..<writerCount {
            try ReactorThread.start(name: "writer \(writer)") {
                for number in 0..<notesEach {
                    inbox.post(Note(writer: writer, number: number))
                    // Pauses let the reader catch up, so that there are many batches, each with its own wake-up.
                    if number % 8 == writer { sched_yield() }
                }
            }
        }
        var next = [Int](repeating: 0, count: writerCount)
        var outOfOrder = 0
        var batch: [Note] = []
        while next.reduce(0, +) < writerCount * notesEach {
            // A reader that is not woken although something waits stands still here.
            if inbox.prepareToSleep() {
                let woken = events(of: poller, milliseconds: 5_000)
                try #require(!woken.isEmpty, "a wake-up was lost: \(inbox.count) wait, \(next) came")
                inbox.wakeup.clear()
            }
            inbox.noteAwake()
            inbox.take(into: &batch)
            for note in batch {
                if note.number != next[note.writer] { outOfOrder += 1 }
                next[note.writer] = note.number + 1
            }
            batch.removeAll(keepingCapacity: true)
        }
        #expect(outOfOrder == 0)
        #expect(next == [Int](repeating: notesEach, count: writerCount))
        #expect(inbox.count == 0)
    }

    @Test("many threads and a bound: it is kept, and what was taken arrives")
    func manyBoundedWriters() throws {
        let inbox = try Inbox<Note>()
        let running = Counter(4)
        let taken = Counter(0)
        for writer in 0..<4 {
            try ReactorThread.start(name: "writer \(writer)") {
                for number in 0..<20_000 where inbox.post(Note(writer: writer, number: number), depthMax: 100) {
                    taken.add(1)
                }
                running.add(-1)
            }
        }
        var batch: [Note] = []
        var last = [Int](repeating: -1, count: 4)
        var received = 0
        while running.value > 0 || inbox.count > 0 {
            inbox.take(into: &batch)
            #expect(batch.count <= 100)
            received += batch.count
            for note in batch {
                #expect(note.number > last[note.writer])
                last[note.writer] = note.number
            }
            batch.removeAll(keepingCapacity: true)
        }
        inbox.take(into: &batch)
        #expect(received + batch.count == taken.value)
    }
}

/// A number that many threads change.
final class Counter: Sendable {
    private let atomic: Atomic<Int>

    init(_ value: Int) { atomic = Atomic(value) }

    var value: Int { atomic.load(ordering: .acquiring) }

    func add(_ amount: Int) { atomic.add(amount, ordering: .acquiringAndReleasing) }
}
