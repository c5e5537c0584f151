import Reactor
import TestRandomness
import Testing

@Suite("Timer wheel")
struct TimerWheelTests {
    /// What comes due when the wheel moves.
    private func due(_ wheel: inout TimerWheel, at tick: Tick) -> [UInt32] {
        var due: [Slot] = []
        wheel.advance(to: tick, into: &due)
        return due.map(\.number).sorted()
    }

    @Test("fires at its tick and only then")
    func fires() {
        var wheel = TimerWheel()
        wheel.schedule(1, at: 3)
        wheel.schedule(2, at: 3)
        wheel.schedule(3, at: 4)
        #expect(due(&wheel, at: 2) == [])
        #expect(due(&wheel, at: 3) == [1, 2])
        #expect(due(&wheel, at: 4) == [3])
        #expect(due(&wheel, at: 5_000) == [])
    }

    @Test("takes all that came due on the way")
    func jumps() {
        var wheel = TimerWheel()
        for index in 0..<50 as Range<UInt32> { wheel.schedule(Slot(number: index), at: Tick(number: index + 1)) }
        #expect(due(&wheel, at: 30) == Array(0..<30))
        #expect(due(&wheel, at: 30) == [])
        #expect(due(&wheel, at: 31) == [30])
    }

    @Test("a new tick takes the place of the old one, earlier or later")
    func reschedules() {
        var wheel = TimerWheel()
        wheel.schedule(7, at: 5)
        wheel.schedule(7, at: 9)
        wheel.schedule(8, at: 9)
        wheel.schedule(8, at: 5)
        #expect(due(&wheel, at: 8) == [8])
        #expect(due(&wheel, at: 9) == [7])
    }

    @Test("a cancelled timer does not fire, and cancelling what is not set changes nothing")
    func cancels() {
        var wheel = TimerWheel()
        for index in 0..<5 as Range<UInt32> { wheel.schedule(Slot(number: index), at: 2) }
        wheel.cancel(0)
        wheel.cancel(2)
        wheel.cancel(4)
        wheel.cancel(4)
        wheel.cancel(1_000_000)
        #expect(due(&wheel, at: 2) == [1, 3])
        wheel.cancel(1)
        #expect(due(&wheel, at: 2_000) == [])
    }

    @Test("a timer that asks for now fires with the next tick", arguments: [0, 5, 100] as [UInt32])
    func now(ago: UInt32) {
        var wheel = TimerWheel(startingAt: 100)
        wheel.schedule(1, at: Tick(number: 100 - ago))
        var fired = due(&wheel, at: 101)
        #expect(fired == [1])
        wheel.schedule(1, at: 101)
        #expect(due(&wheel, at: 101) == [], "not in the tick it was set in")
        fired = due(&wheel, at: 102)
        #expect(fired == [1])
    }

    @Test("a timer beyond the wheel fires early, and its owner sets it again")
    func far() {
        var wheel = TimerWheel(startingAt: 10)
        wheel.schedule(1, at: 1_000_000)
        var tick: UInt32 = 10
        var firings = 0
        while tick < 1_000_000 {
            tick += 1
            for index in due(&wheel, at: Tick(number: tick)) {
                firings += 1
                if tick < 1_000_000 { wheel.schedule(Slot(number: index), at: 1_000_000) }
            }
        }
        #expect(firings > 1_000_000 / TimerWheel.bucketCount)
        #expect(firings < 1_000_000 / TimerWheel.bucketCount + 3)
    }

    @Test("a jump over the whole wheel takes everything once")
    func jumpsFar() {
        var wheel = TimerWheel(startingAt: 77)
        for index in 0..<3_000 as Range<UInt32> { wheel.schedule(Slot(number: index), at: Tick(number: 77 + index)) }
        #expect(due(&wheel, at: 50_077) == Array(0..<3_000))
        wheel.schedule(5, at: 50_078)
        #expect(due(&wheel, at: 50_078) == [5])
    }

    @Test("goes on where ticks wrap")
    func wraps() {
        var wheel = TimerWheel(startingAt: Tick(number: .max - 2))
        wheel.schedule(1, at: Tick(number: .max))
        wheel.schedule(2, at: 2)
        wheel.schedule(3, at: 500)
        #expect(due(&wheel, at: Tick(number: .max - 1)) == [])
        #expect(due(&wheel, at: Tick(number: .max)) == [1])
        #expect(due(&wheel, at: 0) == [])
        #expect(due(&wheel, at: 1) == [])
        #expect(due(&wheel, at: 2) == [2])
        #expect(due(&wheel, at: 499) == [])
        #expect(due(&wheel, at: 500) == [3])
    }

    @Test("owners may set and cancel while what is due is worked off")
    func reentrant() {
        var wheel = TimerWheel()
        for index in 0..<4 as Range<UInt32> { wheel.schedule(Slot(number: index), at: 1) }
        var fired: [Slot] = []
        wheel.advance(to: 1, into: &fired)
        for slot in fired {
            wheel.cancel(Slot(number: (slot.number + 1) % 4))
            wheel.schedule(slot, at: 2)
        }
        let again = due(&wheel, at: 2)
        #expect(!again.isEmpty)
        #expect(Set(again).count == again.count)
    }

    @Test("does what a dictionary of deadlines does", arguments: [0, 1, UInt32.max - 700] as [UInt32])
    func random(start: UInt32) {
        var generator = SeededGenerator(seed: UInt64(start) + 9)
        var wheel = TimerWheel(startingAt: Tick(number: start))
        // Deadlines as ticks since the start, which do not wrap.
        var model: [UInt32: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            let index = UInt32.random(in: 0..<300, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case ..<6:
                let ahead = UInt64.random(in: 0..<1_500, using: &generator)
                wheel.schedule(Slot(number: index), at: Tick(number: start &+ UInt32(now + ahead)))
                model[index] = now + min(max(ahead, 1), UInt64(TimerWheel.bucketCount - 1))
            case ..<8:
                wheel.cancel(Slot(number: index))
                model[index] = nil
            default:
                now += UInt64.random(in: 0..<8, using: &generator)
                if Int.random(in: 0..<200, using: &generator) == 0 { now += 2_000 }
                let expected = model.filter { $0.value <= now }.keys.sorted()
                for index in expected { model[index] = nil }
                #expect(due(&wheel, at: Tick(number: start &+ UInt32(now))) == expected)
            }
        }
    }
}
