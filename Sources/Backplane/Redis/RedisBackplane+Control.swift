public import Broker

// What operators ask: of nodes by pub/sub, and of what Redis has, one master after the other.
extension RedisBackplane {
    public func ask(_ question: ClusterQuestion, number: UInt64) {
        ask(RedisAskNodes(question: question, number: number))
    }

    public func reply(_ part: ClusterPart, to call: ClusterCall) {
        ask(RedisReplyToNode(part: part, call: call))
    }

    public func clear(_ channel: ChannelName, isKeyed: Bool, for ticket: Ticket) {
        ask(RedisClear(channel: channel, isKeyed: isKeyed, ticket: ticket))
    }

    public func revoke(_ revocation: Revocation, for ticket: Ticket) {
        ask(RedisRevoke(revocation: revocation, ticket: ticket))
    }

    public func list(_ inventory: Inventory, for ticket: Ticket) { list(inventory, [], for: ticket) }

    private func list(_ inventory: Inventory, _ found: [InventoryPage.Item], for ticket: Ticket) {
        guard !shards.isEmpty else {
            delegate?.controlled(ticket, .failure(.unavailable))
            return
        }
        let place = RedisListPlace(inventory.after, masters: shards.count)
        let question = RedisList(inventory: inventory, ticket: ticket, place: place, found: found) {
            [unowned self] next, found in
            let rest = Inventory(inventory.kind, after: next.text, countMax: inventory.countMax)
            list(rest, found, for: ticket)
        }
        shards[place.master].commands.ask(question)
    }
}
