internal import Broker
internal import DequeModule
internal import Hub
internal import Reactor
internal import Wire

// When clients together hold more than the node has for them, those go first that have held theirs for longest: who sends a
// whole request, or reads its answer, has done so in a moment.
extension EdgeReactor {
    /// Lets go of who holds memory for longest, down to three quarters of what is allowed: so a look at all connections is paid
    /// for by a quarter of that.
    func relieveMemory() {
        let inputMax = limits.heldInputBytesMax / configuration.reactorCount
        let outputMax = limits.heldOutputBytesMax / configuration.reactorCount
        if held.inputBytes > inputMax { relieveInput(downTo: inputMax / 4 * 3) }
        if held.outputBytes + held.replayBytes > outputMax { relieveOutput(downTo: outputMax / 4 * 3) }
    }

    // MARK: Logs

    /// What one log may keep for slow readers: all that its channel's window allows while there is room, else its share, and
    /// nothing once a quarter more is held.
    var logShareBytes: Int {
        let most = limits.logsBytesMax / configuration.reactorCount
        if held.logBytes <= most { return .max }
        return held.logBytes > most / 4 * 5 ? 0 : most / max(held.logCount, 1)
    }

    /// Counts the memory of a log that was just written to or sent from.
    func weigh(_ feed: Feed) {
        let bytes = feed.log.memoryBytes
        guard bytes != feed.countedBytes else { return }
        held.logBytes += bytes - feed.countedBytes
        if bytes > FanoutLog.idleBytesMax, feed.countedBytes <= FanoutLog.idleBytesMax { held.logCount += 1 }
        feed.countedBytes = bytes
    }

    /// Counts the memory of all logs anew, for readers that catch up let go of some without being asked.
    func weighLogs() {
        held.logBytes = 0
        held.logCount = 0
        for feed in feeds.values {
            feed.countedBytes = 0
            weigh(feed)
        }
    }

    // MARK: Letting go

    private func relieveInput(downTo bytesMax: Int) {
        for slot in slots(oldestFirst: Self.holdsInput) where held.inputBytes > bytesMax {
            metrics.evictions.add()
            if connections[live: slot].pointee.client.encoding == nil {
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
        connection.input == nil && connection.decoder.heldBytes == 0 ? nil : connection.lastHeardTick
    }

    private func relieveOutput(downTo bytesMax: Int) {
        let candidates = slots { $0.client.outbox == nil && $0.client.joinCount == 0 ? nil : $0.lastSentTick }
        for slot in candidates where held.outputBytes + held.replayBytes > bytesMax {
            metrics.evictions.add()
            connections[live: slot].pointee.link.makeCloseAbortive()
            debug(slot, "closed: too much waits for slow readers together")
            close(slot)
        }
        if held.replayBytes > 0 { abandonJoinsOfTheGone() }
    }

    /// What a client that is gone still waits for holds what was read for it so far.
    private func abandonJoinsOfTheGone() {
        func isOfOneGone(_ join: Join) -> Bool {
            guard !join.isDone, let connection = connection(of: join.client) else { return !join.isDone }
            return connection.pointee.isClosed
        }
        for join in joins where isOfOneGone(join) { _ = abandon(join) }
        for join in readyJoins where isOfOneGone(join) { _ = abandon(join) }
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
