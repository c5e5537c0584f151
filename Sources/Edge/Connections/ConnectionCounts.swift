internal import Reactor
internal import Synchronization

/// How many connections the clients of a node have, by whose they are: an address, or a user.
///
/// Thread: any; all reactors of a node share one, so that a limit is the node's, whichever of them has the connections. It is come to
/// as a connection begins and as it ends, and no oftener. Memory: some 60 bytes for each owner that has a connection.
final class ConnectionCounts<Owner: Hashable & Sendable>: Sendable {
    private let counts = Lock<[Owner: Int]>([:])

    /// How many somebody has.
    func count(of owner: Owner) -> Int { counts.withLock { $0[owner, default: 0] } }

    /// There is one more.
    func add(_ owner: Owner) { counts.withLock { $0[owner, default: 0] += 1 } }

    /// There is one less.
    func remove(_ owner: Owner) {
        counts.withLock { counts in
            let left = counts[owner, default: 0] - 1
            counts[owner] = left > 0 ? left : nil
        }
    }
}
