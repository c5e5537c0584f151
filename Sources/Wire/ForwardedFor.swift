public import Text

/// Finds the client among the addresses that proxies note on a request's way: the last one that is not a proxy's own. What stands
/// before it the client may have made up.
///
/// It reads from left to right, line by line, and holds one address. Source: RFC 7239 §4 to §6; `X-Forwarded-For` is a list of
/// addresses, the nearest proxy's last.
public struct ForwardedFor {
    /// The client, by what was read so far; `nil` while nobody can be told apart from the nearest proxy.
    public private(set) var client: PeerAddress?

    /// Has read nothing.
    public init() {}

    /// Reads one line of a field.
    ///
    /// - Parameters:
    ///   - isPairs: whether its elements are pairs, as in `Forwarded`, of which `for` counts.
    ///   - isTrusted: whether an address is a proxy's whose word is taken.
    public mutating func read(
        _ line: ByteRange,
        in bytes: Span<UInt8>,
        isPairs: Bool,
        isTrusted: (PeerAddress) -> Bool
    ) {
        let end = line.indices.upperBound
        var start = line.indices.lowerBound
        while start <= end {
            // A comma within quotes ends an element, too: no address has one, and an open quote of the client's must not hide
            // what a proxy writes behind it.
            let element = ByteRange.run(in: bytes.extracting(0..<end), from: start) { $0 != UInt8(ascii: ",") }
            start = element.indices.upperBound + 1
            let trimmed = element.trimmingOptionalWhitespace(in: bytes)
            if trimmed.isEmpty { continue }
            let node = isPairs ? Self.node(of: trimmed, in: bytes) : trimmed
            note(node.flatMap { Self.address($0, in: bytes) }, isTrusted)
        }
    }

    private mutating func note(_ address: PeerAddress?, _ isTrusted: (PeerAddress) -> Bool) {
        guard let address else {
            // Who this is is not known, and what stands before it is its word.
            client = nil
            return
        }
        // Where there are proxies all the way, it is the first of them.
        if client == nil || !isTrusted(address) { client = address }
    }

    /// The value of `for` in `for=192.0.2.60;proto=http`.
    private static func node(of element: ByteRange, in bytes: Span<UInt8>) -> ByteRange? {
        let end = element.indices.upperBound
        var start = element.indices.lowerBound
        while start < end {
            let pair = ByteRange.run(in: bytes.extracting(0..<end), from: start) { $0 != UInt8(ascii: ";") }
            start = pair.indices.upperBound + 1
            let trimmed = pair.trimmingOptionalWhitespace(in: bytes)
            guard trimmed.hasPrefix(ignoringCase: "for=", in: bytes) else { continue }
            return ByteRange(trimmed.indices.lowerBound + 4..<trimmed.indices.upperBound)
        }
        return nil
    }

    /// An address, in quotes or not; with a port or not; IPv6 in brackets or, where there is no port, without.
    private static func address(_ node: ByteRange, in bytes: Span<UInt8>) -> PeerAddress? {
        var (start, end) = (node.indices.lowerBound, node.indices.upperBound)
        if end - start >= 2, bytes[start] == UInt8(ascii: "\""), bytes[end - 1] == UInt8(ascii: "\"") {
            (start, end) = (start + 1, end - 1)
        }
        guard start < end else { return nil }
        if bytes[start] == UInt8(ascii: "[") {
            let inner = ByteRange.run(in: bytes.extracting(0..<end), from: start + 1) { $0 != UInt8(ascii: "]") }
            guard inner.indices.upperBound < end, isPort(inner.indices.upperBound + 1..<end, in: bytes) else {
                return nil
            }
            return PeerAddress(bytes.extracting(inner.indices))
        }
        let host = ByteRange.run(in: bytes.extracting(0..<end), from: start) { $0 != UInt8(ascii: ":") }
        let isWhole = host.indices.upperBound == end
        if isWhole || !isPort(host.indices.upperBound..<end, in: bytes) {
            return PeerAddress(bytes.extracting(start..<end))
        }
        // `::1` has a colon in front of digits as well, but nothing in front of that.
        return PeerAddress(bytes.extracting(host.indices)) ?? PeerAddress(bytes.extracting(start..<end))
    }

    /// Whether bytes are nothing, or a colon and a port, which RFC 7239 lets be a made-up name, too.
    private static func isPort(_ indices: Range<Int>, in bytes: Span<UInt8>) -> Bool {
        guard !indices.isEmpty else { return true }
        guard bytes[indices.lowerBound] == UInt8(ascii: ":"), (2...7).contains(indices.count) else { return false }
        for index in indices.dropFirst() {
            let byte = bytes[index]
            guard
                byte.isAlphanumeric || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: "-")
            else { return false }
        }
        return true
    }
}
