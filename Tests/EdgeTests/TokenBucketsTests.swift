import Foundation
import Reactor
import Synchronization
import Testing

@testable import Edge

@Suite("Token buckets")
struct TokenBucketsTests {
    private let second: UInt64 = 1_000_000_000

    /// How many of so many are taken at a moment.
    private func taken(_ wanted: Int, by key: Int, from buckets: TokenBuckets, at now: UInt64) -> Int {
        var count = 0
        for _ in 0..<wanted where buckets.take(1, hash: key.hashValue, now: now) == nil { count += 1 }
        return count
    }

    @Test("what was saved up may be had at once, then no more than the rate, and each key has its own")
    func rate() {
        let buckets = TokenBuckets(Allowance(perSecond: 10, savedMilliseconds: 2_000))
        let start = 100 * second
        let first = taken(100, by: 1, from: buckets, at: start)
        let other = taken(100, by: 2, from: buckets, at: start)
        let later = taken(100, by: 1, from: buckets, at: start + second)
        let muchLater = taken(100, by: 1, from: buckets, at: start + 60 * second)
        #expect(first == 20 && other == 20 && later == 10 && muchLater == 20)
    }

    @Test("who has to wait is told how long, and has it then")
    func wait() {
        let buckets = TokenBuckets(Allowance(perSecond: 4, savedMilliseconds: 1_000))
        let now = 5 * second
        #expect(taken(4, by: 1, from: buckets, at: now) == 4)
        let wait = buckets.take(1, hash: 1.hashValue, now: now) ?? 0
        #expect(wait == second / 4)
        let early = buckets.take(1, hash: 1.hashValue, now: now + wait - 1)
        let inTime = buckets.take(1, hash: 1.hashValue, now: now + wait)
        #expect(early != nil && inTime == nil)
    }

    @Test("a full bucket is enough for anything, and owes the rest")
    func debt() throws {
        let buckets = TokenBuckets(Allowance(perSecond: 1_000, savedMilliseconds: 1_000))
        let large = buckets.take(5_000, hash: 1.hashValue, now: second)
        let next = buckets.take(1, hash: 1.hashValue, now: 2 * second)
        #expect(large == nil && next != nil)
        let wait = try #require(buckets.wait(for: 1, hash: 1.hashValue, now: second))
        #expect(wait > 4 * second && wait < 5 * second)
    }

    @Test("so many at once, and as many within the time")
    func count() {
        let buckets = TokenBuckets(Allowance(count: 3, withinMilliseconds: 3_000))
        let first = taken(9, by: 1, from: buckets, at: second)
        let later = taken(9, by: 1, from: buckets, at: 3 * second)
        #expect(first == 3 && later == 2)
    }

    @Test("a hundred greedy keys keep next to nobody else waiting, and a hundred thousand take no more memory")
    func sharing() {
        let buckets = TokenBuckets(Allowance(perSecond: 1, savedMilliseconds: 5_000))
        for key in 0..<100 { _ = taken(50, by: key, from: buckets, at: second) }
        var refused = 0
        for key in 1_000..<2_000 where taken(1, by: key, from: buckets, at: second) == 0 { refused += 1 }
        #expect(refused <= 5)
        for key in 0..<100_000 { _ = buckets.take(1, hash: key.hashValue, now: 10 * second) }
    }

    @Test("no number makes it trap")
    func extremes() {
        let buckets = TokenBuckets(Allowance(perSecond: 1, savedMilliseconds: 315_360_000_000))
        for count in [0, 1, Int.max] { _ = buckets.take(count, hash: .min, now: 1 << 60) }
        let fast = TokenBuckets(Allowance(perSecond: 1 << 40, savedMilliseconds: 1))
        let first = fast.take(1, hash: 1, now: 0)
        let slow = TokenBuckets(Allowance(count: 1 << 40, withinMilliseconds: 315_360_000_000))
        let second = slow.take(1, hash: 1, now: 0)
        #expect(first == nil && second == nil)
    }

    @Test("threads that take at once have together what one has, but for what two do in the same moment, and owe that")
    func threads() throws {
        let buckets = TokenBuckets(Allowance(perSecond: 1, savedMilliseconds: 100_000_000))
        let taken = Lock(0)
        let start = 1_000_000 * second
        let threads = 4
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var own = 0
            // A hundred thousand are there, and four times as many wanted.
            for _ in 0..<100_000 where buckets.take(1, hash: 7.hashValue, now: start) == nil { own += 1 }
            let sum = own
            taken.withLock { $0 += sum }
        }
        let all = taken.withLock { $0 }
        #expect((100_000..<100_000 + threads).contains(all))
        // Every one was counted: so long is it until there is one again.
        let wait = try #require(buckets.wait(for: 1, hash: 7.hashValue, now: start))
        #expect(wait == UInt64(all - 100_000 + 1) * second)
    }

    @Test("threads that come first at once share their memory")
    func firstUse() {
        for _ in 0..<50 {
            let buckets = TokenBuckets(Allowance(perSecond: 1, savedMilliseconds: 3_600_000))
            DispatchQueue.concurrentPerform(iterations: 8) { number in
                _ = buckets.take(100, hash: number.hashValue, now: 5 * second)
            }
            for number in 0..<8 {
                #expect(buckets.wait(for: 3_600, hash: number.hashValue, now: 5 * second) == 100 * second)
            }
        }
    }

    @Test("another allowance holds from then on, and none is no limit")
    func change() {
        let buckets = TokenBuckets()
        let now = 50 * second
        #expect(taken(1_000, by: 1, from: buckets, at: now) == 1_000)
        buckets.change(to: Allowance(perSecond: 10, savedMilliseconds: 1_000))
        #expect(taken(100, by: 1, from: buckets, at: now) == 10)
        buckets.change(to: Allowance(perSecond: 10, savedMilliseconds: 3_000))
        #expect(taken(100, by: 1, from: buckets, at: now) == 20)
        buckets.change(to: nil)
        #expect(taken(100, by: 1, from: buckets, at: now) == 100)
    }

    @Test("what others know to be taken is taken, and never given back")
    func raise() {
        let buckets = TokenBuckets(Allowance(perSecond: 10, savedMilliseconds: 1_000))
        let now = 50 * second
        buckets.raise(to: now + second / 2, hash: 1.hashValue)
        buckets.raise(to: now, hash: 1.hashValue)
        #expect(taken(100, by: 1, from: buckets, at: now) == 5)
        #expect(taken(100, by: 2, from: buckets, at: now) == 10)
    }
}
