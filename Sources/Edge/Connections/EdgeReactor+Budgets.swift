internal import Broker
internal import Reactor

// A client that has too much under way, or changes its channels too fast, is not listened to until that is better: what it
// sends waits in its input, then in the kernel, and at last with the client itself.
extension EdgeReactor {
    /// Notes that the uplink is asked something for a client.
    func begin(_ asker: Asker) {
        switch asker {
        case .exchange(let exchange): holdRequests(behind: exchange)
        case .command(let key, _, let byteCount): beginCommand(key, byteCount: byteCount)
        case .line(let line): beginCommand(line.body.exchange.connection, byteCount: line.byteCount)
        // Its connection says nothing more until all of them are answered.
        case .bayeux: break
        }
    }

    /// Notes that it answered; says whether somebody still wants to know.
    func end(_ asker: Asker) -> Bool {
        switch asker {
        case .exchange(let exchange): return isWaitedFor(exchange)
        case .command(let key, _, let byteCount):
            endCommand(key, byteCount: byteCount)
            return connections.pointer(to: key)?.pointee.isOpen ?? false
        case .line(let line):
            endCommand(line.body.exchange.connection, byteCount: line.byteCount)
            return isTaken(line.body)
        case .bayeux(let batch, _): return isWaitedFor(batch)
        }
    }

    private func beginCommand(_ key: SlabKey, byteCount: Int) {
        budgets[key, default: ClientBudget()].commandsUnderWay += 1
        budgets[key]?.bytesUnderWay += byteCount
        waitIfSpent(key.slot)
    }

    /// A client that is gone took its budget with it.
    private func endCommand(_ key: SlabKey, byteCount: Int) {
        guard var budget = budgets[key] else { return }
        budget.commandsUnderWay -= 1
        budget.bytesUnderWay -= byteCount
        budgets[key] = budget.isEmpty ? nil : budget
        stopWaitingIfNotSpent(key)
    }

    /// Notes that a client has the node hear a channel, or not hear it any more.
    func countChannelChange(_ slot: Slot) {
        budgets[connections.key(ofLive: slot), default: ClientBudget()].channelChanges += 1
        waitIfSpent(slot)
    }

    /// Once a second, gives everyone's channel changes anew.
    func renewBudgets() {
        guard !budgets.isEmpty else { return }
        for key in Array(budgets.keys) {
            guard var budget = budgets[key], budget.channelChanges > 0 else { continue }
            // Not all at once: a client that comes with all of its channels in a second has gone on before the next is over.
            budget.channelChanges = max(budget.channelChanges - limits.channelChangesPerSecondMax, 0)
            budgets[key] = budget.isEmpty ? nil : budget
            stopWaitingIfNotSpent(key)
        }
    }

    private func isSpent(_ key: SlabKey) -> Bool {
        guard let budget = budgets[key] else { return false }
        return budget.commandsUnderWay >= limits.commandsUnderWayMax
            || budget.bytesUnderWay >= limits.commandBytesUnderWayMax
            || budget.channelChanges >= limits.channelChangesPerSecondMax
    }

    private func waitIfSpent(_ slot: Slot) {
        guard isSpent(connections.key(ofLive: slot)) else { return }
        let connection = connections[live: slot]
        if !connection.pointee.traffic.contains(.isWaiting) { metrics.budgetWaits.add() }
        connection.pointee.traffic.insert(.isWaiting)
    }

    private func stopWaitingIfNotSpent(_ key: SlabKey) {
        guard let connection = connections.pointer(to: key), connection.pointee.traffic.contains(.isWaiting),
            !isSpent(key)
        else { return }
        connection.pointee.traffic.remove(.isWaiting)
        goOn(key.slot)
    }
}
