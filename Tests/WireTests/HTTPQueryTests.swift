import TestRandomness
import Testing
import Text

@testable import Wire

@Suite("HTTP query string")
struct HTTPQueryStringTests {
    @Test("random text survives encoding, random bytes never trap")
    func percentMutations() {
        for seed in 0..<50_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = Array("chat%2Froom+1%C3%A9é😀".utf8).mutated(by: &generator)
            let text = String(decoding: bytes, as: UTF8.self)
            if PercentCoding.decode(PercentCoding.encode(text)) != text { Issue.record("seed \(seed)") }
            let decoded = bytes.withUnsafeBufferPointer {
                PercentCoding.decode($0.span)
            }
            if let decoded, decoded.utf8.count > bytes.count { Issue.record("seed \(seed): decoding lengthened") }
        }
    }

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
            #expect(byte.isDigit == ("0"..."9" ~= scalar))
            let isLetter = "A"..."Z" ~= scalar
            #expect(byte.lowercased == (isLetter ? byte + 32 : byte))
            let isContent = byte == 9 || (byte >= 32 && byte != 127)
            #expect(byte.isFieldContent == isContent)
        }
    }
}
