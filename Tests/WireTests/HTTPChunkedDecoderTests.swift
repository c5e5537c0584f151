import TestRandomness
import Testing
import Wire

/// A chunked body and what becomes of it. What follows the body is `|` and more.
struct ChunkedCase: Sendable, CustomTestStringConvertible {
    let text: String
    let verdict: Verdict
    let body: String

    var testDescription: String { text.count < 60 ? text.debugDescription : "\(text.count) characters" }

    init(_ text: String, _ verdict: Verdict, body: String = "") {
        self.text = text
        self.verdict = verdict
        self.body = body
    }
}

/// All that a decoder told about some bytes.
struct ChunkedResult: Equatable {
    var verdict = Verdict.incomplete
    var reason = ""
    var consumedCount = 0
    var body: [UInt8] = []
}

func decodeChunks(_ bytes: [UInt8], cutAt cuts: [Int], limits: HTTPLimits = HTTPLimits()) -> ChunkedResult {
    var decoder = HTTPChunkedDecoder()
    var body = ByteBuffer()
    var result = ChunkedResult()
    for slice in bytes.slices(cutAt: cuts) {
        let (consumedCount, outcome) = slice.withUnsafeBufferPointer {
            decoder.decode($0.span, into: &body, limits: limits)
        }
        if consumedCount > slice.count { Issue.record("consumed more than there was") }
        result.consumedCount += consumedCount
        if case .rejected(let rejection) = outcome {
            result.verdict = .refused(rejection.status)
            result.reason = rejection.description
        } else {
            if outcome == .complete { result.verdict = .accepted }
            if outcome == .incomplete, consumedCount < slice.count { Issue.record("left bytes without a reason") }
        }
        if outcome != .incomplete { break }
    }
    result.body = Array(body.bytes)
    return result
}

@Suite("HTTP chunked body")
struct HTTPChunkedDecoderTests {
    static let cases: [ChunkedCase] = [
        ChunkedCase("0\r\n\r\n|", .accepted),
        ChunkedCase("5\r\nhello\r\n0\r\n\r\n|GET / HTTP/1.1", .accepted, body: "hello"),
        ChunkedCase("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n|", .accepted, body: "hello world"),
        ChunkedCase("00000005\r\nhello\r\n00000000\r\n\r\n|", .accepted, body: "hello"),
        ChunkedCase("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n|", .accepted, body: "01234567890123456789"),
        ChunkedCase("2\r\n\r\n\r\n0\r\n\r\n|", .accepted, body: "\r\n"),
        ChunkedCase("1;a=b; c=\"d;e\"\r\nx\r\n0;last\r\n\r\n|", .accepted, body: "x"),
        ChunkedCase("1\r\nx\r\n0\r\nChecksum: abc\r\nX:\r\n\r\n|", .accepted, body: "x"),
        ChunkedCase("5\r\nhel", .incomplete, body: "hel"),
        ChunkedCase("5\r\nhello\r\n0\r\n\r", .incomplete, body: "hello"),
        ChunkedCase("", .incomplete),
        ChunkedCase("5\nhello\r\n0\r\n\r\n", .refused(400)),
        ChunkedCase("5\rhello\r\n0\r\n\r\n", .refused(400)),
        ChunkedCase("5\r\nhello\n0\r\n\r\n", .refused(400), body: "hello"),
        ChunkedCase("5\r\nhello0\r\n\r\n", .refused(400), body: "hello"),
        ChunkedCase("5\r\nhello!\r\n0\r\n\r\n", .refused(400), body: "hello"),
        ChunkedCase("5\r\nhello\r\r\n0\r\n\r\n", .refused(400), body: "hello"),
        ChunkedCase("5 \r\nhello\r\n0\r\n\r\n", .refused(400)),
        ChunkedCase(" 5\r\nhello\r\n0\r\n\r\n", .refused(400)),
        ChunkedCase("\r\n5\r\nhello\r\n", .refused(400)),
        ChunkedCase("\r\n", .refused(400)),
        ChunkedCase("+5\r\nhello\r\n", .refused(400)),
        ChunkedCase("-5\r\nhello\r\n", .refused(400)),
        ChunkedCase("0x5\r\nhello\r\n", .refused(400)),
        ChunkedCase("5h\r\nhello\r\n", .refused(400)),
        ChunkedCase("g\r\n", .refused(400)),
        ChunkedCase("1_0\r\n", .refused(400)),
        ChunkedCase(";a\r\n", .refused(400)),
        ChunkedCase("000000005\r\nhello\r\n", .refused(400)),
        ChunkedCase("FFFFFFFFFFFFFFFF0\r\n", .refused(400)),
        ChunkedCase("10000000000000005\r\nhello\r\n", .refused(400)),
        ChunkedCase("FFFFFFFF\r\n", .refused(413)),
        ChunkedCase("10001\r\n", .refused(413)),
        ChunkedCase("1\r\nx\r\n10000\r\n", .refused(413), body: "x"),
        ChunkedCase("1;a\nb\r\nx\r\n", .refused(400)),
        ChunkedCase("1;a\rb\r\nx\r\n", .refused(400)),
        ChunkedCase("1;a\u{0}\r\nx\r\n", .refused(400)),
        ChunkedCase("1;" + String(repeating: "a", count: 2_000) + "\r\nx\r\n", .refused(400)),
        ChunkedCase("0\r\n folded: x\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\nX: a\r\n b\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\nX : a\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\n: a\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\nX\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\nX: a\nY: b\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\nX: a\u{0}\r\n\r\n", .refused(400)),
        ChunkedCase("0\r\n\n", .refused(400)),
        ChunkedCase("0\r\n\rX", .refused(400)),
        ChunkedCase("0\r\n" + String(repeating: "X: aaaaaa\r\n", count: 500) + "\r\n", .refused(431)),
    ]

    @Test("what becomes of chunked bodies", arguments: cases)
    func verdicts(chunked: ChunkedCase) {
        let bytes = Array(chunked.text.utf8)
        let result = decodeChunks(bytes, cutAt: [])
        #expect(result.verdict == chunked.verdict)
        #expect(result.body == Array(chunked.body.utf8))
        if result.verdict == .accepted {
            let end = bytes.firstIndex(of: UInt8(ascii: "|"))
            #expect(result.consumedCount == end, "what follows the body is kept")
        }
    }

    @Test("byte by byte and at every split the same", arguments: cases)
    func splits(chunked: ChunkedCase) {
        let bytes = Array(chunked.text.utf8)
        let whole = decodeChunks(bytes, cutAt: [])
        let byteByByte = decodeChunks(bytes, cutAt: Array(0..<bytes.count))
        #expect(byteByByte == whole)
        for split in 0...min(bytes.count, 200) {
            let inTwo = decodeChunks(bytes, cutAt: [split])
            #expect(inTwo == whole, "split at \(split)")
        }
    }

    @Test("the limit of a body is exact and counts all chunks")
    func bodyLimit() {
        var limits = HTTPLimits()
        limits.bodyBytes = 10
        let full = decodeChunks(Array("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n".utf8), cutAt: [], limits: limits)
        #expect(full.verdict == .accepted)
        let over = decodeChunks(Array("5\r\nhello\r\n6\r\nworlds\r\n0\r\n\r\n".utf8), cutAt: [], limits: limits)
        #expect(over.verdict == .refused(413))
    }

    @Test("the extensions of many small chunks are counted together")
    func extensionLimit() {
        let chunk = "1;" + String(repeating: "a", count: 100) + "\r\nx\r\n"
        let result = decodeChunks(Array(String(repeating: chunk, count: 20).utf8), cutAt: [])
        #expect(result.verdict == .refused(400))
        #expect(result.body.count == 10)
    }

    @Test("a decoder is small")
    func size() {
        #expect(MemoryLayout<HTTPChunkedDecoder>.size <= 32)
    }

    @Test("random changes never trap and never depend on how the bytes arrive")
    func mutations() {
        let corpus = Self.cases.map { Array($0.text.utf8) }.filter { $0.count < 200 }
        for seed in 0..<50_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = corpus[Int(seed) % corpus.count].mutated(by: &generator)
            let first = Int.random(in: 0...bytes.count, using: &generator)
            let second = Int.random(in: first...bytes.count, using: &generator)
            let whole = decodeChunks(bytes, cutAt: [])
            if decodeChunks(bytes, cutAt: [first, second]) != whole {
                Issue.record("seed \(seed) split at \(first) and \(second)")
            }
            if whole.body.count > whole.consumedCount { Issue.record("seed \(seed): more body than bytes") }
        }
    }
}
