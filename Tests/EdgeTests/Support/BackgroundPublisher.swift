import Foundation
import Reactor
import Synchronization

/// Publishes rising numbers from a thread of its own until it is stopped.
final class BackgroundPublisher: Sendable {
    private enum State {
        case running
        case stopping
        case ended(Result<Int, TestFailure>)
    }

    private let state = Lock(State.running)

    init(port: UInt16, channel: String, payload: @escaping @Sendable (Int) -> [UInt8]) {
        Thread.detachNewThread { [self] in
            let outcome: Result<Int, TestFailure>
            do {
                outcome = .success(try publish(port, channel, payload))
            } catch {
                outcome = .failure(TestFailure("the publisher failed: \(error)"))
            }
            state.withLock { $0 = .ended(outcome) }
        }
    }

    private func publish(_ port: UInt16, _ channel: String, _ payload: (Int) -> [UInt8]) throws -> Int {
        let client = try TestClient(port: port)
        var count = 0
        while state.withLock({ if case .running = $0 { true } else { false } }) {
            var bytes: [UInt8] = []
            for number in count..<count + 4 {
                bytes += TestClient.request("POST", "/channels/\(channel)", body: payload(number), port: port)
            }
            try client.send(bytes)
            for _ in 0..<4 {
                let answer = try client.readAnswer()
                guard answer.status == 200 else { throw TestFailure("publish: \(answer.status)") }
            }
            count += 4
        }
        return count
    }

    /// Stops it and returns how many it published.
    func stop() throws -> Int {
        state.withLock { if case .running = $0 { $0 = .stopping } }
        var count: Int?
        try eventually("the publisher ends") {
            let current = state.withLock { $0 }
            guard case .ended(let outcome) = current else { return false }
            count = try outcome.get()
            return true
        }
        return count ?? 0
    }
}
