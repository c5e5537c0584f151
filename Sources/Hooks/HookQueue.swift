public import Broker
internal import DequeModule

/// What one backend is asked, and what waits for that: so many at once, so many that wait, each for so long. No sockets, no clock.
///
/// Thread: owned by the one that asks. Memory: what waits and is under way, which are limits of the hook.
public struct HookQueue<Asker> {
    /// A question on its way.
    public struct Entry {
        /// Who asks.
        public let asker: Asker
        /// What.
        public let body: [UInt8]
        /// When it came, and until when an answer is of use; no end for what is told.
        public let beginNanoseconds: UInt64
        public internal(set) var endNanoseconds: UInt64
        /// How often it was tried.
        public var attempts = 0
    }

    /// How it is asked. What waits goes by a new one.
    public var policy: HookPolicy {
        didSet {
            guard policy != oldValue else { return }
            breaker = Self.breaker(policy)
            for place in waiting.indices { waiting[place].endNanoseconds = end(from: waiting[place].beginNanoseconds) }
        }
    }

    /// Whether it is told rather than asked: what is told waits until it is taken.
    private let isTelling: Bool
    private var waiting = Deque<Entry>()
    private var breaker: CircuitBreaker

    /// Requests that are not answered.
    public private(set) var underWay = 0

    /// How often something is told, at most.
    public static var attemptsMax: Int { 8 }

    /// An empty one.
    public init(_ policy: HookPolicy, isTelling: Bool) {
        self.policy = policy
        self.isTelling = isTelling
        breaker = Self.breaker(policy)
    }

    private static func breaker(_ policy: HookPolicy) -> CircuitBreaker {
        CircuitBreaker(failuresMax: policy.breakerFailures, pauseMilliseconds: policy.breakerMilliseconds)
    }

    /// Until when an answer is of use to who asks at a moment.
    private func end(from begin: UInt64) -> UInt64 {
        isTelling ? .max : begin + policy.timeoutMilliseconds * 1_000_000
    }

    /// Questions that wait.
    public var count: Int { waiting.count }

    /// Whether its backend is let alone.
    public var isOpen: Bool { breaker.isOpen }

    /// Takes a question; says why if it is not taken.
    public mutating func add(_ asker: Asker, _ body: [UInt8], nowNanoseconds now: UInt64) -> HookFailure? {
        guard isTelling || breaker.admits(nowNanoseconds: now) else { return .breaker }
        guard waiting.count < policy.waitingMax else { return .busy }
        waiting.append(Entry(asker: asker, body: body, beginNanoseconds: now, endNanoseconds: end(from: now)))
        return nil
    }

    /// What is to be asked next; nothing if as many are under way as may be, or the time of the next one is over.
    public mutating func next(nowNanoseconds now: UInt64) -> Entry? {
        guard underWay < policy.requestsMax, let first = waiting.first, now < first.endNanoseconds,
            breaker.begin(nowNanoseconds: now), var entry = waiting.popFirst()
        else { return nil }
        underWay += 1
        entry.attempts += 1
        return entry
    }

    /// Those whose time is over, or for whom nobody is asked, and why. Each waits for as long as all others, so they stand in order.
    public mutating func giveUp(nowNanoseconds now: UInt64) -> (Entry, HookFailure)? {
        guard !isTelling, let first = waiting.first else { return nil }
        if first.endNanoseconds <= now { return waiting.popFirst().map { ($0, .timeout) } }
        if !breaker.admits(nowNanoseconds: now) { return waiting.popFirst().map { ($0, .breaker) } }
        return nil
    }

    /// When somebody waits for too long, or the backend is tried again.
    public var nextNanoseconds: UInt64? { isTelling ? nil : waiting.first?.endNanoseconds }

    /// A request is over.
    public mutating func end(isAnswered: Bool, nowNanoseconds now: UInt64) {
        underWay -= 1
        breaker.end(isAnswered: isAnswered, nowNanoseconds: now)
    }

    /// What was told and not taken is told again; says whether it is.
    public mutating func repeatLater(_ entry: Entry) -> Bool {
        guard isTelling, entry.attempts < Self.attemptsMax, waiting.count < policy.waitingMax else { return false }
        waiting.append(entry)
        return true
    }
}
