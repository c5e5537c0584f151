internal import CReactor
internal import Text

extension PeerAddress {
    init(_ address: creactor_address) {
        var copy = address.bytes
        let (high, low) = withUnsafeBytes(of: &copy) {
            (
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(high: high, low: low)
    }

    func raw(port: UInt16) -> creactor_address {
        var address = creactor_address()
        address.port = port
        withUnsafeMutableBytes(of: &address.bytes) {
            $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }
}
