import Testing
import Text

@Suite("Addresses")
struct PeerAddressTests {
    @Test(
        "what is an address is read as one",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("192.0.2.255", "192.0.2.255"), ("::", "0:0:0:0:0:0:0:0"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("2001:DB8::", "2001:db8:0:0:0:0:0:0"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
            ("64:ff9b::1.2.3.4", "64:ff9b:0:0:0:0:102:304"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ]
    )
    func addresses(_ text: String, _ expected: String) {
        #expect(PeerAddress(text)?.description == expected)
    }

    @Test(
        "and nothing else is",
        arguments: [
            "", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4 ",
            " 1.2.3.4",
            "1.2.3.0x4", "0000.1.1.1", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::",
            "::1.2.3.4:5",
            "1:2:3:4:5:6:7:1.2.3.4", "localhost", "unknown", "::ffff:1.2.3.4.",
            "0:0:0:0:0:0:0:0:255.255.255.255:9999:9999:99",
        ]
    )
    func noAddresses(_ text: String) {
        #expect(PeerAddress(text) == nil)
    }

    @Test(
        "a network has the addresses that begin as it does",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"), ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "9.9.9.9", "::1"),
            ("192.0.2.128/25", "192.0.2.129", "192.0.2.127"), ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("2001:db8:0:1::/64", "2001:db8:0:1:ffff::", "2001:db8:0:2::"), ("::1", "::1", "::2"),
            ("2001:db8::8/125", "2001:db8::f", "2001:db8::10"), ("::/0", "10.0.0.1", ""),
        ]
    )
    func networks(_ text: String, _ within: String, _ outside: String) throws {
        let block = try #require(AddressBlock(text))
        #expect(block.contains(try #require(PeerAddress(within))))
        if let other = PeerAddress(outside) { #expect(!block.contains(other)) }
        #expect(AddressBlock(block.description) == block)
    }

    @Test(
        "what is not quite a network is none",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.1/8", "10.0.0.0/8/8",
            "::/129",
            "2001:db8::1/64", "a/8", "10.0.0.0 /8", "10.0.0.0/٣",
        ]
    )
    func noNetworks(_ text: String) {
        #expect(AddressBlock(text) == nil)
    }
}
