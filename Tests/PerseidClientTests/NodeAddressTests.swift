import Testing

@testable import PerseidClient

@Suite struct NodeAddressTests {
    @Test(
        "where a node is",
        arguments: [
            ("http://a", "a", 80, "a"), ("http://a:8080/", "a", 8_080, "a:8080"),
            ("http://[::1]:1", "::1", 1, "[::1]:1"),
            ("http://[::1]", "::1", 80, "[::1]"), ("https://a", "a", 443, "a"), ("https://a:80", "a", 80, "a:80"),
            ("http://a:443", "a", 443, "a:443"),
        ]
    )
    func reads(_ url: String, _ host: String, _ port: UInt16, _ authority: String) throws {
        let address = try NodeAddress(url)
        #expect(address.host == host && address.port == port && address.authority == authority)
        #expect(address.isSecure == url.hasPrefix("https") && address.url.hasSuffix("//\(authority)"))
    }

    @Test(
        "what cannot be followed to the letter is refused",
        arguments: [
            "a:8080", "ws://a", "HTTP://a", "https:/a", "http:a", "http://", "http://a:0", "http://a:65536",
            "http://a:+80", "http://a:",
            "http://a/prefix",
            "http://user:secret@a", "http://a?x=1",
        ]
    )
    func refuses(_ url: String) {
        #expect(throws: NodeAddress.Unusable.self) { try NodeAddress(url) }
    }
}
