internal import Synchronization

/// What other threads tell a reactor: values in the order they came, taken in batches, one wake-up per batch.
///
/// Thread: `post` from any; `take` by the owning reactor. No closures cross, so what a message can do is in its type.
public final class Inbox<Message: Sendable>: Sendable {
    private let messages = Lock<[Message]>([])

    /// Whether the reactor is awake, or was already woken: either way it will look here before it sleeps.
    private let isSignalled = Atomic<Bool>(false)

    /// How many messages wait. Written under the lock only, so that no older number stays over a newer one.
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
    @usableFromInline
    func take(into empty: inout [Message]) {
        messages.withLock {
            swap(&$0, &empty)
            depth.store($0.count, ordering: .relaxed)
        }
    }

    /// Says that the reactor is about to sleep: from here on a message wakes it. Returns false if one came before.
    ///
    /// The flag is lowered first and the messages are looked at second; a writer does it the other way round. So either
    /// the reactor sees the message or the writer sees the lowered flag.
    func prepareToSleep() -> Bool {
        isSignalled.store(false, ordering: .sequentiallyConsistent)
        return messages.withLock { $0.isEmpty }
    }

    /// Says that the reactor is awake and will look here before it sleeps again: nobody needs to wake it.
    func noteAwake() {
        isSignalled.store(true, ordering: .sequentiallyConsistent)
    }

    /// Wakes the reactor once per batch.
    private func signal() {
        if !isSignalled.exchange(true, ordering: .sequentiallyConsistent) { wakeup.signal() }
    }
}
