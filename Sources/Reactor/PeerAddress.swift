internal import CReactor

/// Where a connection comes from; IPv4 is mapped into IPv6.
///
/// Size: 16 bytes.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    init(_ address: creactor_address) {
        var copy = address.bytes
        (high, low) = withUnsafeBytes(of: &copy) {
            (
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Whether it is an IPv4 address.
    private var isFour: Bool { high == 0 && low >> 32 == 0xffff }

    /// What one customer of a provider has: an IPv4 address, or the 2^64 addresses of an IPv6 network (RFC 6177). Limits for an
    /// address count these, or who has a network would have 2^64 times the limit.
    public var network: PeerAddress { isFour ? self : PeerAddress(high: high, low: 0) }

    func raw(port: UInt16) -> creactor_address {
        var address = creactor_address()
        address.port = port
        withUnsafeMutableBytes(of: &address.bytes) {
            $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

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
