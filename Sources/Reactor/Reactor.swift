/// What a reactor does with what its poller, its inbox and its clock bring.
///
/// Every call is made on the reactor's thread.
public protocol ReactorHandler: AnyObject {
    /// What other threads may tell this reactor.
    associatedtype Message: Sendable

    /// A watched descriptor is ready. The token may be stale: its owner may be gone since the kernel made the event.
    func ready(token: UInt64, readiness: Readiness)

    /// Another thread's message. Never called while `isIntakePaused`.
    func receive(_ message: Message)

    /// The coarse clock moved on by one or more ticks.
    func tick(_ tick: UInt32)

    /// All events and messages of this turn are handled: the moment to write. Says whether work is left that must not
    /// wait for the next event.
    func endOfTurn() -> Bool

    /// Whether messages must wait, because what the earlier ones asked for is not yet done.
    var isIntakePaused: Bool { get }

    /// Whether the reactor is done and its thread may end.
    var isFinished: Bool { get }
}

/// One thread's event loop: one poller, one inbox, one coarse clock.
///
/// Thread: made, run and dropped inside one thread. It is not `Sendable`, so the compiler proves that no other thread
/// reaches what it owns; others have its `Inbox`.
public final class Reactor<Message: Sendable> {
    /// Tokens from here on are the reactor's own.
    public static var reservedTokens: UInt64 { .max - 15 }

    /// Length of one tick of the coarse clock.
    public static var tickMilliseconds: UInt64 { 250 }

    /// Where others leave messages.
    public let inbox: Inbox<Message>

    /// What waits for descriptors.
    public let poller: Poller

    /// Nanoseconds of the monotonic clock when this turn's events came: one clock read per turn.
    public private(set) var now: UInt64

    /// Time from the end of one wait to the start of the next, of the longest turn since it was last taken.
    public private(set) var longestTurnNanoseconds: UInt64 = 0

    private let start: UInt64
    private var tick: UInt32 = 0
    private var batch: [Message] = []

    /// How many of `batch` were handed over; the rest waits for the end of a pause.
    private var batchHandled = 0

    /// Makes a reactor around an inbox that others already hold.
    public init(inbox: Inbox<Message>) throws(SystemError) {
        self.inbox = inbox
        poller = try Poller()
        now = Clock.monotonicNanoseconds
        start = now
        try inbox.wakeup.attach(to: poller, token: .max)
    }

    /// The first tick that stands at least so many milliseconds from now.
    public func tick(afterMilliseconds milliseconds: UInt64) -> UInt32 {
        let end = (now - start) / 1_000_000 + milliseconds
        return UInt32(truncatingIfNeeded: (end + Self.tickMilliseconds) / Self.tickMilliseconds)
    }

    /// The current tick.
    public var currentTick: UInt32 { tick }

    /// Takes the longest turn since it was last taken, in nanoseconds.
    public func takeLongestTurn() -> UInt64 {
        defer { longestTurnNanoseconds = 0 }
        return longestTurnNanoseconds
    }

    /// Turns until the handler is finished.
    public func run<Handler: ReactorHandler>(_ handler: Handler) where Handler.Message == Message {
        var hasWorkLeft = false
        while !handler.isFinished {
            wait(handler, hasWorkLeft: hasWorkLeft)
            drainInbox(to: handler)
            moveClock(of: handler)
            if let guest { hostTurn(of: guest, for: handler) }
            hasWorkLeft = handler.endOfTurn()
            longestTurnNanoseconds = max(longestTurnNanoseconds, Clock.monotonicNanoseconds - now)
        }
    }

    private func wait<Handler: ReactorHandler>(_ handler: Handler, hasWorkLeft: Bool) where Handler.Message == Message {
        // During a pause nothing is taken, so nothing that is posted needs to end the sleep.
        let isTaken = handler.isIntakePaused || (batch.isEmpty && inbox.prepareToSleep())
        let maySleep = !hasWorkLeft && isTaken && (guest?.mayHostSleep() ?? true)
        var isNowKnown = false
        poller.wait(milliseconds: maySleep ? millisecondsToNextTick() : 0) { token, readiness in
            if !isNowKnown { now = Clock.monotonicNanoseconds }
            isNowKnown = true
            switch token {
            case .max: inbox.wakeup.clear()
            case .max - 1: guest?.clearWakeup()
            default: handler.ready(token: token, readiness: readiness)
            }
        }
        if !isNowKnown { now = Clock.monotonicNanoseconds }
        inbox.noteAwake()
        guest?.noteHostAwake()
    }

    private func moveClock<Handler: ReactorHandler>(of handler: Handler) where Handler.Message == Message {
        let due = UInt32(truncatingIfNeeded: (now - start) / (Self.tickMilliseconds * 1_000_000))
        guard due != tick else { return }
        tick = due
        handler.tick(due)
    }

    // MARK: A guest

    /// Another reactor on this thread, without descriptors of its own, that has a turn in each turn of this one. What the
    /// two post to each other costs no wake-up and no switch of threads.
    private var guest: ReactorGuest?

    /// Takes in a guest; it must have been made on this thread.
    public func host<Handler: ReactorHandler>(
        _ guest: Reactor<Handler.Message>,
        _ handler: Handler
    ) throws(SystemError) {
        try guest.inbox.wakeup.attach(to: poller, token: .max - 1)
        self.guest = ReactorGuest(
            turn: { guest.turnAsGuest(handler) },
            mayHostSleep: { guest.inbox.prepareToSleep() },
            noteHostAwake: { guest.inbox.noteAwake() },
            clearWakeup: { guest.inbox.wakeup.clear() }
        )
    }

    /// Exchanges between host and guest in one turn, at most: a publish is a question, its answer and nothing more, so
    /// two would do; pipelined requests make it a few.
    private static var exchangesMax: Int { 8 }

    private func hostTurn<Handler: ReactorHandler>(of guest: ReactorGuest, for handler: Handler)
    where Handler.Message == Message {
        for _ in 0..<Self.exchangesMax {
            guest.turn()
            if inbox.count == 0 || handler.isIntakePaused || !batch.isEmpty { return }
            drainInbox(to: handler)
        }
    }

    private func turnAsGuest<Handler: ReactorHandler>(_ handler: Handler) where Handler.Message == Message {
        now = Clock.monotonicNanoseconds
        drainInbox(to: handler)
        moveClock(of: handler)
        _ = handler.endOfTurn()
    }

    /// Hands over what waits, up to a pause; what the pause left comes first in the next turn.
    private func drainInbox<Handler: ReactorHandler>(to handler: Handler) where Handler.Message == Message {
        if batch.isEmpty {
            if handler.isIntakePaused || inbox.count == 0 { return }
            inbox.take(into: &batch)
        }
        while batchHandled < batch.count {
            if handler.isIntakePaused { return }
            batchHandled += 1
            handler.receive(batch[batchHandled - 1])
        }
        batchHandled = 0
        batch.removeAll(keepingCapacity: batch.capacity <= 4_096)
    }

    private func millisecondsToNextTick() -> Int32 {
        let elapsed = (Clock.monotonicNanoseconds - start) / 1_000_000
        let next = (elapsed / Self.tickMilliseconds + 1) * Self.tickMilliseconds
        return Int32(next - elapsed)
    }
}

@available(*, unavailable)
extension Reactor: Sendable {}

/// What a host needs of its guest, whatever the guest's messages are.
private struct ReactorGuest {
    let turn: () -> Void
    let mayHostSleep: () -> Bool
    let noteHostAwake: () -> Void
    let clearWakeup: () -> Void
}
