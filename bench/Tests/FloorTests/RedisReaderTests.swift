import Testing

@testable import Floor

/// What Redis answers, at every length it may arrive in.
@Suite struct RedisReaderTests {
    /// Everything Redis sends in turn: a confirmation, messages, answers, an error and a status.
    private let conversation = [
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhel\r\n\r\n", ":12\r\n",
        "$0\r\n\r\n", "$-1\r\n", "*0\r\n", "-ERR no\r\n", "+OK\r\n", ":-1\r\n",
    ]
    private let expected = [
        "[subscribe a 1]", "[message a hel\r\n]", "12", "", "", "[]", "-ERR no", "+OK", "-1",
    ]

    @Test func manyRepliesMayComeInOneRead() {
        var reader = RedisReader()
        #expect(read(conversation.joined(), by: &reader) == expected)
    }

    @Test func aReplyMayBeCutAnywhere() {
        let text = conversation.joined()
        for count in 0...text.utf8.count {
            var reader = RedisReader()
            let first = read(String(decoding: text.utf8.prefix(count), as: UTF8.self), by: &reader)
            let second = read(String(decoding: text.utf8.dropFirst(count), as: UTF8.self), by: &reader)
            #expect(first + second == expected)
        }
    }

    @Test(arguments: [1, 2, 3, 7])
    func everyReadMayBeShort(_ byteCount: Int) {
        let bytes = Array(conversation.joined().utf8)
        var reader = RedisReader()
        var replies: [String] = []
        for start in stride(from: 0, to: bytes.count, by: byteCount) {
            let part = bytes[start..<min(start + byteCount, bytes.count)]
            replies += read(String(decoding: part, as: UTF8.self), by: &reader)
        }
        #expect(replies == expected)
    }

    @Test func aReplyIsTakenOnlyWhole() {
        for text in conversation {
            for count in 0..<text.utf8.count {
                var reader = RedisReader()
                #expect(read(String(decoding: text.utf8.prefix(count), as: UTF8.self), by: &reader).isEmpty)
            }
        }
    }

    @Test func onlyMessagesArePublications() {
        var reader = RedisReader()
        var messages: [String] = []
        Array(conversation.joined().utf8).withUnsafeBytes { bytes in
            reader.read(bytes) { reply in
                guard let message = RedisMessage(reply) else { return }
                messages.append("\(message.channelName): \(String(decoding: message.payload, as: UTF8.self))")
            }
        }
        #expect(messages == ["a: hel\r\n"])
    }

    private func read(_ text: String, by reader: inout RedisReader) -> [String] {
        var replies: [String] = []
        Array(text.utf8).withUnsafeBytes { bytes in reader.read(bytes) { replies.append(description(of: $0)) } }
        return replies
    }

    private func description(of reply: RedisReply) -> String {
        switch reply {
        case .integer(let number): "\(number)"
        case .bulk(let bytes), .line(let bytes): String(decoding: bytes, as: UTF8.self)
        case .array(let elements): "[" + elements.map(description).joined(separator: " ") + "]"
        }
    }
}
