internal import Synchronization

/// A reactor without a thread of its own: whichever of its hosts is awake gives it its turns, one at a time.
///
/// What a host posts is handled in the host's own turn, and what comes for it in the turn of a host that the kernel found
/// asleep; so between a host and its shared reactor there is neither a wake-up nor a switch of threads. While a host is in
/// the middle of much work a stand-in, a thread with nothing else to do, is woken in its place. Whoever posts must be a
/// host, or call `takeTurns` afterwards.
///
/// Thread: any. The handler is made inside and never leaves; a lock gives it to one thread at a time, and `requests` sees
/// to it that nobody waits for that lock: who asks while a turn is given leaves the asking to the one who gives it.
public final class SharedReactor<Message: Sendable>: Sendable {
    /// Where others leave messages.
    public let inbox: Inbox<Message>

    private let inside: Lock<Inside>

    /// Turns that were asked for and not given yet. Whoever raises it from zero gives turns until it is zero again.
    private let requests = Atomic<Int>(0)

    /// Readiness that hosts were told of.
    private let readiness = Lock(ReadySet())

    private let finished = Atomic<Bool>(false)

    /// Hosts in the middle of work of many turns, and the threads that stand in for them meanwhile.
    private let busyHosts = Atomic<Int>(0)
    private let standIns = Lock<[Wakeup]>([])

    /// What only the thread that has the turn may touch.
    @usableFromInline
    struct Inside {
        let seat: ReactorSeat
        /// One turn of the handler, with this readiness; says whether it is finished.
        let turn: (_ ready: ReadySet) -> Bool

        @usableFromInline
        init(seat: ReactorSeat, turn: @escaping (ReadySet) -> Bool) {
            self.seat = seat
            self.turn = turn
        }
    }

    /// Makes a shared reactor and its handler.
    ///
    /// - Throws: if the system has no descriptor left.
    @inlinable
    public convenience init<Handler: ReactorHandler & SendableMetatype>(
        _ makeHandler: @Sendable (ReactorSeat) -> Handler
    ) throws(SystemError) where Handler.Message == Message {
        let inbox = try Inbox<Message>()
        let seat = ReactorSeat()
        let handler = makeHandler(seat)
        var batch: [Message] = []
        // Made here, where the handler's type is known, so that a turn is code for that type.
        let inside = Inside(seat: seat) { ready in
            if handler.isFinished { return true }
            seat.readClock()
            if !ready.isEmpty { ready.forEach { handler.ready(token: $0, readiness: $1) } }
            if inbox.count > 0 {
                inbox.take(into: &batch)
                for message in batch { handler.receive(message) }
                batch.removeAll(keepingCapacity: batch.capacity <= 4_096)
            }
            if let tick = seat.advanceClock() { handler.tick(tick) }
            _ = handler.endOfTurn()
            return handler.isFinished
        }
        self.init(inbox: inbox, inside: inside)
    }

    @usableFromInline
    init(inbox: Inbox<Message>, inside: sending Inside) {
        self.inbox = inbox
        // Nobody sleeps on this inbox: whoever posts sees to a turn.
        inbox.noteAwake()
        self.inside = Lock(inside)
    }

    /// Whether the handler is done; it gets no more turns.
    public var isFinished: Bool { finished.load(ordering: .acquiring) }

    /// Gives turns until nothing is left to do: for a thread that is not a host.
    public func takeTurns() {
        var isOwed = false
        repeat { isOwed = takeTurn(isOwed: isOwed) } while isOwed
    }
}

extension SharedReactor: SharedTurns {
    var messageCount: Int { inbox.count }

    func note(token: UInt64, _ ready: Readiness) {
        readiness.withLock { $0.insert(token, ready) }
    }

    /// A request is seen by whoever holds the turn, for both change the same number; so none is ever lost.
    func takeTurn(isOwed: Bool) -> Bool {
        if !isOwed, requests.add(1, ordering: .acquiringAndReleasing).oldValue > 0 { return false }
        let seen = requests.load(ordering: .acquiring)
        let isResumed = inside.withLock { inside in
            var ready = inside.seat.takeResumed()
            readiness.withLock {
                ready.formUnion($0)
                $0 = ReadySet()
            }
            if inside.turn(ready) { finished.store(true, ordering: .releasing) }
            return !inside.seat.resumed.isEmpty
        }
        if isResumed { return true }
        return requests.subtract(seen, ordering: .acquiringAndReleasing).newValue > 0
    }

    var hasBusyHost: Bool { busyHosts.load(ordering: .relaxed) > 0 }

    func note(isBusy: Bool) {
        let (before, _) = isBusy ? busyHosts.add(1, ordering: .relaxed) : busyHosts.subtract(1, ordering: .relaxed)
        guard isBusy, before == 0 else { return }
        for standIn in standIns.withLock({ $0 }) { standIn.signal() }
    }

    func add(standIn: Wakeup) {
        standIns.withLock { $0.append(standIn) }
    }

    func join(_ host: PollerDescriptor) throws(SystemError) {
        let failure: SystemError? = inside.withLock { inside in
            do throws(SystemError) {
                try inside.seat.add(host: host)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    func leave(_ host: PollerDescriptor) {
        inside.withLock { $0.seat.remove(host: host) }
    }
}

/// What a host needs of the reactor it hosts, whatever that one's messages are.
protocol SharedTurns: AnyObject, Sendable {
    /// Messages that wait for a turn.
    var messageCount: Int { get }

    /// A host's poller says that a shared descriptor is ready; a turn must follow.
    func note(token: UInt64, _ readiness: Readiness)

    /// Asks for a turn and gives it, unless another thread is about to. Returns whether this thread owes one more: it
    /// then has to call again, with `isOwed`, before it sleeps.
    func takeTurn(isOwed: Bool) -> Bool

    /// Whether some host has work of many turns.
    var hasBusyHost: Bool { get }

    /// A host begins or ends such work.
    func note(isBusy: Bool)

    /// Has a thread woken when a host begins such work.
    func add(standIn: Wakeup)

    func join(_ host: PollerDescriptor) throws(SystemError)

    func leave(_ host: PollerDescriptor)
}
