/// What comes in front of a connection: of a proxy that is trusted, or of anybody. `as <address>` is served as whoever is there, `closed`
/// is let go of without a word, and a status is what it is answered as a request.
enum HostileProxyRows {
    /// In front of a request, from an address that is trusted.
    static let trusted = texts + binaries

    /// The same from anybody.
    static let untrusted: [HostileRow] = [
        HostileRow("a line from anybody", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n", "400"),
        HostileRow("an address of IPv6 from anybody", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "400"),
        HostileRow("a line that says nothing, from anybody", "PROXY UNKNOWN\r\n", "400"),
        HostileRow("bytes from anybody", binary(0x21, 0x11, four), "400"),
        HostileRow("a check of health from anybody", binary(0x20, 0x00, []), "400"),
    ]

    private static let texts: [HostileRow] = [
        HostileRow("a line", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n", "as 192.0.2.1"),
        HostileRow("a line that says nothing", "PROXY UNKNOWN a b c d\r\n", "as 127.0.0.1"),
        HostileRow("no header", "", "closed"),
        HostileRow("a line of 108 bytes", "PROXY UNKNOWN \(String(repeating: "x", count: 92))\r\n", "closed"),
        HostileRow("a line without an end", "PROXY TCP4 \(String(repeating: "1", count: 4_000))", "closed"),
        HostileRow("a line in small letters", "proxy tcp4 192.0.2.1 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("a line that ends in a line feed", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n", "closed"),
        HostileRow("a line of two spaces", "PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("a line with a space behind", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 \r\n", "closed"),
        HostileRow("a line without ports", "PROXY TCP4 192.0.2.1 10.0.0.1\r\n", "closed"),
        HostileRow("a port beyond the last", "PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n", "closed"),
        HostileRow("a port with a sign", "PROXY TCP4 192.0.2.1 10.0.0.1 -1 2\r\n", "closed"),
        HostileRow("a port that begins with nought", "PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n", "closed"),
        HostileRow("an address that begins with nought", "PROXY TCP4 192.0.2.01 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("an address of three parts", "PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("an address in hexadecimal", "PROXY TCP4 0xc0000201 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("an address of another family", "PROXY TCP4 ::1 ::1 1 2\r\n", "closed"),
        HostileRow("an address of the other family", "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("an address in brackets", "PROXY TCP6 [::1] [::1] 1 2\r\n", "closed"),
        HostileRow("an address with a zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "closed"),
        HostileRow("a name for an address", "PROXY TCP4 localhost localhost 1 2\r\n", "closed"),
        HostileRow("a NUL behind an address", "PROXY TCP4 192.0.2.1\0 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("UDP", "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n", "closed"),
        HostileRow("two lines", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\nPROXY TCP4 192.0.2.2 10.0.0.1 1 2\r\n", "400"),
        HostileRow("bytes behind a line", Array("PROXY UNKNOWN\r\n".utf8) + binary(0x21, 0x11, four), "400"),
    ]

    private static let binaries: [HostileRow] = [
        HostileRow("bytes", binary(0x21, 0x11, four), "as 192.0.2.1"),
        HostileRow("a check of health", binary(0x20, 0x00, []), "as 127.0.0.1"),
        HostileRow("a check of health that names addresses", binary(0x20, 0x11, four), "as 127.0.0.1"),
        HostileRow(
            "a socket of the file system",
            binary(0x21, 0x31, [UInt8](repeating: 0x2f, count: 216)),
            "as 127.0.0.1"
        ),
        HostileRow("a family that nobody says", binary(0x21, 0x00, []), "as 127.0.0.1"),
        HostileRow("version 1 in bytes", binary(0x11, 0x11, four), "closed"),
        HostileRow("version 3", binary(0x31, 0x11, four), "closed"),
        HostileRow("a command that there is not", binary(0x22, 0x11, four), "closed"),
        HostileRow("a family that there is not", binary(0x21, 0x41, four), "closed"),
        HostileRow("a kind of socket that there is not", binary(0x21, 0x13, four), "closed"),
        HostileRow("datagrams", binary(0x21, 0x12, four), "closed"),
        HostileRow("an address that is cut", binary(0x21, 0x11, Array(four.dropLast())), "closed"),
        HostileRow("six's address in four's room", binary(0x21, 0x21, four), "closed"),
        HostileRow("a path that is cut", binary(0x21, 0x31, [0x2f]), "closed"),
        HostileRow("a length of 64 KiB", binary(0x21, 0x11, four, length: 65_535), "closed"),
        HostileRow(
            "another signature",
            signature.dropLast() + [0x0b] + binary(0x21, 0x11, four).dropFirst(12),
            "closed"
        ),
        HostileRow("bytes twice", binary(0x21, 0x11, four) + binary(0x21, 0x11, four), "400"),
        HostileRow("a line behind bytes", binary(0x20, 0x00, []) + Array("PROXY UNKNOWN\r\n".utf8), "400"),
    ]

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    private static let four: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0, 1, 0, 2]

    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + rest
    }
}
