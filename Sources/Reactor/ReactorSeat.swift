/// What the handler of a shared reactor has of it: its clock and its descriptors.
///
/// Thread: whichever has the turn; a lock hands it from one to the next. It is not `Sendable`, so the compiler proves that
/// nobody reaches it otherwise.
public final class ReactorSeat {
    private var clock = CoarseClock()

    /// The pollers of the hosts, in the order in which the kernel looks for one that sleeps.
    private var pollers: [PollerDescriptor] = []
    private var watched: [(descriptor: Int32, token: UInt64)] = []

    /// Readiness that its owner did not use up.
    private(set) var resumed = ReadySet()

    /// Makes a seat that nobody hosts yet.
    public init() {}

    /// Nanoseconds of the monotonic clock when this turn began.
    public var now: UInt64 { clock.now }

    /// The same at this moment, for what may take long. A simulation's time stands still within a turn.
    public var thisMoment: UInt64 { isSimulated ? clock.now : Clock.monotonicNanoseconds }

    private var isSimulated = false

    /// The current tick.
    public var currentTick: Tick { clock.tick }

    /// The first tick that stands at least so many milliseconds from now.
    public func tick(afterMilliseconds milliseconds: UInt64) -> Tick {
        clock.tick(afterMilliseconds: milliseconds)
    }

    @usableFromInline
    func readClock() { clock.read() }

    /// What `readClock` does, with a time that a simulation brings.
    func setClock(_ nanoseconds: UInt64) {
        isSimulated = true
        clock.read(nanoseconds)
    }

    @usableFromInline
    func advanceClock() -> Tick? { clock.advance() }

    // MARK: Descriptors

    /// Has a socket watched for reading and writing by all hosts. Each readiness is told once, when it begins, so its
    /// owner reads until nothing is left or calls `resume`. Closing the socket ends it, after `forget`.
    public func watch(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        // bounded: tokens are constants of the links
        precondition(token < ReadySet.tokenCount, "a shared reactor has few descriptors")
        watched.append((descriptor, token))
        for poller in pollers { try poller.share(descriptor, token: PollerToken.shared(token)) }
    }

    /// Drops a socket that is about to be closed.
    public func forget(_ descriptor: Int32) {
        watched.removeAll { $0.descriptor == descriptor }
    }

    /// Has a readiness told once more in the next turn: for an owner that stopped before it was used up.
    public func resume(token: UInt64, _ readiness: Readiness) {
        resumed.insert(token, readiness)
    }

    func takeResumed() -> ReadySet {
        defer { resumed = ReadySet() }
        return resumed
    }

    // MARK: Hosts

    func add(host: PollerDescriptor) throws(SystemError) {
        pollers.append(host)
        for (descriptor, token) in watched { try host.share(descriptor, token: PollerToken.shared(token)) }
    }

    func remove(host: PollerDescriptor) {
        pollers.removeAll { $0 == host }
        for (descriptor, token) in watched {
            host.unshare(descriptor)
            // It may have been told, and go without having looked.
            resume(token: token, [.read, .write])
        }
    }
}

@available(*, unavailable)
extension ReactorSeat: Sendable {}
