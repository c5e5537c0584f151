internal import Reactor
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// How the start of one thread went, for the thread that waits for it.
final class Start: Sendable {
    private enum Outcome {
        case pending
        case done(SystemError?)
    }

    private let outcome = Lock<Outcome>(.pending)

    func finish(_ error: SystemError?) {
        outcome.withLock { $0 = .done(error) }
    }

    /// Waits until the thread started or failed to: milliseconds, once in a node's life.
    func wait() -> SystemError? {
        while true {
            let current = outcome.withLock { $0 }
            if case .done(let error) = current { return error }
            usleep(200)
        }
    }
}

/// How many threads of one kind still run.
final class Endings: Sendable {
    private let left = Atomic<Int>(0)

    func begin() { left.add(1, ordering: .acquiringAndReleasing) }

    func end() { left.subtract(1, ordering: .acquiringAndReleasing) }

    /// Waits until none runs.
    func wait() {
        while left.load(ordering: .acquiring) > 0 { usleep(1_000) }
    }
}
