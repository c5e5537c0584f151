import TestRandomness
import Testing
import Wire

private func kind(_ bytes: [UInt8]) -> JSONText.Kind? { bytes.withUnsafeBytes { JSONText.kind(of: $0) } }
private func kind(_ text: String) -> JSONText.Kind? { kind(Array(text.utf8)) }

@Suite("JSON text")
struct JSONTextTests {
    @Test(
        "valid texts",
        arguments: [
            ("{}", .object), (" {\"a\" : [1, 2.5e-3, null]}\r\n", .object), ("[]", .array), ("\t[[], {}]", .array),
            ("1", .scalar), ("-0.5", .scalar), ("\"text\"", .scalar), ("true", .scalar), ("null ", .scalar),
            ("\"\\uD834\\uDD1E \\u0000\"", .scalar),
            // Numbers beyond 64 bits and beyond a double.
            ("18446744073709551616", .scalar), ("[-123456789012345678901234567890]", .array),
            ("{\"a\":1e400}", .object),
            ("[1e400,\"12345678901234567890123 1e400\\\"\",-1E+999, 0.1]", .array),
        ] as [(String, JSONText.Kind)]
    )
    func valid(text: String, expected: JSONText.Kind) {
        #expect(kind(text) == expected)
    }

    @Test(
        "invalid texts",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "{\"a\":1,}", "[1 2]", "nul", "truex", "'a'",
            "\"a", "\"\n\"", "\"\t\"", "\"\\x\"", "\"\\u12\"", "01", "1.", ".5", "+1", "1e", "--1", "{} {}", "[]]",
            "\u{0}",
            "1\u{0}", "\u{FEFF}{}", "\"\\uD834\"", "\"\\uDD1E\"", "\u{B}1",
            "[1e400", "[1e400,01]", "1e400x", "1e400:", "[1e400.5]", "1e400 1", "[00000000000000000000000000001]",
            "[1e400,\"", "[1e400,\"\\", "1e400\"", "-1e400-", "12345678901234567890123.", "123456789012345678901234e+",
        ]
    )
    func invalid(text: String) {
        #expect(kind(text) == nil)
    }

    @Test("a text that is not UTF-8 is not JSON")
    func notUTF8() {
        #expect(kind([0x22, 0xFF, 0x22]) == nil)
        #expect(kind([0x22, 0xED, 0xA0, 0x80, 0x22]) == nil)
        #expect(kind([0x22, 0xC3, 0xA9, 0x22]) == .scalar)
    }

    @Test("deep nesting is refused, not followed to the end of the stack")
    func depth() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(kind(nested(1_000)) == .array)
        #expect(kind(nested(100_000)) == nil)
        #expect(kind(String(repeating: "{\"a\":", count: 100_000)) == nil)
    }

    @Test("large texts, and small ones after them")
    func large() {
        let text = "[" + String(repeating: "{\"key\":\"value\",\"n\":12345},", count: 100_000) + "0]"
        #expect(kind(text) == .array)
        #expect(kind(text + ",") == nil)
        #expect(kind("1") == .scalar)
    }

    @Test("every length around the padding of the parser")
    func lengths() {
        for count in 0...200 {
            let text = "\"" + String(repeating: "x", count: count) + "\""
            #expect(kind(text) == .scalar)
            #expect(kind(String(text.dropLast())) == nil)
        }
    }

    @Test(
        "becomes one line without changing what it says",
        arguments: [
            ("{\r\n\t\"a\": 1\n}", "{   \"a\": 1 }"), ("[\n]", "[ ]"), ("{\"a\":\"\\n\\t\"}", "{\"a\":\"\\n\\t\"}"),
            ("", ""),
            ("[\"long enough for words\",\n\"größe\"\t, 1]\n", "[\"long enough for words\", \"größe\" , 1] "),
        ]
    )
    func singleLine(text: String, expected: String) {
        var bytes = Array(text.utf8)
        bytes.withUnsafeMutableBytes { JSONText.makeSingleLine($0) }
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(kind(bytes) == kind(text))
    }
}

@Suite("JSON string")
struct JSONStringTests {
    @Test(
        "escapes only what it must",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("\"\\/", #""\"\\/""#),
            ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#), ("\u{0}\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""),
            ("größe 😀 \u{2028}", "\"größe 😀 \u{2028}\""),
            ("seven b\"and more than eight\n", #""seven b\"and more than eight\n""#),
        ]
    )
    func escapes(text: String, expected: String) {
        #expect(writtenText { $0.appendJSONString(text) } == expected)
    }

    @Test("every byte at every place of a word")
    func everyPlace() {
        for byte in UInt8(0)..<0x80 {
            for before in 0...9 {
                let text =
                    [UInt8](repeating: 0x61, count: before) + [byte] + [UInt8](repeating: 0x62, count: 9)
                let json = text.withUnsafeBytes { text in written { $0.appendJSONString(text) } }
                #expect(kind(json) == .scalar)
                let needsEscape = byte < 0x20 || byte == 0x22 || byte == 0x5C
                #expect((json.count > text.count + 2) == needsEscape)
            }
        }
    }

    @Test("random texts come back through the parser")
    func roundTrips() throws {
        var generator = SeededGenerator(seed: 12)
        for iteration in 0..<3_000 {
            let text = String(decoding: generator.text(count: Int.random(in: 0...30, using: &generator)), as: UTF8.self)
            let message =
                Array("{\"type\":\"presence\",\"channel\":".utf8) + written { $0.appendJSONString(text) } + [0x7D]
            let command = try message.withUnsafeBytes { try ClientCommand($0) }
            #expect(command.channel == text, "seed 12, iteration \(iteration)")
        }
    }
}

@Suite("Base64")
struct Base64Tests {
    private func encode(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { bytes in written { Base64.encode(bytes, to: &$0) } }
    }

    private func decode(_ text: [UInt8]) -> [UInt8]? {
        var buffer = ByteBuffer()
        let isValid = text.withUnsafeBytes { Base64.decode($0, to: &buffer) }
        return isValid ? Array(buffer.bytes) : nil
    }

    @Test(
        "the vectors of the RFC",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(plain: String, encoded: String) {
        #expect(encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test("random bytes of every length come back")
    func roundTrips() {
        var generator = SeededGenerator(seed: 64)
        for count in 0...300 {
            let bytes = generator.bytes(count: count)
            let encoded = encode(bytes)
            #expect(encoded.count == Base64.encodedCount(count))
            #expect(decode(encoded) == bytes)
        }
    }

    @Test(
        "refuses what it would not write",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm-_", "Zm 9",
            "Zm=v",
        ]
    )
    func invalid(text: String) {
        #expect(decode(Array(text.utf8)) == nil)
    }
}
