import Testing
import Text
import Wire

@Suite("The PROXY protocol's header")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    /// A header of version 2.
    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + rest
    }

    private static let four: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0xd4, 0x31, 0, 80]
    private static let six: [UInt8] =
        [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 9, count: 20)

    private func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { ProxyHeader.read(bytes.span) }

    private func source(_ bytes: [UInt8]) -> String? {
        guard case .complete(let header) = read(bytes) else { return nil }
        return header.source?.description ?? "none"
    }

    static let good: [([UInt8], String)] = [
        (Array("PROXY TCP4 192.0.2.1 10.0.0.1 54321 80\r\n".utf8), "192.0.2.1"),
        (Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8), "255.255.255.255"),
        (Array("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n".utf8), "0.0.0.0"),
        (Array("PROXY TCP6 2001:db8::7 ::1 1 2\r\n".utf8), "2001:db8:0:0:0:0:0:7"),
        (Array("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n".utf8), "192.0.2.1"),
        (Array("PROXY UNKNOWN\r\n".utf8), "none"),
        (Array("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".utf8), "none"),
        (Array("PROXY UNKNOWN \(String(repeating: "x", count: 91))\r\n".utf8), "none"),
        (binary(0x21, 0x11, four), "192.0.2.1"),
        (binary(0x21, 0x21, six), "2001:db8:0:0:0:0:0:7"),
        // What stands behind the addresses: types, lengths, values.
        (binary(0x21, 0x11, four + [0x04, 0, 3, 1, 2, 3]), "192.0.2.1"),
        (binary(0x21, 0x11, four + [UInt8](repeating: 0, count: 4_096 - 28)), "192.0.2.1"),
        (binary(0x20, 0x00, []), "none"),
        (binary(0x20, 0x11, four), "none"),
        (binary(0x20, 0xff, [1, 2, 3]), "none"),
        (binary(0x21, 0x00, []), "none"),
        (binary(0x21, 0x00, four), "none"),
        (binary(0x21, 0x31, [UInt8](repeating: 0x61, count: 216)), "none"),
        (binary(0x21, 0x10, four), "none"),
    ]

    @Test("a whole one says where a connection comes from, and how long it is", arguments: good)
    func whole(_ header: [UInt8], _ expected: String) {
        #expect(source(header) == expected)
        guard case .complete(let alone) = read(header), case .complete(let before) = read(header + Array("GET /".utf8))
        else {
            Issue.record("not whole")
            return
        }
        #expect(alone.byteCount == header.count && before == alone)
    }

    @Test("until it is whole it is the beginning of one, whatever byte it ends with", arguments: good)
    func pieces(_ header: [UInt8], _ expected: String) {
        for count in 0..<header.count { #expect(read(Array(header[..<count])) == .incomplete, "\(count) bytes") }
    }

    @Test(
        "what is none is known as soon as it can be",
        arguments: [
            "GET / HTTP/1.1\r\n", "PUT /", "PRO ", "proxy TCP4", "PROXY\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
            "PROXY TCP5 1 2 3 4\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\rx",
            "PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 \r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 -1 2\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 x\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP4 ::ffff:1.2.3.4 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
            "PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0 1 2\r\n",
            "PROXY TCP4\t192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY UNKNOWNX\r\n", "PROXY UNKNOWN \(String(repeating: "x", count: 92))\r\n",
            "PROXY \(String(repeating: "x", count: 101))",
            "\r\nGET", "\r\n\r\n\0\r\nQUIX", "\n", " PROXY TCP4",
        ]
    )
    func malformedText(_ text: String) {
        #expect(read(Array(text.utf8)) == .malformed)
    }

    @Test(
        "nor is what is another version, has no room for its addresses, or is too long",
        arguments: [
            binary(0x11, 0x11, four), binary(0x31, 0x11, four), binary(0x22, 0x11, four), binary(0x2f, 0x11, four),
            binary(0x21, 0x41, four), binary(0x21, 0x13, four), binary(0x21, 0x12, four),
            binary(0x21, 0x11, Array(four.dropLast())),
            binary(0x21, 0x21, Array(six.dropLast())), binary(0x21, 0x31, [1, 2]),
            binary(0x21, 0x11, four, length: 65_535),
            binary(0x20, 0x00, [], length: 4_081), signature + [0x99],
        ]
    )
    func malformedBinary(_ bytes: [UInt8]) {
        #expect(read(bytes) == .malformed)
    }

    @Test("whatever comes is one of the three, and more never makes a whole one another")
    func random() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = Self.good.randomElement(using: &random)!.0
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<min(bytes.count, 64), using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            guard case .complete(let header) = read(bytes) else { continue }
            #expect(header.byteCount <= bytes.count && header.byteCount <= ProxyHeader.byteCountMax)
            #expect(read(bytes + [1, 2, 3]) == .complete(header), "\(bytes)")
        }
    }
}
