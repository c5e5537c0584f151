import Testing

@testable import Wire

@Suite("Scripts")
struct ScriptTests {
    private func string(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { bytes in written { $0.appendScriptString(bytes) } }
    }

    private func json(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { bytes in written { $0.append(scriptJSON: bytes) } }
    }

    private func written(_ body: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        body(&buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test("nothing in a string ends the script or the string, and it is JSON, too")
    func strings() {
        #expect(string("") == #""""#)
        #expect(string("</script><!--") == #""\u003c/script>\u003c!--""#)
        #expect(string("\u{2028}a\u{2029}") == #""\u2028a\u2029""#)
        #expect(string("\"\\\n\u{0}\u{7F}") == "\"\\\"\\\\\\n\\u0000\u{7F}\"")
        #expect(string("ü☄️\u{2027}\u{202A}") == "\"ü☄️\u{2027}\u{202A}\"")
    }

    @Test("JSON stays what it is")
    func values() {
        #expect(json(#"{"a":"<b>\n","c":[1]}"#) == #"{"a":"\u003cb>\n","c":[1]}"#)
        #expect(json("\"\u{2028}\"") == #""\u2028""#)
        // Bytes that only begin like a separator.
        #expect(json("\"\u{2020}\"") == "\"\u{2020}\"")
    }

    @Test(
        "names of functions",
        arguments: [
            ("f", true), ("app.on_message", true), ("$._1", true), ("jQuery36009_17", true), ("a.b.c", true),
            ("", false), (".", false), ("a.", false), (".a", false), ("a..b", false), ("1a", false), ("a.1", false),
            ("a-b", false), ("a[0]", false), ("a b", false), ("a(", false), ("ä", false), ("a\u{0}", false),
        ]
    )
    func callbacks(text: String, isName: Bool) {
        #expect((CallbackName(text) != nil) == isName)
        #expect(CallbackName(String(repeating: "a", count: 128)) != nil)
        #expect(CallbackName(String(repeating: "a", count: 129)) == nil)
    }
}

@Suite("Dates")
struct HTTPDateTests {
    @Test(
        "as RFC 9110 writes them",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_795_651_200, "Thu, 26 Nov 2026 00:00:00 GMT"),
        ] as [(UInt64, String)]
    )
    func dates(seconds: UInt64, text: String) { #expect(HTTPDate(seconds: seconds).text == text) }
}
