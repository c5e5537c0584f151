import Dispatch
import FuzzChecks
import Synchronization

extension FuzzTarget {
    /// Checks some bytes on the fuzzer's thread, which waits for what is known later only.
    func checkNow(_ bytes: [UInt8]) throws {
        switch check {
        case .now(let check): try check(bytes)
        case .later(let check): try Waiting().run(check, bytes)
        }
    }
}

/// What a check that is known later only came to.
private final class Waiting: Sendable {
    private let outcome = Mutex<Result<Void, any Error>>(.success(()))
    private let end = DispatchSemaphore(value: 0)

    func run(_ check: @escaping @Sendable ([UInt8]) async throws -> Void, _ bytes: [UInt8]) throws {
        Task.detached { [self] in
            do { try await check(bytes) } catch { outcome.withLock { $0 = .failure(error) } }
            end.signal()
        }
        end.wait()
        try outcome.withLock { $0 }.get()
    }
}
