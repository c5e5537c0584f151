internal import Synchronization

/// What other threads tell a reactor: values in the order they came, taken in batches, one wake-up per batch.
///
/// Thread: `post` from any; `take` by the owning reactor. No closures cross, so what a message can do is in its type.
public final class Inbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])

    /// Whether the reactor was already told that something is here.
    private let isSignalled = Atomic<Bool>(false)

    /// How many messages wait; written under the lock, so that the count of a batch that was taken never hides the
    /// message that came right after it.
    private let depth = Atomic<Int>(0)

    let wakeup: Wakeup

    /// Makes an empty inbox.
    ///
    /// - Throws: if the system has no descriptor left for the wake-up.
    public init() throws(SystemError) {
        wakeup = try Wakeup()
    }

    /// Messages that wait. Approximate while others write.
    public var count: Int { depth.load(ordering: .relaxed) }

    /// Appends a message and wakes the reactor unless it is already on its way.
    public func post(_ message: Message) {
        messages.withLock {
            $0.append(message)
            depth.store($0.count, ordering: .relaxed)
        }
        signal()
    }

    /// Appends a message unless `depthMax` wait already; says whether it was taken.
    public func post(_ message: Message, depthMax: Int) -> Bool {
        let isTaken = messages.withLock {
            guard $0.count < depthMax else { return false }
            $0.append(message)
            depth.store($0.count, ordering: .relaxed)
            return true
        }
        if isTaken { signal() }
        return isTaken
    }

    /// Takes all that waits, in order, and leaves `empty` (whose memory is reused) in its place.
    func take(into empty: inout [Message]) {
        isSignalled.store(false, ordering: .sequentiallyConsistent)
        messages.withLock {
            swap(&$0, &empty)
            depth.store(0, ordering: .relaxed)
        }
    }

    /// Wakes the reactor once per batch.
    private func signal() {
        if !isSignalled.exchange(true, ordering: .sequentiallyConsistent) { wakeup.signal() }
    }
}
