internal import Backplane
internal import Broker
internal import Hub
internal import Reactor
internal import Synchronization
internal import Wire

// What operators are told of the node while one of them looks.
extension EdgeReactor {
    /// Once a second: notes which channels were busy, if somebody wants to know; and the first reactor says how the node is. While nobody
    /// listens it only tries now and then, for only Redis can tell whether somebody does.
    func tellFacts() {
        let isWatched = node.uplink.factsListeners.value > 0
        let busiest = hub.takeBusiest(countMax: NodeFacts.busiestMax, isWatched: isWatched)
        metrics.busiest.withLock { $0 = busiest }
        guard number == 0, isWatched || nextFactsTick.map(isDue) ?? true else { return }
        nextFactsTick = reactor.tick(afterMilliseconds: limits.factsAttemptMilliseconds)
        sayFacts()
    }

    /// Says how the node is, now.
    func sayFacts() {
        var text = ByteBuffer(capacity: 4_096)
        text.append(NodeFacts(node, configuration))
        uplink.post(.tellFacts(Payload(kind: .json, bytes: Array(text.bytes))))
    }
}
