internal import Broker
internal import Hub
internal import Reactor
internal import TLS
internal import Wire

// When clients together hold more than the node has for them, those go first that have held theirs for longest: a client that
// sends a whole request, or reads its answer, has done so in a moment.
extension EdgeReactor {
    /// Lets go of the clients that hold memory for longest, down to three quarters of what is allowed: so a look at all
    /// connections is paid for by a quarter of that.
    func relieveMemory() {
        let inputMax = limits.heldInputBytesMax / configuration.reactorCount
        let outputMax = limits.heldOutputBytesMax / configuration.reactorCount
        if heldInputBytes > inputMax { relieveInput(downTo: inputMax / 4 * 3) }
        if heldOutputBytes + hub.held.replayBytes > outputMax { relieveOutput(downTo: outputMax / 4 * 3) }
    }

    /// Memory for what clients have begun to say: requests, messages, records of TLS.
    var heldInputBytes: Int { hub.held.inputBytes + (security?.records.partialBytes ?? 0) }

    /// Memory for what waits for clients that read slowly: answers, and what is encrypted for one of them.
    var heldOutputBytes: Int { hub.held.outputBytes + (security?.records.unsentBytes ?? 0) }

    // MARK: Letting go

    private func relieveInput(downTo bytesMax: Int) {
        for slot in slots(oldestFirst: Self.holdsInput) where heldInputBytes > bytesMax {
            metrics.evictions.add()
            let connection = connections[live: slot]
            if connection.pointee.client.encoding == nil, connection.pointee.input?.lines == nil,
                !connection.pointee.answer.contains(.isAwaited), !connection.pointee.link.holdsPartialRecord
            {
                // Like every limit on a request it is told, and ends the connection.
                connections[live: slot].pointee.input = nil
                reject(slot, HTTPRejection(status: 503, field: "body", reason: "too many requests are not whole"))
            } else {
                debug(slot, "closed: too many messages are not whole")
                close(slot)
            }
        }
    }

    /// Since when a connection holds input, if it does.
    private static func holdsInput(_ connection: borrowing Connection) -> Tick? {
        let holdsNone = connection.input?.holdsNothing ?? true
        let isEmpty = holdsNone && connection.decoder.heldBytes == 0 && !connection.link.holdsPartialRecord
        return isEmpty ? nil : connection.lastHeardTick
    }

    private func relieveOutput(downTo bytesMax: Int) {
        let candidates = slots {
            let holdsNothing = $0.client.outbox == nil && $0.client.joinCount == 0 && !$0.link.hasUnsent
            return holdsNothing ? nil : $0.lastSentTick
        }
        for slot in candidates where heldOutputBytes + hub.held.replayBytes > bytesMax {
            metrics.evictions.add()
            connections[live: slot].pointee.link.makeCloseAbortive()
            debug(slot, "closed: too much waits for slow readers together")
            close(slot)
        }
        if hub.held.replayBytes > 0 { hub.abandonJoinsOfTheGone() }
    }

    /// Connections that have a tick to go by, the oldest first.
    private func slots(oldestFirst tick: (borrowing Connection) -> Tick?) -> [Slot] {
        var found: [(slot: Slot, age: Int)] = []
        for slot in connections.slots where connections.isLive(slot) {
            let connection = connections[live: slot]
            guard !connection.pointee.isClosed, let since = tick(connection.pointee) else { continue }
            found.append((slot, reactor.currentTick.steps(since: since)))
        }
        return found.sorted { $0.age > $1.age }.map(\.slot)
    }
}
