/// The addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one alone. Source: RFC 4632, RFC 4291 §2.3.
///
/// Size: 32 bytes.
public struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    private let first: PeerAddress
    private let mask: PeerAddress
    private let bitCount: Int

    /// Reads an address, or a network in CIDR notation. `nil` where it is neither, and where bits behind the prefix are set:
    /// `10.1.2.3/8` is more than somebody meant, or less.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = PeerAddress(String(parts[0])) else { return nil }
        let bits = address.isFour ? 32 : 128
        var prefix = bits
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(parts[1]), number <= bits
            else { return nil }
            prefix = number
        }
        let fixed = prefix + 128 - bits
        mask = PeerAddress(high: Self.ones(fixed), low: Self.ones(fixed - 64))
        guard address.high & ~mask.high == 0, address.low & ~mask.low == 0 else { return nil }
        first = address
        bitCount = prefix
    }

    /// So many ones from the left, of 64 bits.
    private static func ones(_ count: Int) -> UInt64 { count <= 0 ? 0 : UInt64.max << max(64 - count, 0) }

    /// Whether an address is one of them.
    public func contains(_ address: PeerAddress) -> Bool {
        address.high & mask.high == first.high && address.low & mask.low == first.low
    }

    /// The address, and its prefix where there are others.
    public var description: String {
        bitCount == (first.isFour ? 32 : 128) ? "\(first)" : "\(first)/\(bitCount)"
    }
}
