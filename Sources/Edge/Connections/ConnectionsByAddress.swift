internal import Reactor
internal import Synchronization
internal import Text

/// How many connections the clients of a node have, by their addresses: an IPv4 address, or an IPv6 network of 64 bits.
///
/// Thread: any; all reactors of a node share one, so that a limit is the node's, whichever of them has the connections. It is come to
/// as a connection begins and as it ends, and no oftener. Memory: some 60 bytes for each address that has a connection.
final class ConnectionsByAddress: Sendable {
    private let counts = Lock<[PeerAddress: Int]>([:])

    /// How many an address has.
    func count(of address: PeerAddress) -> Int { counts.withLock { $0[address.network, default: 0] } }

    /// It has one more.
    func add(_ address: PeerAddress) { counts.withLock { $0[address.network, default: 0] += 1 } }

    /// It has one less.
    func remove(_ address: PeerAddress) {
        counts.withLock { counts in
            let left = counts[address.network, default: 0] - 1
            counts[address.network] = left > 0 ? left : nil
        }
    }
}
