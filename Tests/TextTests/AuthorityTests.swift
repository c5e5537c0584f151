import Testing

@testable import Text

@Suite("Host and port")
struct AuthorityTests {
    @Test(
        "what is one",
        arguments: [
            ("a", "a", nil, "a"), ("a:80", "a", 80, "a"), ("a:", "a", nil, "a"), ("a:0", "a", 0, "a"),
            ("127.0.0.1:65535", "127.0.0.1", 65_535, "127.0.0.1"), ("[::1]", "::1", nil, "[::1]"),
            ("[fe80::1]:1", "fe80::1", 1, "[fe80::1]"), ("[::1]:", "::1", nil, "[::1]"),
            ("Ä.example", "Ä.example", nil, "Ä.example"),
        ] as [(String, String, UInt16?, String)]
    )
    func reads(_ text: String, _ host: String, _ port: UInt16?, _ hostText: String) throws {
        let authority = try #require(Authority(text))
        #expect(authority.host == host && authority.port == port && authority.hostText == hostText)
    }

    @Test(
        "what is none",
        arguments: [
            "", ":", ":80", "a:b", "a:+80", "a:-1", "a:65536", "a:1:2", "::1", "[::1", "[]", "[]:1", "[::1]x",
            "[::1]:x",
            "a/b", "user@a", "a?b", "a#b", "a]", "x[::1]",
        ]
    )
    func refuses(_ text: String) { #expect(Authority(text) == nil) }

    @Test("addresses in numbers are told from names")
    func addresses() {
        for text in ["127.0.0.1", "[::1]", "1.2.3.4:80"] { #expect(Authority(text)?.isAddress == true) }
        for text in ["a", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.a", "1..2.3"] {
            #expect(Authority(text)?.isAddress == false)
        }
    }
}
