import Foundation
import Wire

/// Reads event streams, one after the other, and prints what is published. It knows where the next has to begin.
struct StreamReader: ~Copyable {
    /// Why reading ends for good.
    struct Finished: Error {
        let reason: String
        let isFailure: Bool
    }

    private let showsCursor: Bool
    private let printsPayloads: Bool
    private let countMax: Int?
    private let eventBytesMax: Int
    private var count = 0
    private var answer = AnswerReader()
    private var refusedBody: [UInt8] = []
    private var decoder: EventStreamDecoder
    private var wasConnected = false
    private var isResuming = false
    private var silenceMilliseconds = StreamReader.silenceMillisecondsMin

    /// Where the last message stands.
    private(set) var cursor: String

    /// How long the node asked to wait before the next stream.
    private(set) var retryMilliseconds: UInt64?

    /// Of a refusal no more is kept than this.
    private static let refusedBytesMax = 65_536

    /// A node sends something every 25 s, unless it is told otherwise; one that is silent three times as long is gone.
    private static let silenceMillisecondsMin: UInt64 = 75_000

    init(showsCursor: Bool, printsPayloads: Bool, countMax: Int?, eventBytesMax: Int, cursor: String) {
        self.showsCursor = showsCursor
        self.printsPayloads = printsPayloads
        self.countMax = countMax
        self.eventBytesMax = eventBytesMax
        self.cursor = cursor
        decoder = EventStreamDecoder(eventBytesMax: eventBytesMax)
    }

    /// Whether as many messages came as were wanted.
    var isDone: Bool { countMax.map { count >= $0 } ?? false }

    /// Whether the answer is a stream.
    var isConnected: Bool { answer.head?.isEventStream ?? false }

    /// Milliseconds of silence after which the node is taken for gone.
    var patience: UInt64 { isConnected ? silenceMilliseconds : NodeAddress.patienceMilliseconds }

    /// Makes ready for the answer to a new request.
    mutating func begin() {
        answer = AnswerReader()
        refusedBody = []
        decoder.reset()
        isResuming = wasConnected
        retryMilliseconds = nil
    }

    /// Takes bytes of the answer; says whether more are wanted.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        var events = ByteBuffer()
        var refused: [UInt8] = []
        try answer.take(bytes) { head, body in
            if head.isEventStream { events.append(body) } else { refused += body }
        }
        refusedBody += refused.prefix(Self.refusedBytesMax - refusedBody.count)
        if isConnected, !wasConnected || isResuming { noteConnected() }
        if !events.isEmpty { try takeEvents(events.bytes) }
        return !isDone && !answer.isComplete
    }

    /// What the answer was, if not a stream.
    func refusal() throws(Finished) -> Refusal? {
        guard let head = answer.head, !head.isEventStream else { return nil }
        if head.status == 204 { throw Finished(reason: "the node says that this stream is over", isFailure: false) }
        let refusal = Refusal(head, body: refusedBody)
        if head.status == 200 { throw Finished(reason: "what answers is no event stream", isFailure: true) }
        guard refusal.isTemporary else { throw Finished(reason: "refused: \(refusal.text)", isFailure: true) }
        return refusal
    }

    private mutating func noteConnected() {
        StandardError.say(isResuming ? "connected again" : "connected")
        wasConnected = true
        isResuming = false
    }

    private mutating func takeEvents(_ bytes: UnsafeRawBufferPointer) throws(Finished) {
        var consumed = 0
        while !isDone {
            switch decoder.next(in: bytes, consumed: &consumed) {
            case .needMore: return noteCursor()
            case .tooBig:
                throw Finished(
                    reason: "an event of more than \(eventBytesMax) bytes: raise --event-bytes-max",
                    isFailure: true
                )
            case .retry(let milliseconds): retryMilliseconds = milliseconds
            case .event(let name, let data):
                noteCursor()
                try take(String(decoding: name, as: UTF8.self), data)
            }
        }
    }

    /// The first cursor, which was given, holds until the stream names another.
    private mutating func noteCursor() {
        let id = decoder.lastEventID
        if !id.isEmpty { cursor = String(decoding: id, as: UTF8.self) }
    }

    private mutating func take(_ name: String, _ data: UnsafeRawBufferPointer) throws(Finished) {
        if name.isEmpty || name == "message" {
            count += 1
            return print(printsPayloads ? Self.payload(of: data) : Array(data))
        }
        let told = ControlMessage(data)
        switch name {
        case "welcome":
            let heartbeat = told.heartbeat.map { min($0, 86_400) * 3_000 } ?? 0
            silenceMilliseconds = max(Self.silenceMillisecondsMin, heartbeat)
        case "subscribed":
            if let recovered = told.recovered, let channel = told.channel {
                StandardError.say(
                    recovered ? "\(channel): resumed, nothing was missed" : "\(channel): resumed with a gap"
                )
            }
        case "gap":
            if !printsPayloads { print(Array(data)) }
            StandardError.say(
                "\(told.channel ?? "?"): gap, what lay after \(told.from ?? "?") up to \(told.to ?? "?") is gone"
            )
        case "error": StandardError.say("the node says: \(told.message ?? "error")")
        case "bye":
            let reason = "the node ends the stream: \(told.reason ?? "it does not say why")"
            guard told.reconnect ?? true else { throw Finished(reason: reason, isFailure: true) }
            StandardError.say(reason)
            retryMilliseconds = told.after ?? retryMilliseconds
        default: break
        }
    }

    /// What was published: a text without its quotes, other JSON as it is, and bytes.
    private static func payload(of message: UnsafeRawBufferPointer) -> [UInt8] {
        guard let read = try? PublicationLine(message) else { return Array(message) }
        switch read.data {
        case .bytes(let bytes): return bytes
        case .json(let range):
            let json = Array(message[range])
            let text = json.first == UInt8(ascii: "\"") ? try? JSONDecoder().decode(String.self, from: Data(json)) : nil
            return text.map { Array($0.utf8) } ?? json
        }
    }

    private func print(_ data: [UInt8]) {
        var line = data
        if showsCursor { line += Array("\t\(cursor)".utf8) }
        line.append(UInt8(ascii: "\n"))
        StandardOutput.write(line)
    }
}
