internal import CReactor
public import Text

/// Where a host listens: an address and a port.
///
/// Size: 32 bytes.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The address; IPv4 is mapped into IPv6.
    public let address: PeerAddress

    /// The TCP port.
    public let port: UInt16

    /// The interface of a link-local address, else 0.
    private let scope: UInt32

    init(_ raw: creactor_endpoint) {
        address = PeerAddress(raw.address)
        port = raw.address.port
        scope = raw.scope
    }

    var raw: creactor_endpoint {
        var raw = creactor_endpoint()
        raw.address = address.raw(port: port)
        raw.scope = scope
        return raw
    }

    /// As in a log: `192.0.2.1:6379`, `[2001:db8:0:0:0:0:0:1]:6379`.
    public var description: String {
        let text = "\(address)"
        return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
    }
}
