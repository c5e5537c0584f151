import Broker

@testable import Backplane

/// What comes from Redis: replies, messages with their headers, and what nodes tell each other.
enum RedisChecks {
    /// A reply as a value of its own.
    private struct Said: Equatable {
        var error: String?
        var bytes: [UInt8]
        var integer: Int
        var elements: [Said]

        init(_ reply: RedisReply) {
            error = reply.error
            bytes = Array(reply.bytes)
            integer = reply.integer
            // One element more than there are: it is nothing.
            elements = (0..<min(reply.count, 64)).map { Said(reply[$0]) }
            _ = (reply[-1].position, reply[reply.count].count)
        }
    }

    private struct Outcome: Equatable {
        var replies: [Said] = []
        var isWrong = false
    }

    static func check(_ bytes: [UInt8]) throws {
        let whole = try read(bytes, [bytes.count], replyBytesMax: 1 << 20)
        var pieces = Pieces(bytes)
        let cut = try read(bytes, pieces.ends(of: bytes.count), replyBytesMax: 1 << 20)
        try requireSame(whole, cut, "replies in pieces")
        let narrow = try read(bytes, pieces.ends(of: bytes.count), replyBytesMax: 32)
        try require(whole.replies.starts(with: narrow.replies), "other replies with a narrow limit")
        try checkMessage(bytes)
        try checkControl(bytes)
    }

    private static func read(_ bytes: [UInt8], _ ends: [Int], replyBytesMax: Int) throws -> Outcome {
        let reader = RedisReader(replyBytesMax: replyBytesMax)
        var outcome = Outcome()
        var start = 0
        for end in ends where !outcome.isWrong {
            outcome.isWrong = try withExactCopy(of: bytes[start..<end]) { copy in
                reader.feed(copy.readOnly) {
                    outcome.replies.append(Said($0))
                    return true
                } != nil
            }
            start = end
        }
        return outcome
    }

    /// A header says the same when it is written anew, and what has none is all payload.
    private static func checkMessage(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy throws in
            if let (key, message) = RedisMessage.ofPattern(copy.readOnly) {
                try requireSame(key.count + message.count + 2, bytes.count, "bytes of a message under a pattern")
            }
            switch RedisMessage(copy.readOnly) {
            case .plain(let payload): try requireSame(Array(payload), bytes, "a message without a header")
            case .publication(let position, let previous, let kind, let payload):
                let key = Array((kind.key.map { " \($0.text)" } ?? "").utf8)
                let head: [UInt8] = [0xc0] + Array("\(position) \(previous) ".utf8) + [kind.type] + key
                let written = head + [UInt8(ascii: "\n")] + Array(payload)
                try withExactCopy(of: written) { again throws in
                    guard case .publication(position, previous, kind, let same) = RedisMessage(again.readOnly) else {
                        throw Violation(description: "a header, written anew")
                    }
                    try requireSame(Array(same), Array(payload), "a payload behind a header")
                }
            }
        }
    }

    private static func checkControl(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        if case .told(_, let part) = RedisControlMessage(text) {
            var sum = part
            sum.add(part, bytesMax: 64)
            try require(
                sum.count >= part.count && sum.items.count <= max(part.items.count, 64),
                "the sum of two answers"
            )
        }
        guard let question = ClusterQuestion(text: text) else { return }
        try requireSame(ClusterQuestion(text: question.text), question, "a question, written anew")
    }
}
