public import Broker

// What whoever runs the cluster asks, where the cluster is this node alone.
extension MemoryBackplane {
    public func ask(_ question: ClusterQuestion, number: UInt64) {
        delegate?.announced(number, .success(1))
        delegate?.asked(question, ClusterCall(asker: nodeID, number: number))
    }

    public func reply(_ part: ClusterPart, to call: ClusterCall) { delegate?.replied(call.number, part) }

    public func revoke(_ revocation: Revocation, for ticket: Ticket) {
        let now = time.wall()
        revocations = revocations.filter { $0.value.endMilliseconds > now }
        guard revocations.count < limits.revocationsMax else {
            delegate?.controlled(ticket, .success(.done(false)))
            return
        }
        revocations[revocation.target] = revocation
        delegate?.revoked([revocation])
        delegate?.controlled(ticket, .success(.done(true)))
    }

    public func list(_ inventory: Inventory, for ticket: Ticket) {
        delegate?.controlled(ticket, .success(.listed(page(of: inventory))))
    }

    private func page(of inventory: Inventory) -> InventoryPage {
        switch inventory.kind {
        case .nodes: return InventoryPage(items: [.node(nodeID, facts: Array("{}".utf8))], next: nil)
        case .sessions:
            let (ids, next) = sessions.list(
                after: inventory.after,
                countMax: inventory.countMax,
                now: time.monotonic()
            )
            return InventoryPage(items: ids.map { .session($0, node: nodeID) }, next: next)
        case .channels(let pattern): return channelPage(pattern, after: inventory.after, countMax: inventory.countMax)
        }
    }

    /// Channels by name: one pass over all there are, for some 100 ns each.
    private func channelPage(_ pattern: ChannelName?, after: String, countMax: Int) -> InventoryPage {
        var first: [ChannelName] = []
        for (name, channel) in channels where channel.head != .start && name.text > after {
            if let pattern, name != pattern, !pattern.stands(for: name) { continue }
            if first.count > countMax, let last = first.last, last.text < name.text { continue }
            let place = first.firstIndex { $0.text > name.text } ?? first.count
            first.insert(name, at: place)
            if first.count > countMax + 1 { first.removeLast() }
        }
        let shown = first.prefix(countMax)
        let items = shown.map { InventoryPage.Item.channel($0, head: channels[$0]?.head ?? .start) }
        return InventoryPage(items: items, next: first.count > countMax ? shown.last?.text : nil)
    }

    public func inspect(_ session: SessionID, for ticket: Ticket) {
        let positions = sessions.positions(of: session, now: time.monotonic())
        let facts = positions.map { SessionFacts(node: nodeID, positions: $0) }
        delegate?.controlled(ticket, .success(.inspected(facts)))
    }

    public func end(_ session: SessionID, for ticket: Ticket) {
        let fence = sessions.end(session, now: time.monotonic())
        if let fence { delegate?.taken(session, fence: fence + 1, .end) }
        delegate?.controlled(ticket, .success(.done(fence != nil)))
    }
}
