import Logging
import Reactor
import Synchronization

/// What a node logs, at every level, as text.
final class RecordedLog: Sendable {
    private let recorded = Lock<[String]>([])

    var lines: [String] { recorded.withLock { $0 } }

    var handler: any LogHandler { Handler(log: self) }

    private func record(_ line: String) { recorded.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).map { "\($0.key): \($0.value)" }.sorted().joined(separator: ", ")
            log.record("\(event.level) \(event.message) \(facts)")
        }
    }
}
