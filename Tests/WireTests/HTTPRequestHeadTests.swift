import TestRandomness
import Testing

@testable import Wire

@Suite("HTTP request head")
struct HTTPRequestHeadTests {
    @Test("what becomes of odd requests", arguments: OddRequests.all)
    func oddRequests(request: OddRequest) {
        let verdict = judge(Array(request.text.utf8))
        #expect(verdict == request.verdict)
    }

    @Test("byte by byte and at every split the same", arguments: OddRequests.all)
    func splits(request: OddRequest) {
        let bytes = Array(request.text.utf8)
        let limits = HTTPLimits()
        let whole = scanWhole(bytes)
        let byteByByte = scanGrowing(bytes, to: 0...bytes.count, limits: limits)
        #expect(byteByByte == whole)
        // The two ends of the huge ones are enough.
        let splits =
            bytes.count < 600 ? Array(0...bytes.count) : Array(0..<40) + Array((bytes.count - 200)...bytes.count)
        for split in splits {
            let inTwo = scanGrowing(bytes, to: [split, bytes.count], limits: limits)
            #expect(inTwo == whole, "split at \(split)")
        }
    }

    @Test(
        "a hopeless head is refused before its end",
        arguments: [
            ("GET / HTTP/1.1\n", 400), ("GET / HTTP/1.1\r\nHost: a\rb", 400), ("\r\n\r\n", 400), ("GET /\u{0}", 400),
            ("GET /" + String(repeating: "a", count: 8_300), 414),
            ("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 16_384), 431),
        ]
    )
    func early(text: String, status: Int) {
        #expect(judge(Array(text.utf8)) == .refused(status))
    }

    @Test("a head is small")
    func size() {
        #expect(MemoryLayout<HTTPRequestHead>.size <= 256)
        #expect(MemoryLayout<HTTPHeadScanner>.size <= 12)
        #expect(HTTPFieldRanges.slotCount == HTTPField.allCases.count)
    }

    @Test("every kept field is found by its name in any case", arguments: HTTPField.allCases)
    func fieldNames(field: HTTPField) {
        for name in [field.name.description, field.name.description.uppercased(), field.name.description.lowercased()] {
            let bytes = Array(name.utf8)
            let found = bytes.withUnsafeBufferPointer { HTTPField(named: ByteRange(0..<bytes.count), in: $0.span) }
            #expect(found == field)
            let longer = Array("\(name)x".utf8)
            let missed = longer.withUnsafeBufferPointer { HTTPField(named: ByteRange(0..<longer.count), in: $0.span) }
            #expect(missed == nil)
        }
    }

    @Test("every method is found by its name, and in upper case only")
    func methods() throws {
        for value in 0..<HTTPMethod.other.rawValue {
            let method = try #require(HTTPMethod(rawValue: value))
            let target = method == .connect ? "a:1" : "/"
            let found = try parseHead(Array("\(method.name) \(target) HTTP/1.0\r\n\r\n".utf8)).get().method
            #expect(found == method)
            let lowercased = method.name.description.lowercased()
            let other = try parseHead(Array("\(lowercased) / HTTP/1.0\r\n\r\n".utf8)).get().method
            #expect(other == .other)
        }
    }

    @Test("keeps a publication's request line and fields")
    func publication() throws {
        let text = """
            POST /channels/chat%2Froom1?x=1&y HTTP/1.1\r
            host: broker.example:8080\r
            Content-Type:application/json \r
            Content-Length: 17\r
            authorization: Bearer abc\r
            X-Forwarded-For: 10.0.0.1\r
            Idempotency-Key: \r
            X-Forwarded-For: 10.0.0.2\r
            Expect: 100-continue\r
            \r
            {"hello":"world"}
            """
        let bytes = Array(text.utf8)
        let head = try parseHead(bytes).get()
        #expect(head.method == .post)
        #expect(head.minorVersion == 1)
        #expect(head.targetForm == .origin)
        #expect(HTTPRequestHead.text(head.path, in: bytes) == "/channels/chat%2Froom1")
        #expect(HTTPRequestHead.text(head.query, in: bytes) == "x=1&y")
        #expect(HTTPRequestHead.text(head[.host], in: bytes) == "broker.example:8080")
        #expect(HTTPRequestHead.text(head[.contentType], in: bytes) == "application/json")
        #expect(HTTPRequestHead.text(head[.authorization], in: bytes) == "Bearer abc")
        #expect(HTTPRequestHead.text(head[.idempotencyKey], in: bytes) == "")
        #expect(HTTPRequestHead.text(head[.xForwardedFor], in: bytes) == "10.0.0.2")
        #expect(head[.cookie] == nil)
        #expect(head.contentLength == 17)
        #expect(!head.isChunked)
        #expect(head.keepAlive)
        #expect(head.expectsContinue)
        #expect(!head.wantsUpgrade)
        #expect(head.headCount == bytes.count - 17)
    }

    @Test("keeps an upgrade")
    func upgrade() throws {
        let text = """
            GET /ws HTTP/1.1\r
            Host: a\r
            Connection: keep-alive, Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            Sec-WebSocket-Version: 13\r
            \r

            """
        let bytes = Array(text.utf8)
        let head = try parseHead(bytes).get()
        #expect(head.wantsUpgrade)
        #expect(head.keepAlive)
        #expect(HTTPRequestHead.text(head[.upgrade], in: bytes) == "websocket")
        #expect(HTTPRequestHead.text(head[.secWebSocketKey], in: bytes) == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(HTTPRequestHead.text(head[.secWebSocketVersion], in: bytes) == "13")
    }

    @Test("the host of an absolute target takes the place of Host")
    func absoluteForm() throws {
        let bytes = Array("GET http://b.example:81/c?d HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let head = try parseHead(bytes).get()
        #expect(head.targetForm == .absolute)
        #expect(HTTPRequestHead.text(head[.host], in: bytes) == "b.example:81")
        #expect(HTTPRequestHead.text(head.path, in: bytes) == "/c")
        #expect(HTTPRequestHead.text(head.query, in: bytes) == "d")
    }

    @Test(
        "persistence follows version and options",
        arguments: [
            ("1.1", "", HTTPPersistence.keepAlive),
            ("1.1", "Connection: close\r\n", .close),
            ("1.1", "Connection: Keep-Alive\r\n", .keepAlive),
            ("1.1", "Connection: keep-alive\r\nConnection: x , CLOSE\r\n", .close),
            ("1.1", "Connection: closed\r\n", .keepAlive),
            ("1.0", "", .close),
            ("1.0", "Connection: keep-alive\r\n", .announcedKeepAlive),
            ("1.0", "Connection: keep-alive, close\r\n", .close),
        ]
    )
    func persistence(version: String, fields: String, expected: HTTPPersistence) throws {
        let head = try parseHead(Array("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n".utf8)).get()
        #expect(head.persistence == expected)
    }

    @Test("HTTP/1.0 neither upgrades nor waits for 100 Continue")
    func oldVersion() throws {
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n"
        let head = try parseHead(Array("GET / HTTP/1.0\r\n\(fields)\r\n".utf8)).get()
        #expect(!head.wantsUpgrade)
        #expect(!head.expectsContinue)
    }

    @Test("a rejection names the field")
    func rejection() {
        let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n".utf8)
        let expected = HTTPRejection(status: 400, field: "Content-Length", reason: "not a decimal number")
        #expect(throws: expected) { try parseHead(bytes).get() }
        #expect(expected.description == "400 Content-Length: not a decimal number")
    }

    @Test("the limit of a head is exact")
    func exactLimit() {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var limits = HTTPLimits()
        limits.headBytes = bytes.count
        #expect(judge(bytes, limits: limits) == .accepted)
        limits.headBytes = bytes.count - 1
        #expect(judge(bytes, limits: limits) == .refused(431))
    }

    @Test("random changes never trap and never depend on how the bytes arrive")
    func mutations() {
        let corpus = OddRequests.all.map { Array($0.text.utf8) }.filter { $0.count < 600 }
        let limits = HTTPLimits()
        for seed in 0..<50_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = corpus[Int(seed) % corpus.count].mutated(by: &generator)
            let split = Int.random(in: 0...bytes.count, using: &generator)
            let whole = scanWhole(bytes)
            let inTwo = scanGrowing(bytes, to: [split, bytes.count], limits: limits)
            if inTwo != whole { Issue.record("seed \(seed) split at \(split)") }
            // The parser trusts no scanner: it must not trap on anything.
            let head = try? parseHead(bytes).get()
            guard case .complete(let headCount) = whole else {
                if head != nil { Issue.record("seed \(seed): parsed what the scanner did not") }
                continue
            }
            let cut = try? parseHead(Array(bytes[..<headCount])).get()
            if head?.summary(in: bytes) != cut?.summary(in: bytes) { Issue.record("seed \(seed): the body matters") }
            guard let head else { continue }
            let ends = HTTPField.allCases.compactMap { head[$0]?.indices.upperBound }
            let isInside = ends.allSatisfy { $0 < headCount } && head.path.indices.upperBound < headCount
            if head.headCount != headCount || !isInside { Issue.record("seed \(seed): a range outside the head") }
        }
    }
}
