internal import Synchronization

/// A reactor without a thread of its own: whichever of its hosts is awake gives it its turns, one at a time.
///
/// What a host posts is handled in the host's own turn, and what comes for it in the turn of a host that the kernel found
/// asleep; so between a host and its shared reactor there is neither a wake-up nor a switch of threads, and no busy host
/// is ever waited for. Whoever posts must be a host, or call `takeTurns` afterwards.
///
/// Thread: any. The handler is made inside and never leaves; a lock gives it to one thread at a time, and `requests` sees
/// to it that nobody waits for that lock: who asks while a turn is given leaves the asking to the one who gives it.
public final class SharedReactor<Handler: ReactorHandler>: Sendable {
    /// Where others leave messages.
    public let inbox: Inbox<Handler.Message>

    private let inside: Mutex<Inside>

    /// Turns that were asked for and not given yet. Whoever raises it from zero gives turns until it is zero again.
    private let requests = Atomic<Int>(0)

    /// Readiness that hosts were told of, four bits for each token.
    private let readiness = Atomic<UInt64>(0)

    private let finished = Atomic<Bool>(false)

    private struct Inside {
        let seat: ReactorSeat
        let handler: Handler
        var batch: [Handler.Message] = []
    }

    /// Makes a shared reactor and its handler.
    ///
    /// - Throws: if the system has no descriptor left.
    public init(_ makeHandler: @Sendable (ReactorSeat) -> Handler) throws(SystemError) {
        inbox = try Inbox()
        // Nobody sleeps on this inbox: whoever posts sees to a turn.
        inbox.noteAwake()
        let seat = ReactorSeat()
        inside = Mutex(Inside(seat: seat, handler: makeHandler(seat)))
    }

    /// Whether the handler is done; it gets no more turns.
    public var isFinished: Bool { finished.load(ordering: .acquiring) }

    /// Gives turns until nothing is left to do: for a thread that is not a host.
    public func takeTurns() {
        var isOwed = false
        repeat { isOwed = takeTurn(isOwed: isOwed) } while isOwed
    }

    private func turn(_ inside: inout Inside) {
        guard !inside.handler.isFinished else { return }
        let seat = inside.seat
        seat.clock.read()
        let bits = readiness.exchange(0, ordering: .acquiringAndReleasing) | seat.takeResumed()
        if bits != 0 {
            for token in 0..<ReactorSeat.tokenCount {
                let ready = PollerToken.readiness(of: token, in: bits)
                if !ready.isEmpty { inside.handler.ready(token: token, readiness: ready) }
            }
        }
        if inbox.count > 0 {
            inbox.take(into: &inside.batch)
            for message in inside.batch { inside.handler.receive(message) }
            inside.batch.removeAll(keepingCapacity: inside.batch.capacity <= 4_096)
        }
        if let tick = seat.clock.advance() { inside.handler.tick(tick) }
        _ = inside.handler.endOfTurn()
        if inside.handler.isFinished { finished.store(true, ordering: .releasing) }
    }
}

extension SharedReactor: SharedTurns {
    var messageCount: Int { inbox.count }

    func note(token: UInt64, _ ready: Readiness) {
        readiness.bitwiseOr(PollerToken.bits(of: token, ready), ordering: .acquiringAndReleasing)
    }

    /// A request is seen by whoever holds the turn, for both change the same number; so none is ever lost.
    func takeTurn(isOwed: Bool) -> Bool {
        if !isOwed, requests.add(1, ordering: .acquiringAndReleasing).oldValue > 0 { return false }
        let seen = requests.load(ordering: .acquiring)
        let isResumed = inside.withLock {
            turn(&$0)
            return $0.seat.resumed != 0
        }
        if isResumed { return true }
        return requests.subtract(seen, ordering: .acquiringAndReleasing).newValue > 0
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

    func join(_ host: PollerDescriptor) throws(SystemError)

    func leave(_ host: PollerDescriptor)
}
