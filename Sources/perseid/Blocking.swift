import Dispatch
import Synchronization

/// Does what is asynchronous where a command cannot go on without it: before there are threads that must not wait.
final class Blocking<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let end = DispatchSemaphore(value: 0)

    /// Returns once `body` has. Its thread may be any: `body` does not need the one that waits for it.
    static func run(_ body: @Sendable @escaping () async throws -> Value) throws -> Value {
        let blocking = Blocking()
        Task.detached(executorPreference: OwnQueue()) { await blocking.finish(body) }
        blocking.end.wait()
        // bounded: it is set before the end is signalled
        guard let outcome = blocking.outcome.withLock({ $0 }) else { preconditionFailure("the end has an outcome") }
        return try outcome.get()
    }

    private init() {}

    private func finish(_ body: @Sendable () async throws -> Value) async {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        outcome.withLock { $0 = result }
        end.signal()
    }
}

/// Runs one task on a queue of its own. The threads that all tasks share are as many as the machine has processors; were they all to wait
/// here, none would be left for what they wait for.
private final class OwnQueue: TaskExecutor {
    private let queue = DispatchQueue(label: "perseid.blocking")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
