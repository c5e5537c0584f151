import Testing

@testable import Hooks

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    private let second: UInt64 = 1_000_000_000

    @Test("it opens after so many failures in a row, and not after as many with a success between")
    func opens() {
        var breaker = CircuitBreaker(failuresMax: 3, pauseMilliseconds: 1_000)
        for isAnswered in [false, false, true, false, false] {
            let is1 = breaker.begin(nowNanoseconds: 0)
            #expect(is1)
            breaker.end(isAnswered: isAnswered, nowNanoseconds: 0)
        }
        #expect(!breaker.isOpen)
        breaker.end(isAnswered: false, nowNanoseconds: 0)
        #expect(breaker.isOpen)
        #expect(!breaker.admits(nowNanoseconds: second - 1))
    }

    @Test("after the pause one tries it, and no other until that is over")
    func probes() {
        var breaker = CircuitBreaker(failuresMax: 1, pauseMilliseconds: 1_000)
        breaker.end(isAnswered: false, nowNanoseconds: 0)
        let is2 = !breaker.begin(nowNanoseconds: second - 1)
        #expect(is2)
        let is3 = breaker.begin(nowNanoseconds: second)
        #expect(is3)
        let is4 = !breaker.begin(nowNanoseconds: second)
        #expect(is4)
        #expect(!breaker.admits(nowNanoseconds: 10 * second))
        // In vain: another pause.
        breaker.end(isAnswered: false, nowNanoseconds: 2 * second)
        let is5 = !breaker.begin(nowNanoseconds: 3 * second - 1)
        #expect(is5)
        let is6 = breaker.begin(nowNanoseconds: 3 * second)
        #expect(is6)
        breaker.end(isAnswered: true, nowNanoseconds: 3 * second)
        #expect(!breaker.isOpen)
        let is7 = breaker.begin(nowNanoseconds: 3 * second) && breaker.begin(nowNanoseconds: 3 * second)
        #expect(is7)
    }

    @Test("what was asked before it opened says nothing")
    func late() {
        var breaker = CircuitBreaker(failuresMax: 1, pauseMilliseconds: 1_000)
        breaker.end(isAnswered: false, nowNanoseconds: 0)
        breaker.end(isAnswered: true, nowNanoseconds: 1)
        breaker.end(isAnswered: false, nowNanoseconds: second - 1)
        #expect(breaker.isOpen)
        #expect(breaker.admits(nowNanoseconds: second))
    }
}
