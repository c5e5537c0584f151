/// Lets a backend alone that failed so often in a row that it is most likely down: who would wait for it knows at once, and it is not
/// asked by everybody the moment it comes back. After a pause one question tries it.
struct CircuitBreaker {
    private enum State: Equatable {
        /// Asks; so many in a row failed.
        case closed(failures: Int)
        case open(untilNanoseconds: UInt64)
        /// One tries it.
        case halfOpen
    }

    private let failuresMax: Int
    private let pauseNanoseconds: UInt64
    private var state = State.closed(failures: 0)

    init(failuresMax: Int, pauseMilliseconds: UInt64) {
        self.failuresMax = failuresMax
        pauseNanoseconds = pauseMilliseconds * 1_000_000
    }

    /// Whether it is not asked by all.
    var isOpen: Bool { if case .closed = state { false } else { true } }

    /// Whether a question may wait to be asked.
    func admits(nowNanoseconds now: UInt64) -> Bool {
        switch state {
        case .closed: true
        case .open(let end): end <= now
        case .halfOpen: false
        }
    }

    /// A question is about to be asked; says whether it may be.
    mutating func begin(nowNanoseconds now: UInt64) -> Bool {
        guard admits(nowNanoseconds: now) else { return false }
        if case .open = state { state = .halfOpen }
        return true
    }

    /// One was answered, or was not. What was begun before it opened says nothing new.
    mutating func end(isAnswered: Bool, nowNanoseconds now: UInt64) {
        switch state {
        case .closed(let failures):
            state = .closed(failures: isAnswered ? 0 : failures + 1)
            if !isAnswered, failures + 1 >= failuresMax { open(now) }
        case .halfOpen:
            if isAnswered { state = .closed(failures: 0) } else { open(now) }
        case .open: break
        }
    }

    private mutating func open(_ now: UInt64) { state = .open(untilNanoseconds: now + pauseNanoseconds) }
}
