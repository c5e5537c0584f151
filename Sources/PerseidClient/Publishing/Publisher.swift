internal import Reactor
internal import Wire

/// Publishes by HTTP, in the order of the calls, whatever the connection does. What is published while a request is under way goes into
/// the next one.
///
/// Each publication has a name of its own, by which the cluster knows it again: so one whose answer is lost is sent once more, and is there
/// once. It does no input or output and reads no clock. Thread: that of its client.
struct Publisher {
    /// Publications and bytes of one request, at most.
    private static let batchCountMax = 1_000
    private static let batchBytesMax = 1_048_576

    /// Milliseconds between two attempts, where the node does not say.
    private static let repeatMilliseconds: UInt64 = 500

    private struct Entry {
        let line: [UInt8]
        let promise: Promise<PublicationAnswer>
        /// When it is given up.
        let end: UInt64
    }

    private let waitingMax: Int
    private var waiting: [Entry] = []
    private var batch: [Entry] = []
    private var repeatAt: UInt64?

    /// Requests in a row that left something to be tried again: another node may do better than the one that was asked.
    private(set) var failureCount = 0

    init(waitingMax: Int) { self.waitingMax = waitingMax }

    /// When the next attempt is.
    var deadline: UInt64? { batch.isEmpty && !waiting.isEmpty ? repeatAt : nil }

    /// Takes a publication in.
    mutating func add(_ line: [UInt8], _ promise: Promise<PublicationAnswer>, end: UInt64) {
        guard waiting.count + batch.count < waitingMax else {
            return promise.resolve(
                .failure(PerseidError(code: 429, message: "too many publications wait", isFinal: false))
            )
        }
        waiting.append(Entry(line: line, promise: promise, end: end))
    }

    /// The lines of the next request, if it is time for one.
    mutating func takeBatch(now: UInt64) -> [UInt8]? {
        guard batch.isEmpty, !waiting.isEmpty, (repeatAt ?? 0) <= now else { return nil }
        repeatAt = nil
        var body: [UInt8] = []
        var count = 0
        for entry in waiting.prefix(Self.batchCountMax) {
            if count > 0, body.count + entry.line.count > Self.batchBytesMax { break }
            body += entry.line
            body.append(UInt8(ascii: "\n"))
            count += 1
        }
        batch = Array(waiting.prefix(count))
        waiting.removeSubrange(..<count)
        return body
    }

    /// Takes the answers to the last request: a line for each publication, as many as came, and why there are not more of them. What may
    /// yet be published is tried again, in its place.
    mutating func take(answers: [UInt8], error: PerseidError?, now: UInt64) {
        var lines = answers.split(separator: UInt8(ascii: "\n"))[...]
        var left: [Entry] = []
        var retry: UInt64?
        for entry in batch {
            let answer = lines.popFirst().map { PublicationAnswer(Array($0)) }
            guard let fault = answer?.error ?? (answer == nil ? error ?? Self.unanswered : nil) else {
                entry.promise.resolve(.success(answer ?? PublicationAnswer([])))
                continue
            }
            if !fault.isFinal, now < entry.end {
                left.append(entry)
                retry = max(retry ?? 0, fault.retryMilliseconds ?? Self.repeatMilliseconds)
            } else if let answer {
                entry.promise.resolve(.success(answer))
            } else {
                entry.promise.resolve(.failure(fault))
            }
        }
        batch = []
        failureCount = left.isEmpty ? 0 : failureCount &+ 1
        waiting = left + waiting
        repeatAt = retry.map { now &+ min($0, 60_000) }
    }

    private static let unanswered = PerseidError(message: "the node did not answer")

    /// Ends all.
    mutating func end(_ error: PerseidError) {
        for entry in batch + waiting { entry.promise.resolve(.failure(error)) }
        (batch, waiting) = ([], [])
    }
}

/// A publication that is on its way.
package struct SentPublication: Sendable {
    let promise: Promise<PublicationAnswer>

    /// What the node says of it, once it does. It can be asked for once.
    ///
    /// - Throws: if no node says anything.
    package var answer: PublicationAnswer {
        get async throws { try await promise.value }
    }
}

/// What a node says of one publication.
package struct PublicationAnswer: Sendable {
    /// In its words, without the end of the line.
    package let line: [UInt8]

    /// Where it stands.
    package let position: Position?

    /// Why it is not published.
    package let error: PerseidError?

    init(_ line: [UInt8]) {
        self.line = line
        let (told, position) = line.withUnsafeBytes { bytes in
            (ToldError(bytes), JSONFields(bytes, ["position"])?[0]?.jsonString.flatMap { Position($0) })
        }
        self.position = position
        guard position == nil else {
            error = nil
            return
        }
        error = PerseidError(
            code: told?.code ?? 0,
            message: told?.message ?? "the node's answer says nothing",
            field: told?.field,
            channel: told?.channel,
            retryMilliseconds: told?.retryMilliseconds
        )
    }
}
