/// What a reactor does with what its poller, its inbox and its clock bring.
///
/// Every call is made on the reactor's thread.
public protocol ReactorHandler: AnyObject {
    /// What other threads may tell this reactor.
    associatedtype Message: Sendable

    /// A watched descriptor is ready. The token may be stale: its owner may be gone since the kernel made the event.
    func ready(token: UInt64, readiness: Readiness)

    /// All events of this turn are handed over.
    func endOfEvents()

    /// Another thread's message.
    func receive(_ message: Message)

    /// The messages that waited are handed over; more of them may follow in this turn.
    func endOfIntake()

    /// The coarse clock moved on by one or more ticks.
    func tick(_ tick: Tick)

    /// All events and messages of this turn are handled: the moment to write. Says whether work is left that must not
    /// wait for the next event.
    func endOfTurn() -> Bool

    /// Milliseconds that may pass before the end of a turn is wanted although nothing happens: for those whose clock is finer than a tick.
    var patienceMilliseconds: Int32 { get }

    /// Whether the reactor is done and its thread may end.
    var isFinished: Bool { get }
}

extension ReactorHandler {
    /// Nothing to be done.
    public func endOfEvents() {}

    /// Nothing to be done.
    public func endOfIntake() {}

    /// Until the next tick.
    public var patienceMilliseconds: Int32 { .max }
}

/// One thread's event loop: one poller, one inbox, one coarse clock.
///
/// Thread: made, run and dropped inside one thread. It is not `Sendable`, so the compiler proves that no other thread
/// reaches what it owns; others have its `Inbox`.
public final class Reactor<Message: Sendable> {
    /// Tokens from here on are the reactor's own.
    public static var reservedTokens: UInt64 { PollerToken.first }

    /// Where others leave messages.
    public let inbox: Inbox<Message>

    /// What waits for descriptors.
    public let poller: Poller

    private var clock = CoarseClock()

    /// The longest turn since it was last taken: from the end of one wait to the start of the next.
    private var longestTurnNanoseconds: UInt64 = 0

    /// All turns so far, by their length.
    public private(set) var turns = TurnCounts()

    private var batch: [Message] = []

    /// How many of `batch` were handed over; the rest waits for the next turn.
    private var batchHandled = 0

    /// The shared reactor that has turns on this thread, too, and whether this thread owes it one.
    private var shared: (any SharedTurns)?
    private var owesSharedTurn = false

    /// Makes a reactor around an inbox that others already hold.
    public init(inbox: Inbox<Message>) throws(SystemError) {
        self.inbox = inbox
        poller = try Poller()
        try inbox.wakeup.attach(to: poller, token: PollerToken.wakeup)
    }

    /// Nanoseconds of the monotonic clock when this turn's events came: one clock read per turn.
    public var now: UInt64 { clock.now }

    /// The current tick.
    public var currentTick: Tick { clock.tick }

    /// The first tick that stands at least so many milliseconds from now.
    public func tick(afterMilliseconds milliseconds: UInt64) -> Tick {
        clock.tick(afterMilliseconds: milliseconds)
    }

    /// Takes the longest turn since it was last taken, in nanoseconds.
    public func takeLongestTurn() -> UInt64 {
        defer { longestTurnNanoseconds = 0 }
        return longestTurnNanoseconds
    }

    /// Takes in a shared reactor: from here on this thread gives it turns, too.
    public func host<Other: Sendable>(_ shared: SharedReactor<Other>) throws(SystemError) {
        try shared.join(poller.id)
        self.shared = shared
    }

    /// Takes in a shared reactor while some host of it has work of many turns, and only then: woken as well for what the
    /// hosts could do, this thread would take the processor from them.
    public func standIn<Other: Sendable>(for shared: SharedReactor<Other>) {
        shared.add(standIn: inbox.wakeup)
        self.shared = shared
        standIn = .absent
    }

    /// Turns until the handler is finished.
    public func run<Handler: ReactorHandler>(_ handler: Handler) where Handler.Message == Message {
        var hasWorkLeft = false
        while !handler.isFinished {
            wait(handler, hasWorkLeft: hasWorkLeft)
            handler.endOfEvents()
            drainInbox(to: handler)
            let isTick = moveClock(of: handler)
            exchange(with: handler, isTick: isTick)
            let wasBusy = hasWorkLeft
            hasWorkLeft = handler.endOfTurn()
            settleShared()
            if hasWorkLeft != wasBusy { shared?.note(isBusy: hasWorkLeft) }
            if standIn != .none { standInOrNot(isTick: isTick) }
            noteTurn(nanoseconds: Clock.monotonicNanoseconds - now)
        }
        if hasWorkLeft { shared?.note(isBusy: false) }
        leaveShared()
    }

    private func noteTurn(nanoseconds: UInt64) {
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds)
        turns.add(nanoseconds: nanoseconds)
    }

    /// Hands back what this thread was told of and had not come to: the kernel tells nobody else.
    private func leaveShared() {
        guard let shared else { return }
        shared.leave(poller.id)
        repeat { giveSharedTurn() } while owesSharedTurn
    }

    private func wait<Handler: ReactorHandler>(_ handler: Handler, hasWorkLeft: Bool) where Handler.Message == Message {
        let maySleep = batch.isEmpty && inbox.prepareToSleep() && !hasWorkLeft && !owesSharedTurn
        var isNowKnown = false
        let patience = maySleep ? min(clock.millisecondsToNextTick, handler.patienceMilliseconds) : 0
        poller.wait(milliseconds: patience) { token, readiness in
            if !isNowKnown { clock.read() }
            isNowKnown = true
            if token < Self.reservedTokens {
                handler.ready(token: token, readiness: readiness)
            } else if let shared, let sharedToken = PollerToken.sharedToken(token) {
                shared.note(token: sharedToken, readiness)
                isSharedReady = true
            } else {
                inbox.wakeup.clear()
            }
        }
        if !isNowKnown { clock.read() }
        inbox.noteAwake()
    }

    private func moveClock<Handler: ReactorHandler>(of handler: Handler) -> Bool where Handler.Message == Message {
        guard let tick = clock.advance() else { return false }
        handler.tick(tick)
        return true
    }

    /// Time that messages get in a turn. Ten thousand of them that come at once must not keep those waiting who are to be sent
    /// what the first said.
    private static var intakeNanoseconds: UInt64 { 2_000_000 }

    /// Messages between two looks at the clock: one of them may be a page of history that takes a millisecond to write.
    private static var intakeStride: Int { 4 }

    /// Hands over what waits, up to the end of its slice; what that left comes first in the next turn.
    private func drainInbox<Handler: ReactorHandler>(to handler: Handler) where Handler.Message == Message {
        if batch.isEmpty {
            if inbox.count == 0 { return }
            inbox.take(into: &batch)
        }
        let end = Clock.monotonicNanoseconds + Self.intakeNanoseconds
        while batchHandled < batch.count {
            if batchHandled % Self.intakeStride == 0, Clock.monotonicNanoseconds >= end { return handler.endOfIntake() }
            batchHandled += 1
            handler.receive(batch[batchHandled - 1])
        }
        batchHandled = 0
        batch.removeAll(keepingCapacity: batch.capacity <= 4_096)
        handler.endOfIntake()
    }

    // MARK: The shared reactor

    /// Exchanges between host and shared reactor in one turn, at most: a publish is a question, its answer and nothing
    /// more, so two would do; pipelined requests make it a few.
    private static var exchangesMax: Int { 8 }

    /// Time after which a turn exchanges no more: a client that has an answer at once to all that it asks has its next turn
    /// behind everyone else's.
    private static var exchangeNanoseconds: UInt64 { 2_000_000 }

    /// Whether this turn's events were the shared reactor's, too.
    private var isSharedReady = false

    /// Gives the shared reactor the turns it needs, and takes its answers in the same turn.
    private func exchange<Handler: ReactorHandler>(with handler: Handler, isTick: Bool)
    where Handler.Message == Message {
        guard let shared else { return }
        var isDue = isTick || isSharedReady
        isSharedReady = false
        let end = Clock.monotonicNanoseconds + Self.exchangeNanoseconds
        for _ in 0..<Self.exchangesMax {
            guard isDue || owesSharedTurn || shared.messageCount > 0 else { return }
            isDue = false
            giveSharedTurn()
            drainInbox(to: handler)
            if Clock.monotonicNanoseconds >= end { return }
        }
    }

    /// What the end of a turn asked of the shared reactor must not wait for the next event.
    private func settleShared() {
        if let shared, shared.messageCount > 0 { giveSharedTurn() }
    }

    private enum StandIn {
        case none
        case absent
        case present
    }

    /// Whether this thread stands in for busy hosts, and does so now.
    private var standIn = StandIn.none

    /// Comes when a host is busy, and goes with the first tick at which none is.
    private func standInOrNot(isTick: Bool) {
        guard let shared else { return }
        if standIn == .absent, shared.hasBusyHost {
            // Without a descriptor for it the hosts do it themselves, some milliseconds later.
            guard (try? shared.join(poller.id)) != nil else { return }
            standIn = .present
        } else if standIn == .present, isTick, !shared.hasBusyHost {
            standIn = .absent
            leaveShared()
        }
    }

    private func giveSharedTurn() {
        guard let shared else { return }
        owesSharedTurn = shared.takeTurn(isOwed: owesSharedTurn)
    }
}

@available(*, unavailable)
extension Reactor: Sendable {}
