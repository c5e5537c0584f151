import Testing
import Text

@testable import Wire

@Suite("Whom a request is for that proxies pass on")
struct ForwardedForTests {
    /// Trusts 10.0.0.0/8 and 2001:db8::/32.
    private func client(_ lines: [String], isPairs: Bool) -> String? {
        let trusted = [AddressBlock("10.0.0.0/8")!, AddressBlock("2001:db8::/32")!]
        var reader = ForwardedFor()
        for line in lines {
            let bytes = Array(line.utf8)
            reader.read(ByteRange(0..<bytes.count), in: bytes.span, isPairs: isPairs) { address in
                trusted.contains { $0.contains(address) }
            }
        }
        return reader.client?.description
    }

    @Test(
        "X-Forwarded-For: the last address that is no trusted proxy's",
        arguments: [
            (["192.0.2.1"], "192.0.2.1"), (["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
            (["192.0.2.9", "192.0.2.1"], "192.0.2.1"),
            (["192.0.2.1, 10.0.0.1,10.0.0.2"], "192.0.2.1"), (["192.0.2.1", "10.0.0.1"], "192.0.2.1"),
            (["10.0.0.9, 192.0.2.1, 10.0.0.1"], "192.0.2.1"), (["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            (["unknown, 10.0.0.2"], "10.0.0.2"), (["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (["192.0.2.1, unknown"], nil),
            (["192.0.2.1:4711"], "192.0.2.1"), (["[2001:db9::1]:4711"], "2001:db9:0:0:0:0:0:1"),
            (["2001:db9::1"], "2001:db9:0:0:0:0:0:1"),
            (["::1"], "0:0:0:0:0:0:0:1"), (["\"192.0.2.1\""], "192.0.2.1"), (["", " , ,192.0.2.1, "], "192.0.2.1"),
            ([""], nil), ([","], nil),
            (["192.0.2.1, \"x"], nil), (["[::1"], nil), (["[::1]x"], nil), (["192.0.2.1:"], nil), (["\""], nil),
            (["localhost"], nil),
            (["::ffff:10.0.0.1"], "10.0.0.1"), (["for=192.0.2.1"], nil),
        ] as [([String], String?)]
    )
    func list(_ lines: [String], _ expected: String?) {
        #expect(client(lines, isPairs: false) == expected)
    }

    @Test(
        "Forwarded: the same of what its pairs say",
        arguments: [
            (["for=192.0.2.43"], "192.0.2.43"), (["For=\"[2001:db9:cafe::17]:4711\""], "2001:db9:cafe:0:0:0:0:17"),
            (["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            (["proto=https; FOR=192.0.2.60"], "192.0.2.60"),
            (["for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"), (["for=192.0.2.43, for=10.0.0.1"], "192.0.2.43"),
            (["for=192.0.2.43", "for=\"10.0.0.1:_port\""], "192.0.2.43"), (["for=_hidden, for=10.0.0.1"], "10.0.0.1"),
            (["for=unknown"], nil), (["by=10.0.0.1"], nil), (["192.0.2.1"], nil), (["for="], nil), (["for=\"\""], nil),
            // An open quote of the client's hides nothing.
            (["for=\"192.0.2.1, for=192.0.2.2"], "192.0.2.2"),
            (["for=\"a;b=\\\", for=192.0.2.2;by=10.0.0.1"], "192.0.2.2"),
            (["xfor=192.0.2.1"], nil), (["for=192.0.2.1;for=192.0.2.2"], "192.0.2.1"),
        ] as [([String], String?)]
    )
    func pairs(_ lines: [String], _ expected: String?) {
        #expect(client(lines, isPairs: true) == expected)
    }
}
