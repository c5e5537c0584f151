internal import Reactor
internal import Synchronization

/// A value that one task waits for and another thread brings.
final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case kept(Result<Value, any Error>)
        case done
    }

    private let state = Lock(State.open)

    init() {}

    /// Keeps it. The first value counts.
    func resolve(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .open:
                state = .kept(result)
                return nil
            case .awaited(let waiter):
                state = .done
                return waiter
            case .kept, .done: return nil
            }
        }
        waiter?.resume(with: result)
    }

    /// The value, once it is there; `CancellationError` as soon as the task is cancelled.
    var value: Value {
        get async throws {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let kept = state.withLock { state -> Result<Value, any Error>? in
                        guard case .kept(let result) = state else {
                            state = .awaited(continuation)
                            return nil
                        }
                        state = .done
                        return result
                    }
                    if let kept { continuation.resume(with: kept) }
                }
            } onCancel: {
                resolve(.failure(CancellationError()))
            }
        }
    }
}
