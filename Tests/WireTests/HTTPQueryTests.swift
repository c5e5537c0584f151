import Testing

@testable import Wire

/// Decodes text as a path segment or as a query value.
private func decode(_ text: String, asQuery: Bool) -> String? {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer {
        let range = ByteRange(0..<bytes.count)
        return asQuery
            ? PercentCoding.decodeQuery(range, in: $0.span)
            : PercentCoding.decodePath(range, in: $0.span)
    }
}

@Suite("HTTP percent-coding")
struct HTTPPercentCodingTests {
    @Test(
        "decodes",
        arguments: [
            ("", ""), ("news", "news"), ("chat%2Froom1", "chat/room1"), ("%C3%A9", "é"), ("%c3%a9", "é"),
            ("a+b", "a+b"), ("%2B", "+"), ("%25", "%"), ("%2525", "%25"), ("%F0%9F%98%80", "😀"), ("é", "é"),
        ]
    )
    func decodes(encoded: String, expected: String) {
        #expect(decode(encoded, asQuery: false) == expected)
    }

    @Test("a plus sign is a space in queries only")
    func plus() {
        #expect(decode("a+b%2B", asQuery: false) == "a+b+")
        #expect(decode("a+b%2B", asQuery: true) == "a b+")
    }

    @Test(
        "refuses bad escapes and bad UTF-8",
        arguments: [
            "%", "%4", "a%", "%g0", "%0g", "%%41", "%u0041", "% 41", "%+1", "%FF", "%C3", "%C3x", "%80",
            "%C0%80", "%E0%80%AF", "%ED%A0%80", "%F4%90%80%80", "%F8%88%80%80%80",
        ]
    )
    func refuses(encoded: String) {
        #expect(decode(encoded, asQuery: false) == nil)
        #expect(decode(encoded, asQuery: true) == nil)
    }

    @Test(
        "encodes all but unreserved characters",
        arguments: [
            ("news", "news"), ("chat/room1", "chat%2Froom1"), ("a,b@c%d", "a%2Cb%40c%25d"),
            ("é 😀", "%C3%A9%20%F0%9F%98%80"),
            ("-._~", "-._~"), ("!*'()", "%21%2A%27%28%29"), ("$meta", "%24meta"), ("", ""),
        ]
    )
    func encodes(text: String, expected: String) {
        #expect(PercentCoding.encode(text) == expected)
        var buffer = ByteBuffer()
        buffer.append(percentEncoding: text)
        let appended = String(decoding: buffer.bytes, as: UTF8.self)
        #expect(appended == expected)
        #expect(decode(expected, asQuery: false) == text)
        #expect(decode(expected, asQuery: true) == text)
    }

    @Test("random text survives encoding, random bytes never trap")
    func mutations() {
        for seed in 0..<50_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = Array("chat%2Froom+1%C3%A9é😀".utf8).mutated(by: &generator)
            let text = String(decoding: bytes, as: UTF8.self)
            if decode(PercentCoding.encode(text), asQuery: seed % 2 == 0) != text { Issue.record("seed \(seed)") }
            let decoded = bytes.withUnsafeBufferPointer {
                PercentCoding.decodePath(ByteRange(0..<bytes.count), in: $0.span)
            }
            if let decoded, decoded.utf8.count > bytes.count { Issue.record("seed \(seed): decoding lengthened") }
        }
    }
}

@Suite("HTTP query string")
struct HTTPQueryStringTests {
    /// The pairs of a query, still encoded.
    private func pairs(_ query: String) -> [[String]] {
        let bytes = Array(query.utf8)
        return bytes.withUnsafeBufferPointer { pointer in
            var unread = QueryString(ByteRange(0..<bytes.count))
            var found: [[String]] = []
            while let pair = unread.next(in: pointer.span) {
                found.append([pair.name.text(in: pointer.span) ?? "?", pair.value.text(in: pointer.span) ?? "?"])
            }
            return found
        }
    }

    private func first(_ name: StaticString, of query: String) throws(HTTPRejection) -> String? {
        let bytes = Array("?\(query)#".utf8)
        return try bytes.withUnsafeBufferPointer { pointer throws(HTTPRejection) in
            try QueryString(ByteRange(1..<bytes.count - 1)).first(name, in: pointer.span)
        }
    }

    private func all(_ name: StaticString, of query: String) throws(HTTPRejection) -> [String] {
        let bytes = Array("?\(query)#".utf8)
        return try bytes.withUnsafeBufferPointer { pointer throws(HTTPRejection) in
            try QueryString(ByteRange(1..<bytes.count - 1)).all(name, in: pointer.span)
        }
    }

    @Test("pairs in order")
    func order() {
        #expect(pairs("") == [])
        #expect(pairs("&&") == [])
        #expect(pairs("a") == [["a", ""]])
        #expect(pairs("a=") == [["a", ""]])
        #expect(pairs("=b") == [["", "b"]])
        #expect(pairs("a=b=c&d&&e=%20&") == [["a", "b=c"], ["d", ""], ["e", "%20"]])
    }

    @Test("finds and decodes values")
    func values() throws {
        let query = "channel=a&cursor=news%401-0%2Cb%401-2&channel=b+c&x&channel=%C3%A9&c%68annel=d&channels=no&chan=no"
        #expect(try first("cursor", of: query) == "news@1-0,b@1-2")
        #expect(try first("x", of: query) == "")
        #expect(try first("y", of: query) == nil)
        #expect(try all("channel", of: query) == ["a", "b c", "é", "d"])
        #expect(try all("y", of: query) == [])
    }

    @Test("a bad value is refused by the name of its parameter, and only when it is asked for")
    func rejections() throws {
        let query = "channel=%FF&cursor=ok"
        let expected = HTTPRejection(status: 400, field: "channel", reason: "not valid percent-encoded UTF-8")
        #expect(throws: expected) { try first("channel", of: query) }
        #expect(throws: expected) { try all("channel", of: query) }
        #expect(try first("cursor", of: query) == "ok")
    }

    @Test("random queries never trap and lose no pair")
    func mutations() {
        for seed in 0..<50_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = Array("channel=a&cursor=news%401-0&channel=b+c".utf8).mutated(by: &generator)
            let query = String(decoding: bytes, as: UTF8.self)
            let expected = query.utf8.split(separator: UInt8(ascii: "&")).count
            if pairs(query).count != expected { Issue.record("seed \(seed)") }
            _ = try? all("channel", of: query)
        }
    }
}

@Suite("HTTP byte sets")
struct HTTPByteSetTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"

    @Test("hold what the RFCs list")
    func members() {
        check(.token, "!#$%&'*+-.^_`|~" + Self.digits + Self.letters)
        check(.unreserved, "-._~" + Self.digits + Self.letters)
        let path = "-._~" + "!$&'()*+,;=" + ":@/" + Self.digits + Self.letters + "[]^|"
        check(.path, path)
        check(.query, path + "\\`{}")
        check(.addressLiteral, "abcdefABCDEF:." + Self.digits)
    }

    private func check(_ set: ByteSet, _ members: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let found = (0...255).map(UInt8.init).filter { set.contains($0) }
        #expect(found == Array(members.utf8).sorted(), sourceLocation: sourceLocation)
    }

    @Test("classes of single bytes")
    func classes() {
        for byte in 0...255 as ClosedRange<UInt8> {
            let scalar = Unicode.Scalar(byte)
            let value = byte < 128 ? Character(scalar).hexDigitValue.map(UInt8.init) : nil
            #expect(byte.hexadecimalValue == value)
            #expect(byte.isDigit == ("0"..."9" ~= scalar))
            let isLetter = "A"..."Z" ~= scalar
            #expect(byte.lowercased == (isLetter ? byte + 32 : byte))
            let isContent = byte == 9 || (byte >= 32 && byte != 127)
            #expect(byte.isFieldContent == isContent)
        }
    }
}
