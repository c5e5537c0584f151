import Broker

@testable import PerseidClient

/// What a server sends to a program that has `PerseidClient`: streams of each transport, answers with their heads, and their bodies.
enum SwiftClientChecks {
    private static let messageBytesMax = 256

    static func check(_ bytes: [UInt8]) throws {
        for transport in [Transport.webSocket, .eventStream, .jsonStream] { try checkStream(bytes, transport) }
        try checkAnswer(bytes)
        try checkBodies(bytes)
    }

    // MARK: Streams

    private static func makeReader(_ transport: Transport) -> any LinkReader {
        switch transport {
        case .webSocket: WebSocketReader(messageBytesMax: messageBytesMax)
        case .eventStream: EventStreamReader(messageBytesMax: messageBytesMax)
        case .jsonStream, .longPoll: JSONStreamReader(messageBytesMax: messageBytesMax)
        }
    }

    private static func checkStream(_ bytes: [UInt8], _ transport: Transport) throws {
        let whole = try read(bytes, [bytes.count], transport)
        var pieces = Pieces(bytes)
        try requireSame(whole, try read(bytes, pieces.ends(of: bytes.count), transport), "\(transport) in pieces")
    }

    /// What is found, in words, with how it ended.
    private static func read(_ bytes: [UInt8], _ ends: [Int], _ transport: Transport) throws -> [String] {
        let reader = makeReader(transport)
        var found: [String] = []
        var start = 0
        for end in ends {
            do {
                try withExactCopy(of: bytes[start..<end]) { copy in
                    try reader.take(copy.readOnly) { finding in
                        switch finding {
                        case .message(let message, let cursor): found.append("\(message) \(cursor?.text ?? "-")")
                        // Its mask is drawn.
                        case .answer(let frames): found.append("answer of \(frames.count)")
                        case .close(let error): found.append("close \(error)")
                        }
                    }
                }
            } catch {
                // What is behind that is not read.
                return found + ["failed: \(error)"]
            }
            start = end
        }
        return found
    }

    // MARK: Answers

    private struct Answer: Equatable {
        var status: Int?
        var body: [UInt8] = []
        var isComplete = false
        var failure: String?
    }

    private static func checkAnswer(_ bytes: [UInt8]) throws {
        let whole = try answer(bytes, [bytes.count])
        var pieces = Pieces(bytes)
        let parts = try answer(bytes, pieces.ends(of: bytes.count))
        try requireSame(whole, parts, "an answer in pieces")
        try require(whole.body.count <= bytes.count, "more body than came")
        try require(whole.status.map { (200...599).contains($0) || $0 == 101 } ?? true, "an answer before the answer")
    }

    private static func answer(_ bytes: [UInt8], _ ends: [Int]) throws -> Answer {
        var reader = AnswerReader()
        var answer = Answer()
        var start = 0
        for end in ends {
            do {
                try withExactCopy(of: bytes[start..<end]) { copy in
                    try reader.take(copy.readOnly) { (_, body) in answer.body += body }
                }
            } catch {
                answer.failure = "\(error)"
                break
            }
            start = end
        }
        answer.status = reader.head?.status
        answer.isComplete = reader.isComplete
        return answer
    }

    // MARK: Bodies

    private static func checkBodies(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy in
            if let poll = try? PollAnswer(copy.readOnly) {
                try require(poll.messages.count <= bytes.count, "more messages than bytes")
            }
            _ = ToldError(copy.readOnly)
        }
        if let page = try? HistoryPage(bytes, of: "a") {
            try require(page.messages.count <= bytes.count, "more history than bytes")
        }
        if let presence = try? Presence(bytes) {
            try require(presence.members.count <= bytes.count, "more members than bytes")
        }
        _ = PublicationAnswer(bytes)
    }
}
