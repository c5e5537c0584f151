public import Text

/// What a proxy says in front of a connection's first byte: where that really comes from. Versions 1 and 2.
///
/// A value without I/O: whoever receives shows it all that has come so far, as often as more comes. Source: "The PROXY protocol,
/// versions 1 & 2", haproxy.org, proxy-protocol.txt, §2.1 and §2.2.
public struct ProxyHeader: Equatable, Sendable {
    /// The client's address; `nil` where the proxy speaks for itself (`LOCAL`, as in its checks) or does not know (`UNKNOWN`,
    /// `AF_UNSPEC`), or where that is no address (`AF_UNIX`): then the connection comes from the proxy.
    public let source: PeerAddress?

    /// Bytes of the header. What follows is the client's.
    public let byteCount: Int

    /// What bytes are, as far as they have come.
    public enum Reading: Equatable, Sendable {
        /// All of a header, and perhaps more.
        case complete(ProxyHeader)
        /// The beginning of one.
        case incomplete
        /// No header, or none that may be.
        case malformed
    }

    /// Bytes of a line of version 1 at most, its end among them (§2.1).
    private static let lineBytesMax = 107

    /// Bytes of a header of version 2 at most. Its length has room for 64 KiB, its addresses for 216 bytes (`AF_UNIX`); what
    /// proxies add are names and certificates' subjects.
    public static let byteCountMax = 4_096

    /// Reads the beginning of a connection.
    public static func read(_ bytes: Span<UInt8>) -> Reading {
        guard bytes.count > 0 else { return .incomplete }
        return bytes[0] == UInt8(ascii: "P") ? readLine(bytes) : readBinary(bytes)
    }

    private static func begins(_ bytes: Span<UInt8>, with literal: StaticString) -> Bool {
        for index in 0..<min(bytes.count, literal.utf8CodeUnitCount) where bytes[index] != literal.utf8Start[index] {
            return false
        }
        return true
    }

    // MARK: Version 1

    private static func readLine(_ bytes: Span<UInt8>) -> Reading {
        guard begins(bytes, with: "PROXY ") else { return .malformed }
        var end = 0
        let most = min(bytes.count, lineBytesMax)
        while end < most, bytes[end] != .carriageReturn {
            if bytes[end] == .lineFeed { return .malformed }
            end += 1
        }
        guard end + 1 < lineBytesMax else { return .malformed }
        guard end + 1 < bytes.count else { return .incomplete }
        guard bytes[end + 1] == .lineFeed else { return .malformed }
        var rest = ByteRange(6..<max(end, 6))
        let count = end + 2
        let family = word(&rest, in: bytes)
        if family.equals("UNKNOWN", in: bytes) { return .complete(ProxyHeader(source: nil, byteCount: count)) }
        let isFour = family.equals("TCP4", in: bytes)
        guard isFour || family.equals("TCP6", in: bytes) else { return .malformed }
        let source = address(word(&rest, in: bytes), isFour: isFour, in: bytes)
        let target = address(word(&rest, in: bytes), isFour: isFour, in: bytes)
        let ports = (word(&rest, in: bytes), rest)
        guard let source, target != nil, isPort(ports.0, in: bytes), isPort(ports.1, in: bytes) else {
            return .malformed
        }
        return .complete(ProxyHeader(source: source, byteCount: count))
    }

    /// Takes what stands in front of the next space.
    private static func word(_ rest: inout ByteRange, in bytes: Span<UInt8>) -> ByteRange {
        let (start, end) = (rest.indices.lowerBound, rest.indices.upperBound)
        var index = start
        while index < end, bytes[index] != UInt8(ascii: " ") { index += 1 }
        rest = ByteRange(min(index + 1, end)..<end)
        return ByteRange(start..<index)
    }

    private static func address(_ word: ByteRange, isFour: Bool, in bytes: Span<UInt8>) -> PeerAddress? {
        let text = bytes.extracting(word.indices)
        // Colons tell the families apart: one of IPv6 may be an IPv4 address that is mapped.
        var hasColon = false
        for index in 0..<text.count where text[index] == UInt8(ascii: ":") { hasColon = true }
        return hasColon == isFour ? nil : PeerAddress(text)
    }

    private static func isPort(_ word: ByteRange, in bytes: Span<UInt8>) -> Bool {
        let text = bytes.extracting(word.indices)
        guard (1...5).contains(text.count), text[0] != UInt8(ascii: "0") || text.count == 1 else { return false }
        var number = 0
        for index in 0..<text.count {
            guard text[index].isDigit else { return false }
            // bounded: a digit
            number = number * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return number <= 65_535
    }

    // MARK: Version 2

    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"

    /// Bytes in front of the addresses: signature, version and command, family, length.
    private static let fixedBytes = 16

    private static func readBinary(_ bytes: Span<UInt8>) -> Reading {
        guard begins(bytes, with: signature) else { return .malformed }
        // Said as soon as it is known, or a peer could be waited for that is wrong already.
        if bytes.count > 12, bytes[12] != 0x20, bytes[12] != 0x21 { return .malformed }
        guard bytes.count >= fixedBytes else { return .incomplete }
        // bounded: a byte each
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        let count = fixedBytes + length
        guard count <= byteCountMax else { return .malformed }
        let isLocal = bytes[12] == 0x20
        let (family, transport) = (bytes[13] >> 4, bytes[13] & 15)
        if !isLocal {
            // bounded: half a byte
            guard family <= 3, transport <= 2, length >= addressBytes[Int(family)] else { return .malformed }
            // Datagrams do not come by a connection.
            guard transport != 2 else { return .malformed }
        }
        guard bytes.count >= count else { return .incomplete }
        // What stands behind the addresses is for others.
        let isKnown = !isLocal && transport == 1
        let source: PeerAddress? =
            switch family {
            case 1 where isKnown: PeerAddress(four: UInt32(truncatingIfNeeded: number(of: 4, at: 16, in: bytes)))
            case 2 where isKnown:
                PeerAddress(high: number(of: 8, at: 16, in: bytes), low: number(of: 8, at: 24, in: bytes))
            default: nil
            }
        return .complete(ProxyHeader(source: source, byteCount: count))
    }

    /// Bytes of the addresses and ports of a family: unspecified, IPv4, IPv6, Unix.
    private static let addressBytes = [0, 12, 36, 216]

    private static func number(of count: Int, at offset: Int, in bytes: Span<UInt8>) -> UInt64 {
        var number: UInt64 = 0
        for index in offset..<offset + count { number = number << 8 | UInt64(bytes[index]) }
        return number
    }
}
