import Dispatch
import Synchronization

/// Does what is asynchronous where a command cannot go on without it: before there are threads that must not wait.
final class Blocking<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let end = DispatchSemaphore(value: 0)

    /// Returns once `body` has.
    static func run(_ body: @Sendable @escaping () async throws -> Value) throws -> Value {
        let blocking = Blocking()
        Task.detached { await blocking.finish(body) }
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
