internal import Broker
internal import Reactor

/// Sessions by name: those that a node holds, and those that its memory has in place of Redis.
///
/// Thread: owned by the uplink. A dictionary moves all it has when it grows: with 12,000 sessions that was a stop of 4 ms
/// for everything that is published, in the middle of the storm that makes it grow. Each of these moves its share only. And it
/// has room for about twice of what it has: so it has names and numbers only, and the sessions stand closely elsewhere.
final class SessionTable<Session> {
    /// How many parts there are.
    static var partCount: Int { 256 }

    private var shards = [[SessionID: SlabKey]](repeating: [:], count: partCount)
    private var sessions = Slab<Session>()

    var count: Int { sessions.count }

    subscript(id: SessionID) -> Session? {
        get { shards[id.shard][id].flatMap { sessions.pointer(to: $0)?.pointee } }
        set {
            let known = shards[id.shard][id]
            switch (known, newValue) {
            case (let key?, let session?): sessions.pointer(to: key)?.pointee = session
            case (let key?, nil):
                sessions.remove(key)
                shards[id.shard][id] = nil
            case (nil, let session?): shards[id.shard][id] = sessions.insert(session)
            case (nil, nil): break
            }
        }
    }

    var keys: [SessionID] { shards.flatMap(\.keys) }

    /// Those for which something holds.
    func all(where holds: (Session) -> Bool = { _ in true }) -> [(id: SessionID, session: Session)] {
        (0..<Self.partCount).flatMap { all(inPart: $0, where: holds) }
    }

    /// The same in one part.
    func all(inPart part: Int, where holds: (Session) -> Bool) -> [(id: SessionID, session: Session)] {
        var found: [(id: SessionID, session: Session)] = []
        for (id, key) in shards[part] {
            if let session = sessions.pointer(to: key)?.pointee, holds(session) { found.append((id, session)) }
        }
        return found
    }
}
