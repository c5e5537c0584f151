import Broker
import Foundation
import Reactor
import Synchronization

/// Publishes numbered payloads to one channel, on a thread of its own, until it is stopped, and notes what became of
/// each.
final class Publisher: Sendable {
    /// What it was told, in order.
    struct Record {
        var acknowledged: [(position: Position, payload: String)] = []
        /// Refused in words that a publisher understands: 503 and when to try again.
        var refused = 0
        /// Anything else.
        var odd: [String] = []
    }

    private let state = Lock(Record())
    private let isStopped = Atomic<Bool>(false)
    private let isEnded = Atomic<Bool>(false)

    /// Publishes over HTTP, some 40 a second.
    init(to channel: String, on node: PerseidNode) {
        Thread.detachNewThread { [self] in
            var connection: HTTPConnection?
            var number = 0
            while !isStopped.load(ordering: .acquiring) {
                number += 1
                let payload = "\(node.id)-\(number)"
                do {
                    let open = try connection ?? HTTPConnection(port: node.port)
                    connection = open
                    note(try open.request("POST", "/channels/\(channel)", body: payload), payload)
                } catch {
                    connection = nil
                    state.withLock { $0.odd.append("\(payload): \(error)") }
                }
                usleep(25_000)
            }
            isEnded.store(true, ordering: .releasing)
        }
    }

    var record: Record { state.withLock { $0 } }

    /// Ends it; returns once it did its last.
    func stop() async throws {
        isStopped.store(true, ordering: .releasing)
        try await eventually("the publisher ends", isTrue: { isEnded.load(ordering: .acquiring) })
    }

    /// Waits for so many more acknowledgements.
    func acknowledge(more count: Int) async throws {
        let before = record.acknowledged.count
        try await eventually(
            "\(count) more publishes are acknowledged",
            isTrue: {
                record.acknowledged.count >= before + count
            }
        )
    }

    private func note(_ answer: HTTPConnection.Answer, _ payload: String) {
        state.withLock { record in
            if answer.status == 200, let position = (answer.json["position"] as? String).flatMap({ Position($0) }) {
                record.acknowledged.append((position, payload))
            } else if answer.status == 503, answer.fields["retry-after"] != nil {
                record.refused += 1
            } else {
                record.odd.append("\(payload): \(answer.status) \(answer.body)")
            }
        }
    }
}

/// Publishes as a backend would, straight into Redis, to several channels in turn, until it is stopped: some 200 a second
/// through one redis-cli, which connects again by itself.
final class DirectPublisher: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let isEnded = Atomic<Bool>(false)
    private let process: ChildProcess

    init(to channels: [String], on redis: RedisServer, in scratch: Scratch) throws {
        process = try ChildProcess(["redis-cli", "-p", "\(redis.port)"], in: scratch)
        Thread.detachNewThread { [self] in
            var number = 0
            while !isStopped.load(ordering: .acquiring) {
                let key = RedisServer.key(channels[number % channels.count])
                try? process.tell("FCALL perseid_publish 1 \(key) direct-\(number) HISTORY 100000")
                number += 1
                usleep(5_000)
            }
            process.endInput()
            isEnded.store(true, ordering: .releasing)
        }
    }

    /// Ends it; returns once Redis has its last.
    func stop() async throws {
        isStopped.store(true, ordering: .releasing)
        try await eventually("the publisher ends", isTrue: { isEnded.load(ordering: .acquiring) })
        // It does all that it was told, one after the other.
        try await process.end(within: .seconds(300))
    }
}
