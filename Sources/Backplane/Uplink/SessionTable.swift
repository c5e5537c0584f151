internal import Broker

/// The sessions that a node holds, by name.
///
/// Thread: owned by the uplink. A dictionary moves all it has when it grows: with 12,000 sessions that was a stop of 4 ms
/// for everything that is published, in the middle of the storm that makes it grow. Each of these moves its share only.
struct SessionTable {
    private var shards = [[SessionID: HeldSession]](repeating: [:], count: 256)

    /// Sessions that are held.
    private(set) var count = 0

    subscript(id: SessionID) -> HeldSession? {
        get { shards[id.shard][id] }
        _modify {
            let before = shards[id.shard].count
            yield &shards[id.shard][id]
            count += shards[id.shard].count - before
        }
    }

    var keys: [SessionID] { shards.flatMap(\.keys) }

    /// Those for which something holds.
    func all(where holds: (HeldSession) -> Bool = { _ in true }) -> [(id: SessionID, session: HeldSession)] {
        shards.flatMap { shard in shard.compactMap { holds($0.value) ? ($0.key, $0.value) : nil } }
    }
}
