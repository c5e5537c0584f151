/// Where a connection comes from; IPv4 is mapped into IPv6 (RFC 4291 §2.5.5.2).
///
/// Size: 16 bytes.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The first 64 bits: the network, where it is IPv6.
    public let high: UInt64

    /// The other 64 bits.
    public let low: UInt64

    /// Makes an address of its bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an IPv4 address of its bits.
    public init(four bits: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(bits)) }

    /// Whether it is an IPv4 address.
    public var isFour: Bool { high == 0 && low >> 32 == 0xffff }

    /// What one customer of a provider has: an IPv4 address, or the 2^64 addresses of an IPv6 network (RFC 6177). Limits for an
    /// address count these, or who has a network would have 2^64 times the limit.
    public var network: PeerAddress { isFour ? self : PeerAddress(high: high, low: 0) }

    /// Dotted decimal for IPv4, else eight groups in hexadecimal.
    public var description: String {
        if isFour {
            return (0..<4).map { String(low >> (24 - 8 * $0) & 0xff) }.joined(separator: ".")
        }
        return (0..<8).map { group in
            String((group < 4 ? high : low) >> UInt64(48 - 16 * (group % 4)) & 0xffff, radix: 16)
        }.joined(separator: ":")
    }
}

// MARK: Text

extension PeerAddress {
    /// Reads an address as people and proxies write it: dotted decimal, or IPv6 as in RFC 4291 §2.2, without brackets, port
    /// and zone; `nil` where it is none.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span)
    }

    /// The same, of bytes.
    public init?(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.textBytesMax else { return nil }
        for index in 0..<bytes.count where bytes[index] == UInt8(ascii: ":") {
            self.init(six: bytes)
            return
        }
        guard let four = Self.four(bytes) else { return nil }
        self.init(four: four)
    }

    /// Bytes of the longest: six groups and an IPv4 address.
    private static let textBytesMax = 45

    /// Four numbers without leading zeros, which some would read as octal.
    private static func four(_ bytes: Span<UInt8>) -> UInt32? {
        var (address, part, digits, parts) = (UInt32(0), UInt32(0), 0, 0)
        for index in 0...bytes.count {
            guard index < bytes.count, bytes[index] != UInt8(ascii: ".") else {
                guard digits > 0, part <= 255, parts < 4 else { return nil }
                (address, parts, part, digits) = (address << 8 | part, parts + 1, 0, 0)
                continue
            }
            let byte = bytes[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 3, digits == 0 || part > 0 else {
                return nil
            }
            part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
            digits += 1
        }
        return parts == 4 ? address : nil
    }

    /// Up to eight groups, with one `::` in the place of one or more that are zero, and perhaps an IPv4 address for the last two.
    private init?(six bytes: Span<UInt8>) {
        var head = Groups()
        var tail = Groups()
        var hasGap = false
        var index = 0
        if bytes.count >= 2, bytes[0] == UInt8(ascii: ":") {
            guard bytes[1] == UInt8(ascii: ":") else { return nil }
            (hasGap, index) = (true, 2)
        }
        while index < bytes.count {
            var end = index
            var isFour = false
            while end < bytes.count, bytes[end] != UInt8(ascii: ":") {
                isFour = isFour || bytes[end] == UInt8(ascii: ".")
                end += 1
            }
            let part = bytes.extracting(index..<end)
            if isFour {
                guard end == bytes.count, let four = Self.four(part) else { return nil }
                if hasGap { tail.add(four: four) } else { head.add(four: four) }
                index = end
                break
            }
            guard let group = Self.group(part) else { return nil }
            if hasGap { tail.add(group) } else { head.add(group) }
            guard end < bytes.count else { break }
            index = end + 1
            // Behind a colon there is a group, or the other colon of the gap.
            guard index < bytes.count else { return nil }
            if bytes[index] == UInt8(ascii: ":") {
                guard !hasGap else { return nil }
                (hasGap, index) = (true, index + 1)
            }
        }
        let count = head.count + tail.count
        guard hasGap ? count < 8 : count == 8 else { return nil }
        let front = head.shifted(byGroups: 8 - head.count)
        self.init(high: front.high | tail.high, low: front.low | tail.low)
    }

    private static func group(_ bytes: Span<UInt8>) -> UInt64? {
        guard (1...4).contains(bytes.count) else { return nil }
        var value: UInt64 = 0
        for index in 0..<bytes.count {
            guard let digit = PercentCoding.hexadecimalValue(of: bytes[index]) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// Groups of 16 bits, the last one at the right end.
    private struct Groups {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0

        mutating func add(_ group: UInt64) {
            high = high << 16 | low >> 48
            low = low << 16 | group
            count += 1
        }

        mutating func add(four: UInt32) {
            add(UInt64(four >> 16))
            add(UInt64(four & 0xffff))
        }

        func shifted(byGroups places: Int) -> Groups {
            var shifted = self
            for _ in 0..<max(places, 0) { shifted.add(0) }
            return shifted
        }
    }
}
