import Testing

@testable import Text

@Suite("Percent-coding")
struct PercentCodingTests {
    private func decode(_ text: String, asQuery: Bool) -> String? {
        Array(text.utf8).withUnsafeBufferPointer { PercentCoding.decode($0.span, plusIsSpace: asQuery) }
    }

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
        #expect(decode(expected, asQuery: false) == text)
        #expect(decode(expected, asQuery: true) == text)
    }

    @Test("keeps every unreserved character and encodes the rest")
    func encoding() {
        let unreserved = "ABCXYZabcxyz0189-._~"
        #expect(PercentCoding.encode(unreserved) == unreserved)
        #expect(PercentCoding.encode("a b/c,d@e%f+&=\"") == "a%20b%2Fc%2Cd%40e%25f%2B%26%3D%22")
        #expect(PercentCoding.encode("é😀") == "%C3%A9%F0%9F%98%80")
        #expect(PercentCoding.encode("\u{1}") == "%01")
    }

    @Test("a stray percent sign can be kept")
    func stray() {
        for text in ["%", "100%", "%zz", "%+1", "%4", "a%%"] {
            #expect(PercentCoding.decode(text) == nil)
            #expect(PercentCoding.decode(text, strayPercent: .kept) == text)
        }
        #expect(PercentCoding.decode("%25%4", strayPercent: .kept) == "%%4")
    }

    @Test("every byte's value as a digit")
    func digits() {
        for byte in UInt8.min ... .max {
            let value = byte < 128 ? Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) : nil
            #expect(PercentCoding.hexadecimalValue(of: byte) == value)
        }
    }
}
