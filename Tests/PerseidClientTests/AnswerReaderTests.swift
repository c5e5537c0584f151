import Testing

@testable import PerseidClient

@Suite struct AnswerReaderTests {
    /// Reads an answer that comes in pieces of a size; returns its body and whether it is complete.
    private func read(_ text: String, pieces size: Int) throws -> (head: AnswerHead?, body: String, isComplete: Bool) {
        var reader = AnswerReader()
        var body: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { piece in
                try reader.take(piece) { (_, bytes) throws(PerseidError) in body += bytes }
            }
        }
        return (reader.head, String(decoding: body, as: UTF8.self), reader.isComplete)
    }

    @Test("a body is the same whole, with a length and in chunks", arguments: [1, 3, 1_000])
    func bodies(_ size: Int) throws {
        let whole = try read("HTTP/1.1 200 OK\r\n\r\nhello", pieces: size)
        #expect(whole.body == "hello" && !whole.isComplete)
        let counted = try read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", pieces: size)
        #expect(counted.body == "hello" && counted.isComplete)
        let chunked = try read(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            pieces: size
        )
        #expect(chunked.body == "hello" && chunked.isComplete)
    }

    @Test("what is no answer is not read for ever")
    func malformed() {
        #expect(throws: PerseidError.self) { try read("SSH-2.0-OpenSSH\r\n\r\n", pieces: 100) }
        #expect(throws: PerseidError.self) { try read(String(repeating: "x", count: 70_000), pieces: 1_000) }
    }

    @Test("what comes before the answer is passed over, however often", arguments: [1, 7, 1_000_000])
    func interim(_ size: Int) throws {
        let interim = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 2_000)
        let answer = try read(interim + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", pieces: size)
        #expect(answer.head?.status == 200 && answer.body == "ok" && answer.isComplete)
    }

    @Test("what follows an answer is none of it", arguments: [1, 1_000])
    func follows(_ size: Int) throws {
        let counted = try read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1", pieces: size)
        #expect(counted.body == "ok")
        let none = try read("HTTP/1.1 204 No Content\r\n\r\nmore", pieces: size)
        #expect(none.body.isEmpty && none.isComplete)
    }

    @Test("a refusal says what the node says, and when to come again")
    func refusal() throws {
        let body = #"{"error":{"code":503,"message":"the backplane is away"}}"#
        let answer = try read(
            "HTTP/1.1 503 X\r\nRetry-After: 2\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
            pieces: 9
        )
        let refusal = PerseidError(try #require(answer.head), body: Array(answer.body.utf8))
        #expect("\(refusal)" == "503: the backplane is away" && !refusal.isFinal)
        #expect(refusal.retryMilliseconds == 2_000)
        let proxy = PerseidError(try #require(answer.head), body: Array("<html>\n  Bad\tGateway".utf8))
        #expect("\(proxy)" == "503: <html> Bad Gateway")
        let missing = try #require(try read("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", pieces: 9).head)
        #expect(!PerseidError(missing, body: []).isFinal)
        let silent = #"{"error":{"code":404,"message":"no","field":"channel","channel":"$presence/a"}}"#
        #expect(PerseidError(missing, body: Array(silent.utf8)).isFinal)
    }

    @Test("waits are what was asked for and a part that is drawn, whatever was asked for")
    func backoff() {
        var backoff = Backoff()
        for _ in 0..<100 { #expect((1_000...31_000).contains(backoff.next(asked: 1_000))) }
        #expect(backoff.next(asked: .max) <= 3_630_000)
        backoff.reset()
        #expect(backoff.next(asked: nil) <= 250)
    }
}
