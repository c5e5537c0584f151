import Broker
import Testing

@testable import Hooks

@Suite("Questions to a backend")
struct HookQueueTests {
    private let millisecond: UInt64 = 1_000_000

    private func queue(isTelling: Bool = false, _ change: (inout HookPolicy) -> Void) -> HookQueue<Int> {
        var policy = HookPolicy(url: "http://127.0.0.1:1/")
        change(&policy)
        return HookQueue(policy, isTelling: isTelling)
    }

    @Test("so many are asked at once, so many wait, the next is told so")
    func bounds() {
        var queue = queue {
            $0.requestsMax = 2
            $0.waitingMax = 3
        }
        for asker in 0..<3 {
            let isTaken = queue.add(asker, [], nowNanoseconds: 0) == nil
            #expect(isTaken)
        }
        let is2 = queue.add(3, [], nowNanoseconds: 0) == .busy
        #expect(is2)
        let is3 = queue.next(nowNanoseconds: 0)?.asker == 0
        #expect(is3)
        let is4 = queue.next(nowNanoseconds: 0)?.asker == 1
        #expect(is4)
        let is5 = queue.next(nowNanoseconds: 0)?.asker == nil
        #expect(is5)
        #expect(queue.underWay == 2 && queue.count == 1)
        queue.end(isAnswered: true, nowNanoseconds: 0)
        let is6 = queue.next(nowNanoseconds: 0)?.asker == 2
        #expect(is6)
    }

    @Test("who waits for longer than an answer may take is told so, in order")
    func expires() {
        var queue = queue {
            $0.requestsMax = 1
            $0.timeoutMilliseconds = 10
        }
        for asker in 0..<3 { _ = queue.add(asker, [], nowNanoseconds: UInt64(asker) * millisecond) }
        _ = queue.next(nowNanoseconds: 0)
        let is7 = queue.nextNanoseconds == 11 * millisecond
        #expect(is7)
        let is8 = queue.giveUp(nowNanoseconds: 11 * millisecond - 1) == nil
        #expect(is8)
        let first = queue.giveUp(nowNanoseconds: 11 * millisecond)
        #expect(first?.0.asker == 1 && first?.1 == .timeout)
        let is9 = queue.giveUp(nowNanoseconds: 11 * millisecond) == nil
        #expect(is9)
    }

    @Test("a time that is shorter from now on is that of those who wait, too, and nobody is asked for whom it is over")
    func shorterTime() {
        var queue = queue {
            $0.requestsMax = 2
            $0.timeoutMilliseconds = 20_000
        }
        for asker in 0..<3 { _ = queue.add(asker, [], nowNanoseconds: 0) }
        for _ in 0..<2 { _ = queue.next(nowNanoseconds: 0) }
        queue.policy.timeoutMilliseconds = 1
        _ = queue.add(3, [], nowNanoseconds: millisecond)
        #expect(queue.nextNanoseconds == millisecond)
        for _ in 0..<2 { queue.end(isAnswered: true, nowNanoseconds: 5 * millisecond) }
        let asked = queue.next(nowNanoseconds: 5 * millisecond)
        #expect(asked == nil, "\(String(describing: asked))")
        for asker in [2, 3] {
            let late = queue.giveUp(nowNanoseconds: 5 * millisecond)
            #expect(late?.0.asker == asker && late?.1 == .timeout)
        }
        #expect(queue.count == 0 && queue.underWay == 0)
    }

    @Test("a time that is longer from now on is that of those who wait, too; what is told has none")
    func longerTime() {
        for isTelling in [false, true] {
            var queue = queue(isTelling: isTelling) { $0.timeoutMilliseconds = 1 }
            _ = queue.add(0, [], nowNanoseconds: 0)
            queue.policy.timeoutMilliseconds = 10
            let late = queue.giveUp(nowNanoseconds: 9 * millisecond)
            #expect(late == nil)
            let asked = queue.next(nowNanoseconds: 9 * millisecond)
            #expect(asked?.endNanoseconds == (isTelling ? .max : 10 * millisecond))
        }
    }

    @Test("when a backend is let alone, those who wait know at once; what is told waits")
    func breaker() {
        var asking = queue { $0.breakerFailures = 1 }
        _ = asking.add(0, [], nowNanoseconds: 0)
        _ = asking.add(1, [], nowNanoseconds: 0)
        _ = asking.next(nowNanoseconds: 0)
        asking.end(isAnswered: false, nowNanoseconds: 0)
        let is10 = asking.giveUp(nowNanoseconds: 0)?.1 == .breaker
        #expect(is10)
        let is11 = asking.add(2, [], nowNanoseconds: 0) == .breaker
        #expect(is11)

        var telling = queue(isTelling: true) { $0.breakerFailures = 1 }
        _ = telling.add(0, [], nowNanoseconds: 0)
        let told = telling.next(nowNanoseconds: 0)
        telling.end(isAnswered: false, nowNanoseconds: 0)
        let is12 = told.map { telling.repeatLater($0) } == true
        #expect(is12)
        let is13 = telling.giveUp(nowNanoseconds: 1 << 40) == nil
        #expect(is13)
        let is14 = telling.next(nowNanoseconds: 0) == nil
        #expect(is14)
        let is15 = telling.next(nowNanoseconds: 5_000 * millisecond)?.attempts == 2
        #expect(is15)
    }

    @Test("what nobody takes is told so many times and no more")
    func attempts() {
        var queue = queue(isTelling: true) { $0.breakerFailures = 1_000 }
        _ = queue.add(0, [], nowNanoseconds: 0)
        var count = 0
        while let entry = queue.next(nowNanoseconds: 0) {
            count += 1
            queue.end(isAnswered: false, nowNanoseconds: 0)
            guard queue.repeatLater(entry) else { break }
        }
        #expect(count == HookQueue<Int>.attemptsMax)
    }
}
